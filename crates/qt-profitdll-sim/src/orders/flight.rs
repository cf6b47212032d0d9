//! Requests on their way to the market.

use super::status::Stage;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// The order itself.
    New,
    /// Another price or quantity.
    Change {
        /// New limit.
        price: f64,
        /// New trigger.
        stop_price: f64,
        /// New whole quantity.
        quantity: i64,
    },
    /// The end of the order.
    Cancel,
}

/// A request between the caller and the exchange. It waits at `hop` until `due`, then takes the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Flight {
    /// The order's number.
    pub order: u64,
    /// What it asks for.
    pub action: Action,
    /// Number of the request in the answers; 0 when nobody of this session asked.
    pub message_id: i64,
    /// Hops taken: an index of `HEALTHY`.
    pub hop: u8,
    /// When it takes the next, ns UTC.
    pub due: i64,
    /// Refused on arrival at this stage, with this text.
    pub refusal: Option<(Stage, String)>,
    /// Its answers are lost; what it does is done.
    pub mute: bool,
}
