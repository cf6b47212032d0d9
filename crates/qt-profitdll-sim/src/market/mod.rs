//! The market as the vendor shows it: events in, the vendor's updates out. No FFI, no threads, no clock.
//!
//! [`Instrument`] owns the true book. By-order sources keep their offers; sources that know levels only become
//! synthetic offers: growth of a level is a new offer at its back, a loss comes off the front as far as trades
//! of the same packet explain it and off the back otherwise. Updates about offers and trades are told in the
//! order of the events; price depth, tiny book and daily values at the end of a packet.

pub mod depth;
mod instrument;
pub mod offers;
pub mod tape;

pub use depth::Group;
pub use instrument::{Counters, Instrument};
pub use offers::{Action, Offer};
pub use tape::{Daily, Print};

/// A side of the book, with the vendor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = 0,
    /// Asks.
    Sell = 1,
}

impl Side {
    /// Both, bids first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The side of an event: 1 bids, −1 asks.
    #[must_use]
    pub const fn of(side: i8) -> Option<Self> {
        match side {
            1 => Some(Self::Buy),
            -1 => Some(Self::Sell),
            _ => None,
        }
    }

    /// The side with this vendor number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Buy),
            1 => Some(Self::Sell),
            _ => None,
        }
    }

    /// 1 for bids, −1 for asks.
    #[must_use]
    pub const fn sign(self) -> i8 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

/// The vendor's ticker states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TickerState {
    /// Continuous trading.
    Open = 0,
    /// Halted.
    Frozen = 2,
    /// Inhibited.
    Inhibited = 3,
    /// A call auction.
    Auction = 4,
    /// Outside trading hours.
    Closed = 6,
    /// Before the close.
    PreClosing = 10,
    /// Before the opening.
    PreOpening = 13,
}

/// One thing to tell the clients of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// An offer came, changed or left.
    Offer(Side, Action),
    /// Both lists are new; read [`Instrument::offers`].
    FullBook,
    /// Something of the price depth changed; read [`Instrument::group`].
    Depth {
        /// Side of the ladder.
        side: Side,
        /// Counted from the best.
        position: usize,
        /// What happened.
        kind: depth::Kind,
    },
    /// A trade, or the correction of one.
    Trade(Print),
    /// The best price or its contracts changed; 0 contracts when the side is empty.
    Tiny {
        /// Side of the book.
        side: Side,
        /// Price in ticks.
        px: i32,
        /// Contracts shown.
        size: i64,
    },
    /// The aggregates changed; read [`Instrument::daily`].
    Daily,
    /// The ticker entered a state.
    State(TickerState, i64),
    /// The theoretical price of an auction changed; read [`Instrument::theoretical`].
    Theoretical,
}
