//! The codes of an order's life and of the answers on the way to the market, as the vendor numbers them.

use qt_profitdll::codes::{message_result as answer, order_status as code};

/// Where an order stands. The value is the vendor's.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Works at the exchange, nothing executed.
    New = code::NEW,
    /// Works, a part is executed.
    PartiallyFilled = code::PARTIALLY_FILLED,
    /// Executed whole.
    Filled = code::FILLED,
    /// Ended by a cancel before any execution.
    Canceled = code::CANCELED,
    /// Works with changed price or quantity.
    Replaced = code::REPLACED,
    /// A cancel is under way.
    PendingCancel = code::PENDING_CANCEL,
    /// Never worked.
    Rejected = code::REJECTED,
    /// Sent to the exchange, not yet answered.
    PendingNew = code::PENDING_NEW,
    /// Ended with the session before any execution.
    Expired = code::EXPIRED,
    /// A change is under way.
    PendingReplace = code::PENDING_REPLACE,
    /// A part executed, the rest cancelled.
    PartiallyFilledCanceled = code::PARTIALLY_FILLED_CANCELED,
    /// A part executed, the rest ended with the session.
    PartiallyFilledExpired = code::PARTIALLY_FILLED_EXPIRED,
    /// A part executed, the rest refused by the exchange.
    PartiallyFilledRejected = code::PARTIALLY_FILLED_REJECTED,
    /// Known to the order gateway.
    CreatedInHades = code::HADES_CREATED,
    /// On its way to the broker.
    SentToBroker = code::BROKER_SENT,
    /// Exists in the client only.
    ClientCreated = code::CLIENT_CREATED,
    /// Refused before the order gateway knew it.
    OrderNotCreated = code::ORDER_NOT_CREATED,
    /// Ended by the exchange's or broker's own decision.
    CanceledByAdmin = code::CANCELED_BY_ADMIN,
}

impl OrderStatus {
    /// Every status that the simulator gives.
    pub const ALL: [Self; 18] = [
        Self::New,
        Self::PartiallyFilled,
        Self::Filled,
        Self::Canceled,
        Self::Replaced,
        Self::PendingCancel,
        Self::Rejected,
        Self::PendingNew,
        Self::Expired,
        Self::PendingReplace,
        Self::PartiallyFilledCanceled,
        Self::PartiallyFilledExpired,
        Self::PartiallyFilledRejected,
        Self::CreatedInHades,
        Self::SentToBroker,
        Self::ClientCreated,
        Self::OrderNotCreated,
        Self::CanceledByAdmin,
    ];

    /// The status with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s as u8 == code)
    }

    /// Whether nothing can happen to the order any more.
    pub const fn is_final(self) -> bool {
        use OrderStatus as S;
        matches!(
            self,
            S::Filled
                | S::Canceled
                | S::Rejected
                | S::Expired
                | S::PartiallyFilledCanceled
                | S::PartiallyFilledExpired
                | S::PartiallyFilledRejected
                | S::OrderNotCreated
                | S::CanceledByAdmin
        )
    }

    /// Whether the exchange has accepted the order and it has not ended.
    pub const fn is_working(self) -> bool {
        use OrderStatus as S;
        matches!(self, S::New | S::PartiallyFilled | S::Replaced | S::PendingCancel | S::PendingReplace)
    }

    /// Updates that the library delivers from 4.0.0.41 on only; the state is there to be asked for in all of them.
    pub const fn is_newly_delivered(self) -> bool {
        use OrderStatus as S;
        matches!(self, S::CreatedInHades | S::SentToBroker | S::PendingReplace | S::PendingCancel)
    }
}

/// What a request that arrives says at each hop.
pub const HEALTHY: [u8; 6] = [
    answer::STARTING,
    answer::SENT_TO_PROXY,
    answer::SENT_TO_GATEWAY,
    answer::SENT_TO_BROKER,
    answer::SENT_TO_MARKET,
    answer::ACCEPTED,
];

/// Where a request can be refused, in the order of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection to the broker.
    Proxy,
    /// The legacy gateway: the login of the client.
    Mercury,
    /// The order gateway: signature, form.
    Gateway,
    /// Risk control: limits, lots.
    Risk,
    /// The broker.
    Broker,
    /// The exchange.
    Market,
}

impl Stage {
    /// The stage with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "proxy" => Self::Proxy,
            "mercury" => Self::Mercury,
            "gateway" => Self::Gateway,
            "risk" => Self::Risk,
            "broker" => Self::Broker,
            "market" => Self::Market,
            _ => return None,
        })
    }

    /// The hop whose healthy answer a refusal takes the place of.
    pub const fn hop(self) -> u8 {
        match self {
            Self::Proxy => 1,
            Self::Mercury => 2,
            Self::Gateway | Self::Risk => 3,
            Self::Broker => 4,
            Self::Market => 5,
        }
    }

    /// Its answer.
    pub const fn answer(self) -> u8 {
        match self {
            Self::Proxy => answer::NOT_CONNECTED,
            Self::Mercury => answer::REJECTED_MERCURY,
            Self::Gateway => answer::REJECTED_BY_GATEWAY,
            Self::Risk => answer::BLOCKED_BY_RISK,
            Self::Broker => answer::REJECTED_BY_BROKER,
            Self::Market => answer::REJECTED_BY_MARKET,
        }
    }

    /// What a new order becomes.
    pub const fn refused(self) -> OrderStatus {
        match self {
            Self::Proxy | Self::Mercury => OrderStatus::OrderNotCreated,
            _ => OrderStatus::Rejected,
        }
    }
}
