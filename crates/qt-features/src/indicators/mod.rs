//! Building blocks of the technical family, seeded as TA-Lib does with zero unstable period.

mod atr;
mod directional;
mod ema;
mod held;
mod last;
mod line;
mod rolling_sum;
mod rsi;
#[cfg(test)]
pub(crate) mod testing;
mod wilder;

pub use atr::Atr;
pub use directional::{Adx, Directional};
pub use ema::Ema;
pub use held::{Indicator, held, held_in_atr};
pub use last::Last;
pub use line::Line;
pub use rolling_sum::RollingSum;
pub use rsi::Rsi;
pub use wilder::Wilder;
