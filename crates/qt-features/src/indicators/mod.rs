//! Building blocks of the technical family, seeded as TA-Lib does with zero unstable period.

mod atr;
mod directional;
mod ema;
mod last;
mod line;
mod macd;
mod named;
mod rsi;
mod sma;
#[cfg(test)]
pub(crate) mod testing;
mod wilder;

pub use atr::Atr;
pub use directional::{Adx, Directional};
pub use ema::Ema;
pub use last::Last;
pub use line::Line;
pub use macd::Macd;
pub use named::{Indicator, indicator_names};
pub use rsi::Rsi;
pub use sma::Sma;
pub use wilder::Wilder;
