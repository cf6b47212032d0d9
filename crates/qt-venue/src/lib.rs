//! A simulated exchange: our orders filled against recorded events, and a generator of order flow.
//!
//! [`Venue`] applies recorded events and decides when an order of ours would have traded: after its latency,
//! behind the volume that was displayed before it, never with the same contracts twice. The rules and the bias
//! of each are written in `docs/concepts/venue.md`. [`generate_session`] makes a seeded synthetic session.

mod bars;
mod depth;
pub mod generator;
mod matching;
mod order;
pub mod prng;
mod queue;
mod taken;
mod venue;

pub use depth::Fidelity;
pub use generator::{SessionSpec, generate_session};
pub use order::{NewOrder, OrderType, Report, Status};
pub use queue::QueueModel;
pub use venue::{Config, Unsorted, Venue};
