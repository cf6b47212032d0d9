//! Orders of ours and what the venue tells about them.

use crate::queue::Queue;

/// How an order may execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderType {
    /// Takes what is displayed, at any price.
    Market,
    /// Takes what is displayed up to its price, then rests.
    Limit,
    /// Becomes a market order when the last print reaches its price.
    Stop,
    /// Becomes a limit order when the last print reaches its price.
    StopLimit,
}

impl OrderType {
    /// The type with this name: `market`, `limit`, `stop` or `stop_limit`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "market" => Some(Self::Market),
            "limit" => Some(Self::Limit),
            "stop" => Some(Self::Stop),
            "stop_limit" => Some(Self::StopLimit),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit => "limit",
            Self::Stop => "stop",
            Self::StopLimit => "stop_limit",
        }
    }
}

/// An order as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// Chosen by the sender, unique per venue.
    pub client_id: i64,
    /// `side::BUY` or `side::SELL`.
    pub side: i8,
    /// Contracts, positive.
    pub size: i64,
    /// How it may execute.
    pub kind: OrderType,
    /// Limit or trigger in ticks; `PX_NONE` for market orders.
    pub px: i32,
    /// Limit in ticks of a stop-limit order once it is triggered; `PX_NONE` for every other type.
    pub limit_px: i32,
    /// Never opens or turns a position.
    pub reduce_only: bool,
}

/// What a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The order reached the venue and works.
    Accepted,
    /// One execution.
    Filled,
    /// What was left no longer works.
    Cancelled,
    /// The order never worked.
    Rejected,
    /// A cancel found nothing to cancel.
    CancelRejected,
}

impl Status {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::CancelRejected => "cancel_rejected",
        }
    }
}

/// One message from the venue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// 1, 2, 3, … per venue.
    pub id: i64,
    /// The order.
    pub client_id: i64,
    /// Venue time, ns UTC.
    pub ts: i64,
    /// What happened.
    pub status: Status,
    /// Side of the order; 0 when the order is not known.
    pub side: i8,
    /// Execution price for fills, the order's price otherwise.
    pub px: i32,
    /// Executed contracts for fills, contracts left for cancels, the order's size otherwise.
    pub size: i64,
    /// The order was resting when it was filled.
    pub maker: bool,
    /// Fees of this execution.
    pub fee: f64,
    /// Why the venue acted by itself; empty otherwise.
    pub reason: &'static str,
}

/// Where a working order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Takes liquidity as soon as it can.
    Taking,
    /// A limit order in the book.
    Resting,
    /// A stop that has not been triggered.
    Armed,
    /// Filled or cancelled; removed at the next occasion.
    Done,
}

/// An order at the venue.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    pub order: NewOrder,
    pub left: i64,
    pub state: State,
    pub sent: i64,
    pub arrived: i64,
    pub queue: Queue,
    /// Its level may have changed in this packet.
    pub changed: bool,
}

impl Working {
    /// Whether it may trade at `px` as a taker.
    pub fn accepts(&self, px: i32) -> bool {
        self.order.kind != OrderType::Limit || !short_of(self.order.side, self.order.px, px)
    }

    /// Whether a print at `px` triggers it.
    pub fn triggers(&self, px: i32) -> bool {
        if self.order.side > 0 { px >= self.order.px } else { px <= self.order.px }
    }

    /// Triggered: a stop wants liquidity at any price, a stop-limit is a limit order from now on.
    pub fn trigger(&mut self) {
        self.state = State::Taking;
        if self.order.kind == OrderType::StopLimit {
            self.order.kind = OrderType::Limit;
            self.order.px = self.order.limit_px;
        }
    }
}

/// Whether an order of this side with limit `a` does not reach `b`: a lower buy, a higher sale.
#[inline]
pub(crate) const fn short_of(side: i8, a: i32, b: i32) -> bool {
    if side > 0 { a < b } else { a > b }
}
