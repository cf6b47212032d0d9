//! Result codes and enumerations, declared once, with their meaning in plain words.

use qt_core::event::Code;

use crate::layout::{CodeKind, CodeSet, find};

macro_rules! code_sets {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident $module:ident as $set:literal: $ty:ty { $($(#[doc = $vdoc:literal])+ $name:ident = $value:expr,)+ }
    )+) => {
        $(
            $(#[doc = $doc])+
            pub mod $module {
                use super::Code;
                $($(#[doc = $vdoc])+ pub const $name: $ty = $value;)+
                /// Every code of this set.
                pub const ALL: &[Code] = &[$(Code {
                    name: stringify!($name),
                    value: $name as i64,
                    doc: concat!($($vdoc),+).trim_ascii(),
                }),+];
            }
        )+

        /// Every set of codes.
        pub const SETS: &[CodeSet] = &[$(CodeSet {
            name: $set,
            kind: CodeKind::$kind,
            doc: concat!($($doc),+).trim_ascii(),
            codes: $module::ALL,
        }),+];
    };
}

/// An `NResult` in 64 bits, as functions that return ids give it.
const fn nl(n: u32) -> i32 {
    (0x8000_0000_u32 | n) as i32
}

/// Name and meaning of an `NResult`; `code` may be of 32 or 64 bits, signed or not.
#[must_use]
pub fn nresult_of(code: i64) -> Option<&'static Code> {
    find(nresult::ALL, i64::from(code as i32))
}

code_sets! {
    /// Result of a call. 0 is success, errors are negative; functions that return an id or a count give it as a positive number.
    Enum nresult as "NResult": i32 {
        /// Success.
        NL_OK = 0,
        /// Something failed inside the library; its log says more.
        NL_INTERNAL_ERROR = super::nl(0x01),
        /// The library is not initialised: start the session first.
        NL_NOT_INITIALIZED = super::nl(0x02),
        /// An argument is wrong: check ticker, exchange (one letter), dates and numbers.
        NL_INVALID_ARGS = super::nl(0x03),
        /// The request was sent and its data are pending: ask again, or wait for the callback.
        NL_WAITING_SERVER = super::nl(0x04),
        /// Nobody is logged in: wait for the login, or check user and password.
        NL_NO_LOGIN = super::nl(0x05),
        /// There is no licence: check the activation key.
        NL_NO_LICENSE = super::nl(0x06),
        /// The password is not a SHA1 hash.
        NL_PASSWORD_HASH_SHA1 = super::nl(0x07),
        /// The password is not an MD5 hash.
        NL_PASSWORD_HASH_MD5 = super::nl(0x08),
        /// A count, index or date is out of range.
        NL_OUT_OF_RANGE = super::nl(0x09),
        /// This session or licence has market data only, no order routing.
        NL_MARKET_ONLY = super::nl(0x0A),
        /// There is no position.
        NL_NO_POSITION = super::nl(0x0B),
        /// What was asked for does not exist.
        NL_NOT_FOUND = super::nl(0x0C),
        /// The library does not know this version of the struct: it is older than the declaration.
        NL_VERSION_NOT_SUPPORTED = super::nl(0x0D),
        /// The OCO has no rules.
        NL_OCO_NO_RULES = super::nl(0x0E),
        /// The exchange is unknown: use its one letter, `F` for futures.
        NL_EXCHANGE_UNKNOWN = super::nl(0x0F),
        /// The order has no OCO.
        NL_NO_OCO_DEFINED = super::nl(0x10),
        /// The data series is not valid.
        NL_INVALID_SERIE = super::nl(0x11),
        /// The licence does not include this function.
        NL_LICENSE_NOT_ALLOWED = super::nl(0x12),
        /// The session is not in hard logout.
        NL_NOT_HARD_LOGOUT = super::nl(0x13),
        /// The server has no history of this series.
        NL_SERIE_NO_HISTORY = super::nl(0x14),
        /// The data of the asset are not loaded: subscribe to it and wait.
        NL_ASSET_NO_DATA = super::nl(0x15),
        /// The series is empty.
        NL_SERIE_NO_DATA = super::nl(0x16),
        /// A strategy is running.
        NL_HAS_STRATEGY_RUNNING = super::nl(0x17),
        /// The series has no more history.
        NL_SERIE_NO_MORE_HISTORY = super::nl(0x18),
        /// The series is at its limit.
        NL_SERIE_MAX_COUNT = super::nl(0x19),
        /// It exists already.
        NL_DUPLICATE_RESOURCE = super::nl(0x1A),
        /// A contract with the vendor is not signed: sign it in Profit.
        NL_UNSIGNED_CONTRACT = super::nl(0x1B),
        /// No password was given.
        NL_NO_PASSWORD = super::nl(0x1C),
        /// No user was given.
        NL_NO_USER = super::nl(0x1D),
        /// The file exists already.
        NL_FILE_ALREADY_EXISTS = super::nl(0x1E),
        /// The ticker does not exist: check month letter and year.
        NL_INVALID_TICKER = super::nl(0x1F),
        /// The account is no master account.
        NL_NOT_MASTER_ACCOUNT = super::nl(0x20),
        /// The trade is not of this account.
        NL_NOT_MY_TRADE = super::nl(0x21),
        /// The values are not equal.
        NL_NOT_EQUALS = super::nl(0x22),
        /// The library's authorisation is not valid.
        NL_INVALID_DLL_AUTH = super::nl(0x23),
        /// The signature is not valid.
        NL_INVALID_SIGNATURE = super::nl(0x24),
        /// The library does not implement this.
        NL_NOT_IMPLEMENTED = super::nl(0x25),
        /// The broker is not allowed.
        NL_BROKER_NOT_ALLOWED = super::nl(0x26),
        /// The file does not exist.
        NL_FILE_NOT_EXISTS = super::nl(0x27),
        /// The NTSL source does not parse.
        NL_NTSL_PARSE_FAILED = super::nl(0x28),
        /// The NTSL source names too many assets.
        NL_NTSL_TOO_MANY_ASSETS = super::nl(0x29),
        /// The data are not consistent.
        NL_NOT_CONSISTENT = super::nl(0x2A),
        /// The function works on a single thread only.
        NL_SINGLE_THREADED = super::nl(0x2B),
        /// The call came from another thread than the one before.
        NL_NOT_SAME_THREAD = super::nl(0x2C),
        /// The time limit passed.
        NL_TIMEOUT = super::nl(0x2D),
        /// The history request is outside the period that the library allows: ask for fewer or later days.
        NL_HISTORY_PERIOD_LIMIT = super::nl(0x2E),
    }

    /// Result of a call of a library older than version 4.
    Enum legacy_result as "LegacyResult": i32 {
        /// Success.
        OK = 0,
        /// The library is not initialised.
        NOT_INITIALIZED = 80,
        /// An argument is wrong.
        INVALID_ARGS = 90,
        /// Something failed inside the library.
        INTERNAL_ERROR = 100,
        /// The request was sent and its data are pending.
        WAITING_SERVER = 110,
    }

    /// Type of a connection, the first argument of `State`.
    Enum connection as "Connection": i32 {
        /// Login; its states are `LoginState`.
        LOGIN = 0,
        /// Order routing; its states are `RoutingState`.
        ROUTING = 1,
        /// Market data; its states are `MarketState`.
        MARKET = 2,
        /// Activation; its states are `ActivationState`.
        ACTIVATION = 3,
    }

    /// State of the login.
    Enum login_state as "LoginState": i32 {
        /// Logged in.
        CONNECTED = 0,
        /// The user does not exist.
        INVALID_LOGIN = 1,
        /// The password is wrong.
        WRONG_PASSWORD = 2,
        /// The password is blocked: unblock it with the vendor.
        PASSWORD_BLOCKED = 3,
        /// The password has expired: renew it in Profit.
        PASSWORD_EXPIRED = 4,
        /// The server refused for an unknown reason; another session with this key is one.
        UNKNOWN = 200,
    }

    /// State of order routing. Ready when connected (2 or 5).
    Enum routing_state as "RoutingState": i32 {
        /// Not connected.
        DISCONNECTED = 0,
        /// Connecting to the server.
        CONNECTING = 1,
        /// Connected to the server.
        CONNECTED = 2,
        /// Connected to the server, not to the broker.
        BROKER_DISCONNECTED = 3,
        /// Connecting to the broker.
        BROKER_CONNECTING = 4,
        /// Connected to the broker.
        BROKER_CONNECTED = 5,
    }

    /// State of market data. Ready when connected.
    Enum market_state as "MarketState": i32 {
        /// Not connected.
        DISCONNECTED = 0,
        /// Connecting.
        CONNECTING = 1,
        /// Waiting for the login.
        WAITING = 2,
        /// Not logged in.
        NOT_LOGGED = 3,
        /// Connected.
        CONNECTED = 4,
        /// The server reports that this client is too slow (from 4.0.0.39).
        PERFORMANCE_WARNING = 5,
        /// Delivery has stalled and data may be lost (from 4.0.0.39).
        PARTIALLY_CONNECTED = 6,
    }

    /// State of the activation. Anything but valid is invalid.
    Enum activation_state as "ActivationState": i32 {
        /// The activation key is valid.
        VALID = 0,
        /// The activation key is not valid.
        INVALID = 1,
    }

    /// Exchange, as the code of its letter.
    Enum exchange as "Exchange": u8 {
        /// Central bank.
        BCB = b'A',
        /// Equities of B3.
        BOVESPA = b'B',
        /// Foreign exchange.
        FX = b'D',
        /// Economic indicators.
        ECONOMIC = b'E',
        /// Futures of B3: WIN, WDO, IND, DOL.
        BMF = b'F',
        /// Metrics.
        METRICS = b'K',
        /// CME.
        CME = b'M',
        /// Nasdaq.
        NASDAQ = b'N',
        /// OXR.
        OXR = b'O',
        /// Pioneer.
        PIONEER = b'P',
        /// Dow Jones.
        DOW_JONES = b'X',
        /// NYSE.
        NYSE = b'Y',
    }

    /// Source of the data.
    Enum feed as "Feed": u8 {
        /// Nelogica.
        NELOGICA = 0,
        /// Another.
        OTHER = 255,
    }

    /// Side of a book. Order sides are `OrderSide`.
    Enum book_side as "BookSide": u8 {
        /// Buy.
        BUY = 0,
        /// Sell.
        SELL = 1,
        /// Both.
        BOTH = 254,
        /// None.
        NONE = 255,
    }

    /// Side of an order. Book sides are `BookSide`.
    Enum order_side as "OrderSide": u8 {
        /// Buy.
        BUY = 1,
        /// Sell.
        SELL = 2,
        /// Unknown.
        UNKNOWN = 200,
    }

    /// Side of an open position.
    Enum open_side as "OpenSide": u8 {
        /// Long.
        LONG = 1,
        /// Short.
        SHORT = 2,
        /// Flat, or unknown.
        UNKNOWN = 200,
    }

    /// What a change of the offer or price book does. Positions count from the best offer, 0.
    Enum book_action as "BookAction": i32 {
        /// Insert.
        ADD = 0,
        /// Change; the quantity is a signed difference.
        EDIT = 1,
        /// Remove one offer.
        DELETE = 2,
        /// Remove all offers from this position to the best.
        DELETE_FROM = 3,
        /// Replace the book by the arrays.
        FULL_BOOK = 4,
    }

    /// What a change of the aggregated ladder does. Position 0 is the best price.
    Enum depth_update as "DepthUpdate": u8 {
        /// Prices added from this position on.
        ADD = 0,
        /// A price changed.
        EDIT = 1,
        /// A price removed.
        DELETE = 2,
        /// A price inserted.
        INSERT = 3,
        /// Everything changed: read again.
        FULL_BOOK = 4,
        /// A burst begins: do not read until it is flushed.
        PREPARE = 5,
        /// A burst ended: read again.
        FLUSH = 6,
        /// The theoretical price changed.
        THEORETICAL_PRICE = 7,
        /// Prices removed from this position on.
        DELETE_FROM = 8,
    }

    /// How a trade came about.
    Enum trade_type as "TradeType": u8 {
        /// None.
        NONE = 0,
        /// Both sides by one broker.
        CROSS_TRADE = 1,
        /// The buyer was the aggressor.
        AGGRESSOR_BUYER = 2,
        /// The seller was the aggressor.
        AGGRESSOR_SELLER = 3,
        /// In an auction.
        AUCTION = 4,
        /// Surveillance.
        SURVEILLANCE = 5,
        /// Expit.
        EXPIT = 6,
        /// Exercise of an option.
        OPTION_EXERCISE = 7,
        /// Over the counter.
        OVER_THE_COUNTER = 8,
        /// Derivative term.
        DERIVATIVE_TERM = 9,
        /// Index.
        INDEX = 10,
        /// Stock loan.
        BTC = 11,
        /// On behalf.
        ON_BEHALF = 12,
        /// Retail liquidity provider.
        RLP = 13,
        /// Block trade (from 4.0.0.41).
        BLOCK = 14,
        /// Request for quote (from 4.0.0.41).
        RFQ = 15,
        /// Midpoint (from 4.0.0.41).
        MPT = 16,
        /// Trade at close (from 4.0.0.41).
        TAC = 17,
        /// Trade at average (from 4.0.0.41).
        TAA = 18,
        /// Unknown.
        UNKNOWN = 32,
        /// Update (from 4.0.0.41).
        UPDATE = 33,
        /// Mid (from 4.0.0.41).
        MID = 34,
        /// Off exchange (from 4.0.0.41).
        OFF_EXCHANGE = 35,
    }

    /// Facts about a trade of V2.
    Flags trade_flag as "TradeFlag": u32 {
        /// Replaces the earlier trade of that number.
        TC_IS_EDIT = 1,
        /// Last trade of the history request.
        TC_LAST_PACKET = 2,
    }

    /// Trailer of a full offer book.
    Flags offer_book_flag as "OfferBookFlag": u32 {
        /// Last page.
        OB_LAST_PACKET = 1,
        /// First page (from 4.0.0.36).
        OB_FIRST_PACKET = 2,
    }

    /// Facts about a price of the aggregated ladder.
    Flags price_group_flag as "PriceGroupFlag": u32 {
        /// Theoretical entry of an auction.
        PG_IS_THEORIC = 1,
    }

    /// Facts about an account.
    Flags account_flag as "AccountFlag": u32 {
        /// Sub-account.
        CA_IS_SUB_ACCOUNT = 1,
        /// Enabled.
        CA_IS_ENABLED = 2,
    }

    /// Which name of a broker is wanted; 0 is the full one.
    Flags agent_name_flag as "AgentNameFlag": u32 {
        /// The short one.
        CM_IS_SHORT_NAME = 1,
    }

    /// Facts about an adjustment of V2. A multiplier of -9999 is invalid.
    Flags adjust_flag as "AdjustFlag": u32 {
        /// Changes the price.
        AFFECTS_PRICE = 1,
        /// Is added, not multiplied.
        IS_SUM = 2,
    }

    /// Type of an order, in struct version 1 and newer.
    Enum order_type as "OrderType": u8 {
        /// At market.
        MARKET = 1,
        /// At a limit.
        LIMIT = 2,
        /// Stop; in answers only.
        STOP = 3,
        /// Stop with a limit.
        STOP_LIMIT = 4,
        /// Retail liquidity provider; in answers only.
        RLP = 24,
        /// Simulator; in answers only.
        SIMULATOR = 27,
        /// At market in the auction; in answers only.
        MARKET_ON_AUCTION = 28,
        /// Unknown; in answers only.
        UNKNOWN = 200,
    }

    /// Type of an order in `TConnectorSendOrder` of version 0, whose sides are those of `BookSide`.
    Enum order_type_legacy as "OrderTypeLegacy": u8 {
        /// At a limit.
        LIMIT = 0,
        /// Stop with a limit.
        STOP = 1,
        /// At market.
        MARKET = 2,
    }

    /// Which position of an asset.
    Enum position_type as "PositionType": u8 {
        /// Of the day.
        DAY_TRADE = 1,
        /// Consolidated.
        CONSOLIDATED = 2,
    }

    /// Type of an account.
    Enum account_type as "AccountType": u8 {
        /// Owner.
        OWNER = 0,
        /// Assessor.
        ASSESSOR = 1,
        /// Master.
        MASTER = 2,
        /// Sub-account.
        SUB_ACCOUNT = 3,
        /// Risk master.
        RISK_MASTER = 4,
        /// Office of a proprietary desk.
        PROP_OFFICE = 5,
        /// Manager of a proprietary desk.
        PROP_MANAGER = 6,
    }

    /// Status of an order.
    Enum order_status as "OrderStatus": u8 {
        /// In the market.
        NEW = 0,
        /// Traded in part, the rest is in the market.
        PARTIALLY_FILLED = 1,
        /// Traded.
        FILLED = 2,
        /// Done for the day.
        DONE_FOR_DAY = 3,
        /// Cancelled.
        CANCELED = 4,
        /// Changed.
        REPLACED = 5,
        /// The cancel is on its way.
        PENDING_CANCEL = 6,
        /// Stopped.
        STOPPED = 7,
        /// Rejected; the text says why.
        REJECTED = 8,
        /// Suspended.
        SUSPENDED = 9,
        /// On its way to the market.
        PENDING_NEW = 10,
        /// Calculated.
        CALCULATED = 11,
        /// Expired.
        EXPIRED = 12,
        /// Accepted for bidding.
        ACCEPTED_FOR_BIDDING = 13,
        /// The change is on its way.
        PENDING_REPLACE = 14,
        /// Traded in part, the rest cancelled.
        PARTIALLY_FILLED_CANCELED = 15,
        /// Received.
        RECEIVED = 16,
        /// Traded in part, the rest expired.
        PARTIALLY_FILLED_EXPIRED = 17,
        /// Traded in part, the rest rejected.
        PARTIALLY_FILLED_REJECTED = 18,
        /// Unknown.
        UNKNOWN = 200,
        /// Created in the order gateway (Hades).
        HADES_CREATED = 201,
        /// Sent to the broker.
        BROKER_SENT = 202,
        /// Created by the client.
        CLIENT_CREATED = 203,
        /// Not created; the text says why.
        ORDER_NOT_CREATED = 204,
        /// Cancelled by an administrator.
        CANCELED_BY_ADMIN = 205,
        /// Delayed by the FIX gateway.
        DELAY_FIX_GATEWAY = 206,
        /// Scheduled.
        SCHEDULED_ORDER = 207,
    }

    /// How long an order is good.
    Enum validity as "Validity": u8 {
        /// For the day.
        DAY = 0,
        /// Until cancelled.
        GTC = 1,
        /// At the opening.
        AT_OPENING = 2,
        /// Immediately, the rest is cancelled.
        IOC = 3,
        /// Immediately and in full, or not at all.
        FOK = 4,
        /// Until the market closes.
        GTX = 5,
        /// Until a date.
        GTD = 6,
        /// At the close.
        AT_CLOSE = 7,
        /// Unknown.
        UNKNOWN = 200,
        /// In the auction.
        GOOD_FOR_AUCTION = 201,
    }

    /// State of an asset's trading.
    Enum ticker_state as "TickerState": i32 {
        /// Open.
        OPEN = 0,
        /// Frozen.
        FROZEN = 2,
        /// Inhibited.
        INHIBITED = 3,
        /// In auction.
        AUCTION = 4,
        /// Closed.
        CLOSED = 6,
        /// Before the close.
        PRE_CLOSING = 10,
        /// Before the opening.
        PRE_OPENING = 13,
        /// Unknown.
        UNKNOWN = 255,
    }

    /// Step of a request's way to the market. A healthy order takes 0, 2, 4, 6, 8, 10.
    Enum message_result as "MessageResult": u8 {
        /// Starting.
        STARTING = 0,
        /// Not connected: the request went nowhere.
        NOT_CONNECTED = 1,
        /// Sent to the proxy (Mercury).
        SENT_TO_PROXY = 2,
        /// Rejected by the proxy (Mercury).
        REJECTED_MERCURY = 3,
        /// Sent to the gateway (Hades).
        SENT_TO_GATEWAY = 4,
        /// Rejected by the gateway.
        REJECTED_BY_GATEWAY = 5,
        /// Sent to the broker.
        SENT_TO_BROKER = 6,
        /// Rejected by the broker.
        REJECTED_BY_BROKER = 7,
        /// Sent to the market.
        SENT_TO_MARKET = 8,
        /// Rejected by the market.
        REJECTED_BY_MARKET = 9,
        /// Accepted.
        ACCEPTED = 10,
        /// The change of the margin type was rejected.
        MARGIN_TYPE_REJECTED = 11,
        /// The change of the position mode was rejected.
        POSITION_MODE_REJECTED = 12,
        /// An update from the server is needed.
        NEED_UPDATE = 13,
        /// Sent to the wallet.
        SENT_TO_WALLET = 17,
        /// Blocked by risk control.
        BLOCKED_BY_RISK = 24,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_50 = 50,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_51 = 51,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_52 = 52,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_53 = 53,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_54 = 54,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_55 = 55,
        /// Administration of sub-accounts.
        SUB_ACCOUNT_ADMIN_56 = 56,
        /// Administration of risk or password.
        RISK_ADMIN_60 = 60,
        /// Administration of risk or password.
        RISK_ADMIN_61 = 61,
        /// Administration of risk or password.
        RISK_ADMIN_62 = 62,
        /// Administration of risk or password.
        RISK_ADMIN_63 = 63,
        /// The trade was edited.
        FINANCIAL_TRADE_EDIT_OK = 70,
        /// The trade was not edited.
        FINANCIAL_TRADE_EDIT_ERROR = 71,
        /// The sub-account's prefix was set.
        SUB_ACCOUNT_PREFIX_OK = 74,
        /// The sub-account's prefix was not set.
        SUB_ACCOUNT_PREFIX_ERROR = 75,
        /// The financial loss was set.
        FINANCIAL_LOSS_OK = 76,
        /// The data are not valid.
        INVALID_DATA = 77,
        /// The transfer between wallets is not valid.
        INVALID_WALLET_TRANSFER = 78,
        /// The sub-account's assets were set.
        SUB_ACCOUNT_ASSETS_OK = 79,
        /// The sub-account's assets were not set.
        SUB_ACCOUNT_ASSETS_ERROR = 80,
        /// Unknown.
        UNKNOWN = 200,
    }

    /// Type of an asset.
    Enum security_type as "SecurityType": i32 {
        /// Future.
        FUTURE = 0,
        /// Spot.
        SPOT = 1,
        /// Option on spot.
        SPOT_OPTION = 2,
        /// Option on a future.
        FUTURE_OPTION = 3,
        /// Derivative term.
        DERIVATIVE_TERM = 4,
        /// Stock.
        STOCK = 5,
        /// Option.
        OPTION = 6,
        /// Forward.
        FORWARD = 7,
        /// Exchange-traded fund.
        ETF = 8,
        /// Index.
        INDEX = 9,
        /// Exercise of an option.
        OPTION_EXERCISE = 10,
        /// Unknown.
        UNKNOWN = 11,
        /// Economic indicator.
        ECONOMIC_INDICATOR = 12,
        /// Several legs.
        MULTILEG = 13,
        /// Common stock.
        COMMON_STOCK = 14,
        /// Preferred stock.
        PREFERRED_STOCK = 15,
        /// Security loan.
        SECURITY_LOAN = 16,
        /// Option on an index.
        OPTION_ON_INDEX = 17,
        /// Rights.
        RIGHTS = 18,
        /// Corporate fixed income.
        CORPORATE_FIXED_INCOME = 19,
        /// None.
        NONE = 255,
    }

    /// Subtype of an asset.
    Enum security_subtype as "SecuritySubtype": i32 {
        /// Spot foreign exchange.
        FX_SPOT = 0,
        /// Gold.
        GOLD = 1,
        /// Index.
        INDEX = 2,
        /// Interest rate.
        INTEREST_RATE = 3,
        /// Exchange rate.
        FX_RATE = 4,
        /// Foreign debt.
        FOREIGN_DEBT = 5,
        /// Agricultural.
        AGRICULTURAL = 6,
        /// Energy.
        ENERGY = 7,
        /// Economic indicator.
        ECONOMIC_INDICATOR = 8,
        /// Strategy.
        STRATEGY = 9,
        /// Option on a future.
        FUTURE_OPTION = 10,
        /// Volatility.
        VOLATILITY = 11,
        /// Swap.
        SWAP = 12,
        /// Mini contract, such as WIN and WDO.
        MINI_CONTRACT = 13,
        /// Roll of a financial future.
        FINANCIAL_ROLLOVER = 14,
        /// Roll of an agricultural future.
        AGRICULTURAL_ROLLOVER = 15,
        /// Carbon credit.
        CARBON_CREDIT = 16,
        /// Unknown.
        UNKNOWN = 17,
        /// Fractional.
        FRACTIONAL = 18,
        /// Stock.
        STOCK = 19,
        /// Currency.
        CURRENCY = 20,
        /// Over the counter.
        OTC = 21,
        /// Real-estate fund.
        FII = 22,
        /// Share class.
        SHARE_CLASS_23 = 23,
        /// Share class.
        SHARE_CLASS_24 = 24,
        /// Share class.
        SHARE_CLASS_25 = 25,
        /// Share class.
        SHARE_CLASS_26 = 26,
        /// Share class.
        SHARE_CLASS_27 = 27,
        /// Share class.
        SHARE_CLASS_28 = 28,
        /// Share class.
        SHARE_CLASS_29 = 29,
        /// Share class.
        SHARE_CLASS_30 = 30,
        /// Share class.
        SHARE_CLASS_31 = 31,
        /// Share class.
        SHARE_CLASS_32 = 32,
        /// Forward.
        FORWARD_33 = 33,
        /// Forward.
        FORWARD_34 = 34,
        /// Forward.
        FORWARD_35 = 35,
        /// Forward.
        FORWARD_36 = 36,
        /// Predefined covered spread.
        PREDEFINED_COVERED_SPREAD = 38,
        /// Traceable exchange-traded fund.
        TRACEABLE_ETF = 39,
        /// Index that is not traded.
        NON_TRADEABLE_INDEX = 40,
        /// Spread defined by a user.
        USER_SPREAD = 41,
        /// Spread defined by the exchange.
        EXCHANGE_SPREAD = 42,
        /// Security loan.
        SECURITY_LOAN = 43,
        /// Index that is traded.
        TRADEABLE_INDEX = 44,
        /// Others.
        OTHERS = 45,
    }

    /// Health of the delivery of callbacks (from 4.0.0.41).
    Enum health as "Health": i32 {
        /// Callbacks are delivered.
        RESPONSIVE = 0,
        /// A callback has not returned for long.
        FROZEN = 1,
    }

    /// Interval of a data series; 6 to 18 exist and have no name here.
    Enum interval as "Interval": u8 {
        /// Trade.
        TRADE = 0,
        /// Minute.
        MINUTE = 1,
        /// Day.
        DAILY = 2,
        /// Week.
        WEEKLY = 3,
        /// Month.
        MONTHLY = 4,
        /// Year.
        YEARLY = 5,
        /// None.
        NONE = 255,
    }
}
