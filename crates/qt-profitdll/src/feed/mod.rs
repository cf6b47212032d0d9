//! The native feed: callbacks of the library become events in a ring, without Python and without waiting.
//!
//! [`Feed`] owns two rings, one for live data and one for history requests, and a queue of control messages. The
//! addresses of [`Feed::callbacks`] are handed to the library; what it calls with lands in the rings, stamped with the
//! receive time and numbered. `docs/concepts/feed.md` says what becomes what.

mod callbacks;
mod control;
mod counters;
mod depth;
mod door;
mod home;
mod mapping;
mod messages;
mod offers;
mod session;
mod stamp;
mod state;
mod table;
mod tiny;
mod totals;
mod trades;

#[cfg(test)]
mod tests;

pub use counters::{Count, Counters};
pub use depth::MAX_DEPTH;
pub use door::{Feed, FeedError, Settings};
pub use home::Unit;
pub use messages::{Message, Messages, Value};
pub use table::MAX_INSTRUMENTS;
