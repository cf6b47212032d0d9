//! The codes of an order's life and of the answers on the way to the market, as the vendor numbers them.

/// Where an order stands. The value is the vendor's.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Works at the exchange, nothing executed.
    New = 0,
    /// Works, a part is executed.
    PartiallyFilled = 1,
    /// Executed whole.
    Filled = 2,
    /// Ended by a cancel before any execution.
    Canceled = 4,
    /// Works with changed price or quantity.
    Replaced = 5,
    /// A cancel is under way.
    PendingCancel = 6,
    /// Never worked.
    Rejected = 8,
    /// Sent to the exchange, not yet answered.
    PendingNew = 10,
    /// Ended with the session before any execution.
    Expired = 12,
    /// A change is under way.
    PendingReplace = 14,
    /// A part executed, the rest cancelled.
    PartiallyFilledCanceled = 15,
    /// A part executed, the rest ended with the session.
    PartiallyFilledExpired = 17,
    /// A part executed, the rest refused by the exchange.
    PartiallyFilledRejected = 18,
    /// Known to the order gateway.
    CreatedInHades = 201,
    /// On its way to the broker.
    SentToBroker = 202,
    /// Exists in the client only.
    ClientCreated = 203,
    /// Refused before the order gateway knew it.
    OrderNotCreated = 204,
    /// Ended by the exchange's or broker's own decision.
    CanceledByAdmin = 205,
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

/// Answers on the way to the market: the codes of `TConnectorTradingMessageResult` that the simulator gives.
pub mod answer {
    /// The request has left the caller.
    pub const STARTING: u8 = 0;
    /// No connection to the broker.
    pub const NOT_CONNECTED: u8 = 1;
    /// The proxy has it.
    pub const SENT_TO_PROXY: u8 = 2;
    /// Refused by the legacy gateway.
    pub const REJECTED_MERCURY: u8 = 3;
    /// The order gateway has it.
    pub const SENT_TO_GATEWAY: u8 = 4;
    /// Refused by the order gateway.
    pub const REJECTED_GATEWAY: u8 = 5;
    /// The broker has it.
    pub const SENT_TO_BROKER: u8 = 6;
    /// Refused by the broker.
    pub const REJECTED_BROKER: u8 = 7;
    /// The exchange has it.
    pub const SENT_TO_MARKET: u8 = 8;
    /// Refused by the exchange.
    pub const REJECTED_MARKET: u8 = 9;
    /// Done.
    pub const ACCEPTED: u8 = 10;
    /// Refused by risk control.
    pub const BLOCKED_BY_RISK: u8 = 24;

    /// What a request that arrives says at each hop.
    pub const HEALTHY: [u8; 6] =
        [STARTING, SENT_TO_PROXY, SENT_TO_GATEWAY, SENT_TO_BROKER, SENT_TO_MARKET, ACCEPTED];
}

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
            Self::Gateway => answer::REJECTED_GATEWAY,
            Self::Risk => answer::BLOCKED_BY_RISK,
            Self::Broker => answer::REJECTED_BROKER,
            Self::Market => answer::REJECTED_MARKET,
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
