//! Engines that turn market events into state: session, touch, tape, order-flow windows, profile, bars,
//! footprints.
//!
//! Each piece of state is computed once per event, by [`Flow`], and shared by every feature that reads it. A
//! piece that nobody asked for costs nothing. Prices are ticks, sizes contracts, times ns; sums are exact.

pub mod added;
pub mod bars;
pub mod brokers;
pub mod contents;
pub mod detect;
pub mod flow;
pub mod footprint;
mod hash;
pub mod histogram;
pub mod ladder;
pub mod ledger;
pub mod levels;
pub mod limit;
pub mod markout;
pub mod mid;
pub mod mlofi;
pub mod moments;
pub mod ofi;
pub mod pages;
pub mod parent;
pub mod profile;
pub mod removed;
pub mod rows;
pub mod session;
pub mod spread;
pub mod steps;
pub mod tape;
pub mod time;
pub mod touch;
pub mod window;

pub use bars::Bar;
pub use flow::{Effects, Flow, RlpSign, exit};
pub use footprint::{Footprint, PriceRow};
pub use parent::Parent;
pub use rows::RowChange;
pub use session::Session;
pub use tape::{Print, TradeSums};
pub use touch::Touch;
