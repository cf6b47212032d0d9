//! What the broker's side tells the client, in order.

use super::order::{Order, OrderId};

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Number of the request.
    pub message_id: i64,
    /// Code of `MessageResult`.
    pub code: u8,
    /// The broker.
    pub broker_id: i32,
    /// The order.
    pub order: OrderId,
    /// Why it was refused; empty otherwise.
    pub text: String,
}

/// One notification.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// An account, by its index.
    Account(usize),
    /// The list of accounts of a broker changed.
    BrokerAccounts {
        /// The broker.
        broker_id: i32,
        /// How many were announced.
        changed: u32,
    },
    /// The list of sub-accounts of the account with this index changed.
    SubAccounts(usize),
    /// An answer to a request.
    Answer(Answer),
    /// An order changed: how it stood then.
    Order(Box<Order>),
    /// Order history of the account with this index is loaded: the orders that came with it.
    History {
        /// The account.
        account: usize,
        /// The orders, by age.
        orders: Vec<Order>,
    },
    /// A position changed; ticker `-1` when the whole list did.
    Position {
        /// The account.
        account: usize,
        /// In what.
        ticker: String,
        /// Where.
        exchange: String,
        /// Number of the change.
        event_id: i64,
    },
}
