//! Every function that the library exports, declared once.
//!
//! Functions return an `NResult` unless they return an id, a count or text. Ids and counts are positive, errors
//! negative (in 64 bits, sign-extended).

use std::ffi::c_void;

use crate::callbacks::{
    Account, AdjustHistory, AdjustHistoryV2, AssetList, AssetListInfo, AssetListInfoV2, AssetPositionList,
    BrokerAccountList, BrokerSubAccountList, ChangeCotation, ChangeStateTicker, ConnectorTrade, Daily,
    EnumerateAssetProc, EnumerateOrdersProc, Health, History, HistoryTrade, HistoryV2, InvalidTicker, LParam,
    NewTrade, OfferBook, OfferBookV2, Order, OrderChange, OrderChangeV2, OrderHistory, PriceBook,
    PriceBookV2, PriceDepth, Progress, State, TheoreticalPrice, TinyBook, TradingMessageResult,
};
use crate::layout::{Arg, Export, Status};
use crate::structs::{
    SYSTEMTIME, TConnectorAccountIdentifier, TConnectorAccountIdentifierOut, TConnectorAssetIdentifier,
    TConnectorCancelAllOrders, TConnectorCancelOrder, TConnectorCancelOrders, TConnectorChangeOrder,
    TConnectorOrderOut, TConnectorPriceGroup, TConnectorSendOrder, TConnectorTrade,
    TConnectorTradingAccountOut, TConnectorTradingAccountPosition, TConnectorZeroPosition,
};

