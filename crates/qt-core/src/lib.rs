//! Vocabulary of quantumtrader: event records, instruments, errors, the ring and the order books.
//!
//! Prices are integer ticks, sizes integer contracts, times ns since 1970 UTC; floats appear only in outputs.

pub mod book;
pub mod calendar;
pub mod clock;
pub mod error;
pub mod event;
pub mod instrument;
#[cfg(not(loom))]
pub mod journal;
pub mod ring;
pub mod schema;

pub use error::Error;
pub use event::{Event, Kind};
