//! A simulated exchange: our orders filled against recorded events, and a generator of order flow.
//!
//! [`Venue`] applies recorded events and decides when an order of ours would have traded: after its latency,
//! behind the volume that was displayed before it, never with the same contracts twice. The rules and the bias
//! of each are written in `docs/concepts/venue.md`. [`generate_session`] makes a seeded synthetic session.

pub mod generator;
pub mod prng;

pub use generator::{SessionSpec, generate_session};