/// Calls back `$then!` with every export, behind `$extra`, for code that is to exist once per function.
///
/// The tokens are `$(#[doc = "…"])+ [group status routing since "4.0.0.20"] fn Name<W>(arg: type, …) -> type;` where
/// `status` is `Current`, `Legacy` or `Undocumented`, `routing` is `any` or `routing`, `W` names the string unit, and
/// the names of [`crate::structs`] and [`mod@crate::callbacks`] and `c_void` are in scope where the macro is used.
#[macro_export]
macro_rules! exports {
    ($then:ident $($extra:tt)*) => { $then! { $($extra)*
        /// Starts a session with market data and order routing. Returns at once; states follow by callback.
        [session Current routing since ""] fn DLLInitializeLogin<W>(key: *const W, user: *const W, password: *const W,
            state: Option<State>, history: Option<History<W>>, order_change: Option<OrderChange<W>>,
            account: Option<Account<W>>, new_trade: Option<NewTrade<W>>, daily: Option<Daily<W>>,
            price_book: Option<PriceBook<W>>, offer_book: Option<OfferBook<W>>, history_trade: Option<HistoryTrade<W>>,
            progress: Option<Progress<W>>, tiny_book: Option<TinyBook<W>>) -> i32;
        /// Starts a session with market data only. Returns at once; states follow by callback.
        [session Current any since ""] fn DLLInitializeMarketLogin<W>(key: *const W, user: *const W, password: *const W,
            state: Option<State>, new_trade: Option<NewTrade<W>>, daily: Option<Daily<W>>,
            price_book: Option<PriceBook<W>>, offer_book: Option<OfferBook<W>>, history_trade: Option<HistoryTrade<W>>,
            progress: Option<Progress<W>>, tiny_book: Option<TinyBook<W>>) -> i32;
        /// Ends the session. A second one in the same process is not supported.
        [session Current any since ""] fn DLLFinalize() -> i32;
        /// Sets the server, before the session starts and only when the vendor's support says so.
        [session Current any since ""] fn SetServerAndPort<W>(host: *const W, port: *const W) -> i32;
        /// Time of the market-data server, Brasília, once connected; also as a TDateTime (days since 1899-12-30).
        [session Current any since ""] fn GetServerClock(date_time: *mut f64, year: *mut i32, month: *mut i32,
            day: *mut i32, hour: *mut i32, minute: *mut i32, second: *mut i32, millisecond: *mut i32) -> i32;
        /// Health of the delivery of callbacks: a code of `Health`.
        [session Current any since "4.0.0.41"] fn GetHealthStatus(state: *mut i32) -> i32;
        /// Turns the library's debug log on (1) or off (0), after the session started.
        [session Current any since ""] fn SetEnabledLogToDebug(enabled: i32) -> i32;
        /// Loads the order history at login (1) or not (0); call it right after the session started.
        [session Current any since ""] fn SetEnabledHistOrder(enabled: i32) -> i32;
        /// Marks all later orders as day trades (1) or not (0).
        [session Current any since ""] fn SetDayTrade(enabled: i32) -> i32;
        /// Frees the arrays of a full book, or the result of `GetPosition`, with the size in its header.
        [session Current any since ""] fn FreePointer(pointer: *mut c_void, size: i32) -> i32;
        /// Declared in the vendor's Delphi wrapper only.
        [session Undocumented any since ""] fn InitializeCustom<W>(key: *const W, state: Option<State>) -> i32;
        /// Declared in the vendor's Delphi wrapper only; the arguments are Delphi strings.
        [session Undocumented any since ""] fn ConnectorSetServerAndPort(host: *const c_void, port: *const c_void) -> i32;
        /// Declared in the vendor's Delphi wrapper only; the arguments are Delphi strings.
        [session Undocumented any since ""] fn ConnectorSetServerAndPortRoteamento(host: *const c_void,
            port: *const c_void) -> i32;
        /// Declared in the vendor's Delphi wrapper only.
        [session Undocumented any since ""] fn GetLocationInfo<W>(info: *mut c_void) -> *const W;
        /// Declared in the vendor's Delphi wrapper only.
        [session Undocumented any since ""] fn GetSerieHistory<W>(ticker: *const W, exchange: *const W, start: *const W,
            end: *const W, number_start: u32, number_end: u32) -> i32;

        /// Sets the callback of connection states.
        [setters Current any since ""] fn SetStateCallback(callback: Option<State>) -> i32;
        /// Sets the callback of the health of the delivery.
        [setters Current any since "4.0.0.41"] fn SetHealthCallback(callback: Option<Health>) -> i32;
        /// Sets the callback of live trades, V1.
        [setters Legacy any since ""] fn SetTradeCallback<W>(callback: Option<NewTrade<W>>) -> i32;
        /// Sets the callback of live trades, V2.
        [setters Current any since "4.0.0.20"] fn SetTradeCallbackV2<W>(callback: Option<ConnectorTrade<W>>) -> i32;
        /// Sets the callback of trades of a history request, V1.
        [setters Legacy any since ""] fn SetHistoryTradeCallback<W>(callback: Option<HistoryTrade<W>>) -> i32;
        /// Sets the callback of trades of a history request, V2.
        [setters Current any since "4.0.0.20"] fn SetHistoryTradeCallbackV2<W>(
            callback: Option<ConnectorTrade<W>>) -> i32;
        /// Sets the callback of the day's totals.
        [setters Current any since ""] fn SetDailyCallback<W>(callback: Option<Daily<W>>) -> i32;
        /// Sets the callback of the best offers.
        [setters Current any since ""] fn SetTinyBookCallback<W>(callback: Option<TinyBook<W>>) -> i32;
        /// Sets the callback of theoretical prices.
        [setters Current any since ""] fn SetTheoreticalPriceCallback<W>(callback: Option<TheoreticalPrice<W>>) -> i32;
        /// Sets the callback of the progress of history requests.
        [setters Current any since ""] fn SetSerieProgressCallback<W>(callback: Option<Progress<W>>) -> i32;
        /// Sets the callback of last prices.
        [setters Current any since ""] fn SetChangeCotationCallback<W>(callback: Option<ChangeCotation<W>>) -> i32;
        /// Sets the callback of ticker states.
        [setters Current any since ""] fn SetChangeStateTickerCallback<W>(
            callback: Option<ChangeStateTicker<W>>) -> i32;
        /// Sets the callback of assets.
        [setters Current any since ""] fn SetAssetListCallback<W>(callback: Option<AssetList<W>>) -> i32;
        /// Sets the callback of asset details.
        [setters Legacy any since ""] fn SetAssetListInfoCallback<W>(callback: Option<AssetListInfo<W>>) -> i32;
        /// Sets the callback of asset details with the sector.
        [setters Current any since ""] fn SetAssetListInfoCallbackV2<W>(callback: Option<AssetListInfoV2<W>>) -> i32;
        /// Sets the callback of unknown assets.
        [setters Current any since ""] fn SetInvalidTickerCallback<W>(callback: Option<InvalidTicker<W>>) -> i32;
        /// Sets the callback of the book by offer, V1.
        [setters Legacy any since ""] fn SetOfferBookCallback<W>(callback: Option<OfferBook<W>>) -> i32;
        /// Sets the callback of the book by offer, V2.
        [setters Current any since ""] fn SetOfferBookCallbackV2<W>(callback: Option<OfferBookV2<W>>) -> i32;
        /// Sets the callback of the book by price, V1.
        [setters Legacy any since ""] fn SetPriceBookCallback<W>(callback: Option<PriceBook<W>>) -> i32;
        /// Sets the callback of the book by price, V2.
        [setters Legacy any since ""] fn SetPriceBookCallbackV2<W>(callback: Option<PriceBookV2<W>>) -> i32;
        /// Sets the callback of the aggregated ladder.
        [setters Current any since "4.0.0.31"] fn SetPriceDepthCallback<W>(callback: Option<PriceDepth<W>>) -> i32;
        /// Sets the callback of price adjustments.
        [setters Legacy any since ""] fn SetAdjustHistoryCallback<W>(callback: Option<AdjustHistory<W>>) -> i32;
        /// Sets the callback of price adjustments, V2.
        [setters Current any since ""] fn SetAdjustHistoryCallbackV2<W>(callback: Option<AdjustHistoryV2<W>>) -> i32;
        /// Sets the callback of accounts.
        [setters Current routing since ""] fn SetAccountCallback<W>(callback: Option<Account<W>>) -> i32;
        /// Sets the callback of positions.
        [setters Current routing since "4.0.0.28"] fn SetAssetPositionListCallback<W>(
            callback: Option<AssetPositionList<W>>) -> i32;
        /// Sets the callback of the order history, V1.
        [setters Legacy routing since ""] fn SetHistoryCallback<W>(callback: Option<History<W>>) -> i32;
        /// Sets the callback of the order history, V2.
        [setters Legacy routing since ""] fn SetHistoryCallbackV2<W>(callback: Option<HistoryV2<W>>) -> i32;
        /// Sets the callback of order changes, V1.
        [setters Legacy routing since ""] fn SetOrderChangeCallback<W>(callback: Option<OrderChange<W>>) -> i32;
        /// Sets the callback of order changes, V2.
        [setters Legacy routing since ""] fn SetOrderChangeCallbackV2<W>(callback: Option<OrderChangeV2<W>>) -> i32;
        /// Sets the callback of order identifiers.
        [setters Current routing since ""] fn SetOrderCallback<W>(callback: Option<Order<W>>) -> i32;
        /// Sets the callback of loaded order histories; with it, the bulk load calls no other order callback.
        [setters Current routing since "4.0.0.20"] fn SetOrderHistoryCallback<W>(
            callback: Option<OrderHistory<W>>) -> i32;
        /// Sets the callback of changed account lists.
        [setters Current routing since "4.0.0.28"] fn SetBrokerAccountListChangedCallback(
            callback: Option<BrokerAccountList>) -> i32;
        /// Sets the callback of changed sub-account lists.
        [setters Current routing since "4.0.0.28"] fn SetBrokerSubAccountListChangedCallback<W>(
            callback: Option<BrokerSubAccountList<W>>) -> i32;
        /// Sets the callback of a request's steps to the market.
        [setters Current routing since "4.0.0.34"] fn SetTradingMessageResultCallback<W>(
            callback: Option<TradingMessageResult<W>>) -> i32;

        /// Asks for live trades, daily totals, best offers, last price, state and theoretical price.
        [market Current any since ""] fn SubscribeTicker<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Ends `SubscribeTicker`.
        [market Current any since ""] fn UnsubscribeTicker<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Asks for the book by offer.
        [market Current any since ""] fn SubscribeOfferBook<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Ends `SubscribeOfferBook`.
        [market Current any since ""] fn UnsubscribeOfferBook<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Asks for the book by price. Deprecated by the vendor since 4.0.0.31.
        [market Legacy any since ""] fn SubscribePriceBook<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Ends `SubscribePriceBook`.
        [market Legacy any since ""] fn UnsubscribePriceBook<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Asks for the aggregated ladder.
        [market Current any since "4.0.0.31"] fn SubscribePriceDepth<W>(asset: *const TConnectorAssetIdentifier<W>) -> i32;
        /// Ends `SubscribePriceDepth`.
        [market Current any since "4.0.0.31"] fn UnsubscribePriceDepth<W>(
            asset: *const TConnectorAssetIdentifier<W>) -> i32;
        /// Number of prices of a side of the ladder, now.
        [market Current any since "4.0.0.31"] fn GetPriceDepthSideCount<W>(asset: *const TConnectorAssetIdentifier<W>,
            side: u8) -> i32;
        /// A price of the ladder, now; position 0 is the best. Allowed inside callbacks.
        [market Current any since "4.0.0.31"] fn GetPriceGroup<W>(asset: *const TConnectorAssetIdentifier<W>, side: u8,
            position: i32, group: *mut TConnectorPriceGroup) -> i32;
        /// Theoretical price and quantity of an auction. Allowed inside callbacks.
        [market Current any since "4.0.0.31"] fn GetTheoreticalValues<W>(asset: *const TConnectorAssetIdentifier<W>,
            price: *mut f64, quantity: *mut i64) -> i32;
        /// Asks for price adjustments.
        [market Current any since ""] fn SubscribeAdjustHistory<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Ends `SubscribeAdjustHistory`.
        [market Current any since ""] fn UnsubscribeAdjustHistory<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Asks for past trades, `DD/MM/YYYY HH:mm:SS`, end exclusive; they come by callback.
        [market Current any since ""] fn GetHistoryTrades<W>(ticker: *const W, exchange: *const W, start: *const W,
            end: *const W) -> i32;
        /// The trade behind the handle of `ConnectorTrade`, inside that callback only. 0 is success.
        [market Current any since "4.0.0.20"] fn TranslateTrade(trade: *mut c_void, out: *mut TConnectorTrade) -> i32;
        /// Asks for the details of an asset; they come through `AssetList` and `AssetListInfo`.
        [market Current any since ""] fn RequestTickerInfo<W>(ticker: *const W, exchange: *const W) -> i32;
        /// Last close. Needs `SubscribeTicker`; the first call answers `NL_WAITING_SERVER`.
        [market Current any since ""] fn GetLastDailyClose<W>(ticker: *const W, exchange: *const W, close: *mut f64,
            adjusted: i32) -> i32;
        /// Units of a broker's name, or an error.
        [market Current any since "4.0.0.24"] fn GetAgentNameLength(agent: i32, flags: u32) -> i32;
        /// A broker's name. 0 or more is success: from 4.0.0.36 the units copied.
        [market Current any since "4.0.0.24"] fn GetAgentName<W>(length: i32, agent: i32, buffer: *mut W,
            flags: u32) -> i32;
        /// A broker's name, in the library's memory.
        [market Legacy any since ""] fn GetAgentNameByID<W>(agent: i32) -> *const W;
        /// A broker's short name, in the library's memory.
        [market Legacy any since ""] fn GetAgentShortNameByID<W>(agent: i32) -> *const W;

        /// Limit order to buy; returns the order's id.
        [legacy_orders Legacy routing since ""] fn SendBuyOrder<W>(account: *const W, broker: *const W, password: *const W,
            ticker: *const W, exchange: *const W, price: f64, quantity: i32) -> i64;
        /// Limit order to sell; returns the order's id.
        [legacy_orders Legacy routing since ""] fn SendSellOrder<W>(account: *const W, broker: *const W,
            password: *const W, ticker: *const W, exchange: *const W, price: f64, quantity: i32) -> i64;
        /// Market order to buy; returns the order's id.
        [legacy_orders Legacy routing since ""] fn SendMarketBuyOrder<W>(account: *const W, broker: *const W,
            password: *const W, ticker: *const W, exchange: *const W, quantity: i32) -> i64;
        /// Market order to sell; returns the order's id.
        [legacy_orders Legacy routing since ""] fn SendMarketSellOrder<W>(account: *const W, broker: *const W,
            password: *const W, ticker: *const W, exchange: *const W, quantity: i32) -> i64;
        /// Stop-limit order to buy; returns the order's id.
        [legacy_orders Legacy routing since ""] fn SendStopBuyOrder<W>(account: *const W, broker: *const W,
            password: *const W, ticker: *const W, exchange: *const W, price: f64, stop_price: f64, quantity: i32) -> i64;
        /// Stop-limit order to sell; returns the order's id.
        [legacy_orders Legacy routing since ""] fn SendStopSellOrder<W>(account: *const W, broker: *const W,
            password: *const W, ticker: *const W, exchange: *const W, price: f64, stop_price: f64, quantity: i32) -> i64;
        /// Changes price and quantity of an order.
        [legacy_orders Legacy routing since ""] fn SendChangeOrder<W>(account: *const W, broker: *const W,
            password: *const W, cl_ord_id: *const W, price: f64, quantity: i32) -> i32;
        /// Cancels an order. The password is last.
        [legacy_orders Legacy routing since ""] fn SendCancelOrder<W>(account: *const W, broker: *const W,
            cl_ord_id: *const W, password: *const W) -> i32;
        /// Cancels all orders of an asset.
        [legacy_orders Legacy routing since ""] fn SendCancelOrders<W>(account: *const W, broker: *const W,
            password: *const W, ticker: *const W, exchange: *const W) -> i32;
        /// Cancels all orders of an account.
        [legacy_orders Legacy routing since ""] fn SendCancelAllOrders<W>(account: *const W, broker: *const W,
            password: *const W) -> i32;
        /// Closes a position at a limit price; returns the order's id. The password follows the exchange.
        [legacy_orders Legacy routing since ""] fn SendZeroPosition<W>(account: *const W, broker: *const W,
            ticker: *const W, exchange: *const W, password: *const W, price: f64) -> i64;
        /// Closes a position at market; returns the order's id. The password is last.
        [legacy_orders Legacy routing since ""] fn SendZeroPositionAtMarket<W>(account: *const W, broker: *const W,
            ticker: *const W, exchange: *const W, password: *const W) -> i64;
        /// Asks for the accounts; they come through `Account`.
        [legacy_orders Legacy routing since ""] fn GetAccount() -> i32;
        /// Asks for the orders of an interval of days, `DD/MM/YYYY`; they come through `History`.
        [legacy_orders Legacy routing since ""] fn GetOrders<W>(account: *const W, broker: *const W, start: *const W,
            end: *const W) -> i32;
        /// Asks for an order by its permanent id; it comes through `OrderChange`.
        [legacy_orders Legacy routing since ""] fn GetOrder<W>(cl_ord_id: *const W) -> i32;
        /// Asks for an order by its id in this session; it comes through `OrderChange`.
        [legacy_orders Legacy routing since ""] fn GetOrderProfitID(profit_id: i64) -> i32;
        /// A position as a blob to be freed with `FreePointer`, or NULL.
        [legacy_orders Legacy routing since ""] fn GetPosition<W>(account: *const W, broker: *const W, ticker: *const W,
            exchange: *const W) -> *mut c_void;

        /// Sends an order; returns its id in this session.
        [orders Current routing since ""] fn SendOrder<W>(order: *mut TConnectorSendOrder<W>) -> i64;
        /// Changes price and quantity of an order.
        [orders Current routing since ""] fn SendChangeOrderV2<W>(order: *mut TConnectorChangeOrder<W>) -> i32;
        /// Cancels an order.
        [orders Current routing since ""] fn SendCancelOrderV2<W>(order: *mut TConnectorCancelOrder<W>) -> i32;
        /// Cancels all orders of an asset.
        [orders Current routing since ""] fn SendCancelOrdersV2<W>(orders: *mut TConnectorCancelOrders<W>) -> i32;
        /// Cancels all orders of an account.
        [orders Current routing since ""] fn SendCancelAllOrdersV2<W>(orders: *mut TConnectorCancelAllOrders<W>) -> i32;
        /// Closes a position; returns the order's id in this session.
        [orders Current routing since ""] fn SendZeroPositionV2<W>(position: *mut TConnectorZeroPosition<W>) -> i64;
        /// Number of accounts.
        [orders Current routing since ""] fn GetAccountCount() -> i32;
        /// Number of accounts at a broker.
        [orders Current routing since "4.0.0.28"] fn GetAccountCountByBroker(broker: i32) -> i32;
        /// Accounts from index `source` into `accounts[target..]`, at most `count`; returns how many.
        [orders Current routing since ""] fn GetAccounts<W>(source: i32, target: i32, count: i32,
            accounts: *mut TConnectorAccountIdentifierOut<W>) -> i32;
        /// Accounts at a broker, as `GetAccounts`.
        [orders Current routing since "4.0.0.28"] fn GetAccountsByBroker<W>(broker: i32, source: i32, target: i32,
            count: i32, accounts: *mut TConnectorAccountIdentifierOut<W>) -> i32;
        /// Details of an account, in two calls.
        [orders Current routing since ""] fn GetAccountDetails<W>(account: *mut TConnectorTradingAccountOut<W>) -> i32;
        /// Number of sub-accounts of a master account.
        [orders Current routing since ""] fn GetSubAccountCount<W>(
            account: *const TConnectorAccountIdentifier<W>) -> i32;
        /// Sub-accounts of a master account, as `GetAccounts`.
        [orders Current routing since ""] fn GetSubAccounts<W>(account: *const TConnectorAccountIdentifier<W>, source: i32,
            target: i32, count: i32, accounts: *mut TConnectorAccountIdentifierOut<W>) -> i32;
        /// A position. An error may come with a filled struct.
        [orders Current routing since ""] fn GetPositionV2<W>(
            position: *mut TConnectorTradingAccountPosition<W>) -> i32;
        /// Calls `proc` with every asset in which the account has a position.
        [orders Current routing since "4.0.0.28"] fn EnumerateAllPositionAssets<W>(
            account: *const TConnectorAccountIdentifier<W>, asset_version: u8, param: LParam,
            proc: Option<EnumerateAssetProc<W>>) -> i32;
        /// Details of an order, in two calls.
        [orders Current routing since ""] fn GetOrderDetails<W>(order: *mut TConnectorOrderOut<W>) -> i32;
        /// Whether the orders of an interval are loaded; `NL_WAITING_SERVER` asks for them, then `OrderHistory` comes.
        [orders Current routing since "4.0.0.20"] fn HasOrdersInInterval<W>(
            account: *const TConnectorAccountIdentifier<W>, start: SYSTEMTIME, end: SYSTEMTIME) -> i32;
        /// Calls `proc` with every order of an interval, if loaded.
        [orders Current routing since "4.0.0.20"] fn EnumerateOrdersByInterval<W>(
            account: *const TConnectorAccountIdentifier<W>, order_version: u8, start: SYSTEMTIME, end: SYSTEMTIME,
            param: LParam, proc: Option<EnumerateOrdersProc<W>>) -> i32;
        /// Calls `proc` with every order that is loaded.
        [orders Current routing since "4.0.0.20"] fn EnumerateAllOrders<W>(account: *const TConnectorAccountIdentifier<W>,
            order_version: u8, param: LParam, proc: Option<EnumerateOrdersProc<W>>) -> i32;
    } };
}

macro_rules! routing {
    (any) => {
        false
    };
    (routing) => {
        true
    };
}

macro_rules! declare {
    ($(
        $(#[doc = $doc:literal])+
        [$group:ident $status:ident $routing:ident since $since:literal]
        fn $name:ident $(<$w:ident>)? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;
    )+) => {
        /// Types of the exported functions, by the names of their symbols.
        pub mod types {
            #[allow(clippy::wildcard_imports)]
            use super::*;
            $($(#[doc = $doc])+ pub type $name $(<$w>)? = unsafe extern "system" fn($($arg: $ty),*) -> $ret;)+
        }

        /// The table of every exported function.
        pub const EXPORTS: &[Export] = &[$(Export {
            name: stringify!($name),
            group: stringify!($group),
            args: &[$(Arg { name: stringify!($arg), ty: stringify!($ty) }),*],
            ret: stringify!($ret),
            since: $since,
            routing: routing!($routing),
            status: Status::$status,
            doc: concat!($($doc),+).trim_ascii(),
        }),+];
    };
}

exports! { declare }
