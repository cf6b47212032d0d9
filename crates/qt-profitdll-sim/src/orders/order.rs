//! An order as the broker keeps it, and the requests that a client makes.

use super::account::AccountKey;
use super::status::OrderStatus;

/// No price: market orders, and the stop price of what is no stop.
pub const NO_PRICE: f64 = -1.0;

/// Side of an order. The value is the vendor's `OrderSide`.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Buy.
    Buy = 1,
    /// Sell.
    Sell = 2,
}

impl Side {
    /// The side with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Buy),
            2 => Some(Self::Sell),
            _ => None,
        }
    }

    /// 1 for a buy, −1 for a sale.
    pub const fn sign(self) -> i64 {
        if matches!(self, Self::Buy) { 1 } else { -1 }
    }
}

/// Type of an order. The value is the vendor's `OrderType`.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// At any price.
    Market = 1,
    /// Up to its price.
    Limit = 2,
    /// A limit order once the stop price prints.
    StopLimit = 4,
}

impl Type {
    /// The type with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Market),
            2 => Some(Self::Limit),
            4 => Some(Self::StopLimit),
            _ => None,
        }
    }
}

/// What a client calls an order: an id of this session, or the permanent one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderId {
    /// Given by this session; 0 or less where it is not meant.
    pub local: i64,
    /// Given when the broker accepts; empty where it is not meant.
    pub permanent: String,
}

impl OrderId {
    /// By its session id.
    pub const fn local(local: i64) -> Self {
        Self { local, permanent: String::new() }
    }

    /// By its permanent id.
    pub fn permanent(id: &str) -> Self {
        Self { local: -1, permanent: id.into() }
    }
}

/// Asks for a new order.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRequest {
    /// Whose.
    pub account: AccountKey,
    /// Trading password.
    pub password: String,
    /// What.
    pub ticker: String,
    /// Where.
    pub exchange: String,
    /// Side.
    pub side: Side,
    /// Type.
    pub kind: Type,
    /// Limit; [`NO_PRICE`] for market orders.
    pub price: f64,
    /// Trigger; [`NO_PRICE`] for what is no stop.
    pub stop_price: f64,
    /// Contracts.
    pub quantity: i64,
}

/// Asks for another price or quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRequest {
    /// Whose.
    pub account: AccountKey,
    /// Trading password.
    pub password: String,
    /// Which.
    pub order: OrderId,
    /// New limit.
    pub price: f64,
    /// New trigger; [`NO_PRICE`] leaves it.
    pub stop_price: f64,
    /// New whole quantity, what is executed included.
    pub quantity: i64,
}

/// Asks for the end of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// Whose.
    pub account: AccountKey,
    /// Trading password.
    pub password: String,
    /// Which.
    pub order: OrderId,
}

/// What a request got: the ids to follow it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Session id of the order.
    pub local_id: i64,
    /// Number of the request in the answers.
    pub message_id: i64,
}

/// An order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Number at the broker, 0, 1, 2, … over all sessions.
    pub key: u64,
    /// Session id; 0 while this session has not been told about the order.
    pub local_id: i64,
    /// Permanent id; empty until the broker accepts.
    pub cl_ord_id: String,
    /// Whose.
    pub account: AccountKey,
    /// What.
    pub ticker: String,
    /// Where.
    pub exchange: String,
    /// Side.
    pub side: Side,
    /// Type.
    pub kind: Type,
    /// Limit; [`NO_PRICE`] for market orders.
    pub price: f64,
    /// Trigger; [`NO_PRICE`] for what is no stop.
    pub stop_price: f64,
    /// Contracts, executed or not.
    pub quantity: i64,
    /// Executed contracts.
    pub traded: i64,
    /// Sum of execution price in ticks × contracts.
    pub traded_ticks: i64,
    /// Average execution price; 0 before any.
    pub average: f64,
    /// Where it stands.
    pub status: OrderStatus,
    /// What it goes back to when a pending change or cancel is refused.
    pub settled: OrderStatus,
    /// The stop price has printed.
    pub triggered: bool,
    /// Why it was refused or ended.
    pub text: String,
    /// Made, ns UTC.
    pub created_ns: i64,
    /// Last change, ns UTC.
    pub updated_ns: i64,
    /// Ended, ns UTC; 0 before.
    pub closed_ns: i64,
    /// Number of its last change over all orders.
    pub event_id: i64,
    /// Tagged as day trade.
    pub day_trade: bool,
}

impl Order {
    /// Contracts that may still execute.
    pub const fn leaves(&self) -> i64 {
        if self.status.is_final() { 0 } else { self.quantity - self.traded }
    }

    /// Both ids.
    pub fn id(&self) -> OrderId {
        OrderId { local: self.local_id, permanent: self.cl_ord_id.clone() }
    }
}

/// One execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// 1, 2, 3, … over all sessions.
    pub id: i64,
    /// The order's number.
    pub order: u64,
    /// Price in ticks.
    pub px: i32,
    /// Contracts.
    pub size: i64,
    /// When, ns UTC.
    pub ts: i64,
}
