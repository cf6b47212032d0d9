//! Every callback type, declared once.
//!
//! By value go `TAssetIDRec` and the `TConnector…Identifier`s; by pointer `TConnectorTradingMessageResult` and what the
//! enumerators hand out. On Win64 the two cannot be told apart, on System V they can: these are the forms of the
//! vendor's own Python example, which most ctypes clients copy.
//!
//! Strings and pointers die when the callback returns. All run on the library's one thread, the enumerators on that of
//! the caller. Nothing may unwind out of them.

use std::ffi::c_void;

use crate::layout::{Arg, Callback};
use crate::structs::{
    TAssetIDRec, TConnectorAccountIdentifier, TConnectorAssetIdentifier, TConnectorOrder,
    TConnectorOrderIdentifier, TConnectorTradingMessageResult,
};

/// A WideChar that says yes or no. Whoever calls hands over 0 or 1 (Rust and C widen it to 32 bits on x64, so that
/// clients that declare an `int` read the same); whoever is called looks at these 16 bits only.
pub type Chr = u16;

/// The BOOL of Windows. A library tests the low byte only: clients answer with `bool`.
pub type Bool = i32;

/// The LPARAM of Windows: a value that the enumerators hand through.
pub type LParam = isize;

/// Calls back `$then!` with every callback declaration, behind `$extra`, for code that is to exist once per callback.
///
/// The tokens are `$(#[doc = "…"])+ [since "4.0.0.20"] fn Name<W>(arg: type, …) -> type;` with `W` naming the string unit
/// and the names of [`crate::structs`], [`Chr`], [`Bool`] and [`LParam`] in scope where the macro is used.
#[macro_export]
macro_rules! callbacks {
    ($then:ident $($extra:tt)*) => { $then! { $($extra)*
        /// A connection changed: type of `Connection`, state of the set that belongs to it.
        [since ""] fn State(conn_type: i32, result: i32) -> ();
        /// The delivery of callbacks changed its health: a code of `Health`.
        [since "4.0.0.41"] fn Health(state: i32) -> ();
        /// Progress of a history request, 1 to 100.
        [since ""] fn Progress<W>(asset: TAssetIDRec<W>, progress: i32) -> ();
        /// An account is known or changed. Announcements may be partial: merge them.
        [since ""] fn Account<W>(broker_id: i32, broker_name: *const W, account_id: *const W, holder: *const W) -> ();
        /// The accounts of a broker changed.
        [since "4.0.0.28"] fn BrokerAccountList(broker_id: i32, changed: u32) -> ();
        /// The sub-accounts of an account changed.
        [since "4.0.0.28"] fn BrokerSubAccountList<W>(account: TConnectorAccountIdentifier<W>) -> ();

        /// A trade, V1. `volume` is financial. A set `is_edit` replaces the earlier trade of that number.
        [since ""] fn NewTrade<W>(asset: TAssetIDRec<W>, date: *const W, trade_number: u32, price: f64, volume: f64,
            qty: i32, buy_agent: i32, sell_agent: i32, trade_type: i32, is_edit: Chr) -> ();
        /// A trade of a history request, V1.
        [since ""] fn HistoryTrade<W>(asset: TAssetIDRec<W>, date: *const W, trade_number: u32, price: f64, volume: f64,
            qty: i32, buy_agent: i32, sell_agent: i32, trade_type: i32) -> ();
        /// A trade, live or of a history request, V2: call `TranslateTrade` with the handle before returning. `flags` of
        /// `TradeFlag`.
        [since "4.0.0.20"] fn ConnectorTrade<W>(asset: TConnectorAssetIdentifier<W>, trade: *mut c_void, flags: u32) -> ();
        /// The last price changed.
        [since ""] fn ChangeCotation<W>(asset: TAssetIDRec<W>, date: *const W, trade_number: u32, price: f64) -> ();
        /// The best offer of a side changed: a code of `BookSide`.
        [since ""] fn TinyBook<W>(asset: TAssetIDRec<W>, price: f64, qty: i32, side: i32) -> ();
        /// The theoretical price of an auction changed.
        [since ""] fn TheoreticalPrice<W>(asset: TAssetIDRec<W>, price: f64, qty: i64) -> ();
        /// Totals of the day. Volumes are financial, quantities contracts, trades counts.
        [since ""] fn Daily<W>(asset: TAssetIDRec<W>, date: *const W, open: f64, high: f64, low: f64, close: f64, volume: f64,
            adjustment: f64, max_limit: f64, min_limit: f64, buyer_volume: f64, seller_volume: f64, qty: i32, trades: i32,
            open_contracts: i32, qty_buyer: i32, qty_seller: i32, trades_buyer: i32, trades_seller: i32) -> ();

        /// A change of the book by price, V1; deprecated by the vendor.
        [since ""] fn PriceBook<W>(asset: TAssetIDRec<W>, action: i32, position: i32, side: i32, qty: i32, count: i32,
            price: f64, sell: *mut c_void, buy: *mut c_void) -> ();
        /// A change of the book by price, V2; deprecated by the vendor. The manual has 32 bits for `count`: read the low half.
        [since ""] fn PriceBookV2<W>(asset: TAssetIDRec<W>, action: i32, position: i32, side: i32, qty: i64, count: i64,
            price: f64, sell: *mut c_void, buy: *mut c_void) -> ();
        /// A change of the book by offer, V1. Fields whose `has_` is 0 say nothing.
        [since ""] fn OfferBook<W>(asset: TAssetIDRec<W>, action: i32, position: i32, side: i32, qty: i32, agent: i32,
            offer_id: i64, price: f64, has_price: Chr, has_qty: Chr, has_date: Chr, has_offer_id: Chr, has_agent: Chr,
            date: *const W, sell: *mut c_void, buy: *mut c_void) -> ();
        /// A change of the book by offer, V2. Never register both versions: both would fire.
        [since ""] fn OfferBookV2<W>(asset: TAssetIDRec<W>, action: i32, position: i32, side: i32, qty: i64, agent: i32,
            offer_id: i64, price: f64, has_price: Chr, has_qty: Chr, has_date: Chr, has_offer_id: Chr, has_agent: Chr,
            date: *const W, sell: *mut c_void, buy: *mut c_void) -> ();
        /// The aggregated ladder changed; read it with `GetPriceGroup`. `update_type` of `DepthUpdate`.
        [since "4.0.0.31"] fn PriceDepth<W>(asset: TConnectorAssetIdentifier<W>, side: u8, position: i32, update_type: u8) -> ();

        /// A subscription or request named an asset that does not exist.
        [since ""] fn InvalidTicker<W>(asset: TConnectorAssetIdentifier<W>) -> ();
        /// An asset and its name.
        [since ""] fn AssetList<W>(asset: TAssetIDRec<W>, name: *const W) -> ();
        /// Details of an asset. Up to 4.0.0.37 the three quantities have 32 bits: read the low half.
        [since ""] fn AssetListInfo<W>(asset: TAssetIDRec<W>, name: *const W, description: *const W, min_qty: i64,
            max_qty: i64, lot: i64, security_type: i32, security_subtype: i32, min_price_increment: f64,
            contract_multiplier: f64, validity_date: *const W, isin: *const W) -> ();
        /// Details of an asset with its sector. Up to 4.0.0.37 the three quantities have 32 bits: read the low half.
        [since ""] fn AssetListInfoV2<W>(asset: TAssetIDRec<W>, name: *const W, description: *const W, min_qty: i64,
            max_qty: i64, lot: i64, security_type: i32, security_subtype: i32, min_price_increment: f64,
            contract_multiplier: f64, validity_date: *const W, isin: *const W, sector: *const W, subsector: *const W,
            segment: *const W) -> ();
        /// An asset opened, closed or went into auction: a code of `TickerState`.
        [since ""] fn ChangeStateTicker<W>(asset: TAssetIDRec<W>, date: *const W, state: i32) -> ();
        /// A corporate action or roll that adjusts prices.
        [since ""] fn AdjustHistory<W>(asset: TAssetIDRec<W>, value: f64, adjust_type: *const W, note: *const W,
            adjust_date: *const W, deliberation_date: *const W, payment_date: *const W, affects_price: i32) -> ();
        /// A corporate action or roll that adjusts prices. `flags` of `AdjustFlag`; multiplier -9999 is invalid.
        [since ""] fn AdjustHistoryV2<W>(asset: TAssetIDRec<W>, value: f64, adjust_type: *const W, note: *const W,
            adjust_date: *const W, deliberation_date: *const W, payment_date: *const W, flags: u32, multiplier: f64) -> ();

        /// An order changed: only its identifier, ask `GetOrderDetails` later. Repeats are normal.
        [since ""] fn Order<W>(order: TConnectorOrderIdentifier<W>) -> ();
        /// The order history of an account is loaded.
        [since "4.0.0.20"] fn OrderHistory<W>(account: TConnectorAccountIdentifier<W>) -> ();
        /// A position changed; ticker `-1` when all of the account's did.
        [since "4.0.0.28"] fn AssetPositionList<W>(account: TConnectorAccountIdentifier<W>,
            asset: TConnectorAssetIdentifier<W>, event_id: i64) -> ();
        /// One step of a request's way to the market.
        [since "4.0.0.34"] fn TradingMessageResult<W>(result: *const TConnectorTradingMessageResult<W>) -> ();
        /// An order changed, V1.
        [since ""] fn OrderChange<W>(asset: TAssetIDRec<W>, broker: i32, qty: i32, traded: i32, leaves: i32, side: i32,
            price: f64, stop_price: f64, avg_price: f64, profit_id: i64, order_type: *const W, account: *const W,
            holder: *const W, cl_ord_id: *const W, status: *const W, date: *const W, text: *const W) -> ();
        /// An order of the history, V1.
        [since ""] fn History<W>(asset: TAssetIDRec<W>, broker: i32, qty: i32, traded: i32, leaves: i32, side: i32,
            price: f64, stop_price: f64, avg_price: f64, profit_id: i64, order_type: *const W, account: *const W,
            holder: *const W, cl_ord_id: *const W, status: *const W, date: *const W) -> ();
        /// An order changed, V2. The manual leaves out `date`, the vendor's unit has it: prefer `Order`.
        [since ""] fn OrderChangeV2<W>(asset: TAssetIDRec<W>, broker: i32, qty: i32, traded: i32, leaves: i32, side: i32,
            validity: i32, price: f64, stop_price: f64, avg_price: f64, profit_id: i64, order_type: *const W,
            account: *const W, holder: *const W, cl_ord_id: *const W, status: *const W, date: *const W,
            last_update: *const W, close_date: *const W, validity_date: *const W, text: *const W) -> ();
        /// An order of the history, V2. The manual leaves out `date`, the vendor's unit has it: prefer the enumerators.
        [since ""] fn HistoryV2<W>(asset: TAssetIDRec<W>, broker: i32, qty: i32, traded: i32, leaves: i32, side: i32,
            validity: i32, price: f64, stop_price: f64, avg_price: f64, profit_id: i64, order_type: *const W,
            account: *const W, holder: *const W, cl_ord_id: *const W, status: *const W, date: *const W,
            last_update: *const W, close_date: *const W, validity_date: *const W) -> ();

        /// One order of an enumeration, on the caller's thread; 0 ends it.
        [since "4.0.0.20"] fn EnumerateOrdersProc<W>(order: *const TConnectorOrder<W>, param: LParam) -> Bool;
        /// One asset of an enumeration, on the caller's thread; 0 ends it.
        [since "4.0.0.28"] fn EnumerateAssetProc<W>(asset: *const TConnectorAssetIdentifier<W>, param: LParam) -> Bool;
    } };
}

macro_rules! declare {
    ($(
        $(#[doc = $doc:literal])+
        [since $since:literal]
        fn $name:ident $(<$w:ident>)? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;
    )+) => {
        $($(#[doc = $doc])+ pub type $name $(<$w>)? = unsafe extern "system" fn($($arg: $ty),*) -> $ret;)+

        /// The table of every callback.
        pub const CALLBACKS: &[Callback] = &[$(Callback {
            name: stringify!($name),
            args: &[$(Arg { name: stringify!($arg), ty: stringify!($ty) }),*],
            ret: stringify!($ret),
            since: $since,
            doc: concat!($($doc),+).trim_ascii(),
        }),+];
    };
}

callbacks! { declare }
