//! Building blocks of the technical family, seeded as TA-Lib does with zero unstable period.

mod atr;
mod ema;
mod last;
mod wilder;

pub use atr::Atr;
pub use ema::Ema;
pub use last::Last;
pub use wilder::Wilder;
