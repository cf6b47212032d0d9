//! The broker's side of the vendor's world: accounts, orders, positions, and what is told about them.
//!
//! [`Broker`] is a state machine without threads or clocks of its own: market events, requests and time go in,
//! notifications come out in order. A request takes five hops of `hop_ns` (proxy, order gateway, broker, exchange,
//! answer), says so at each, and can be refused at each. Orders meet the market in [`qt_venue::Venue`].
//!
//! With a state file the broker's side outlives the process that hosts it. A new process finds every order, execution
//! and position that the last one told its client about, and the requests that were on their way. The market stands
//! still in between: it is played to where the state file last saw it ([`Broker::resume_at`]), the orders that worked
//! enter again there, behind what is displayed at their price, and the session goes on from that event. What happened
//! after the last note of the market's position, and changed no order of ours, is lived through again.

use qt_profitdll::time::BRASILIA_NS;

pub mod account;
pub mod broker;
mod deliver;
pub mod desk;
pub mod exchange;
pub(crate) mod ffi;
pub mod flight;
mod history;
pub(crate) mod legacy;
pub mod note;
pub mod order;
pub mod persist;
pub mod position;
pub mod script;
pub mod status;
#[cfg(test)]
mod tests;
mod toml;

pub use account::{Account, AccountKey, AccountKind, Announce};
pub use broker::Broker;
pub use desk::{Desk, connect, deliver, on_packet, on_roll, on_state};
pub use exchange::Listing;
pub use note::{Answer, Note};
pub use order::{CancelRequest, ChangeRequest, NewRequest, Order, OrderId, Receipt, Side, Type};
pub use position::{Position, PositionKind};
pub use script::{Carried, Request, Rule, Settings};
pub use status::{OrderStatus, Stage};

const DAY_NS: i64 = 86_400_000_000_000;

/// Number of the local day at a time, counted from 1970-01-01.
pub const fn local_day(ns: i64) -> i64 {
    (ns + BRASILIA_NS).div_euclid(DAY_NS)
}
