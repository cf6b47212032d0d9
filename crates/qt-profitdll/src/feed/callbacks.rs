//! The functions that the library calls, one per callback type, and the list of their addresses.
//!
//! Each one only copies its arguments into records and returns: no Python, no allocation, no request to the library
//! apart from its accessors.
#![allow(unsafe_code)] // the vendor calls; every body is a method that says what it relies on
#![allow(clippy::too_many_arguments)] // as declared by the vendor

use std::ffi::c_void;

use super::control;
use super::home::{Unit, enter};
use super::offers::Offer;
use super::session;
use super::tiny::tiny_book;
use super::trades::{Print, trade};
use crate::blob::Version;
use crate::callbacks::Chr;
use crate::structs::{TAssetIDRec, TConnectorAssetIdentifier};

macro_rules! about {
    // Runs the body with the core and the instrument of an asset, or counts an unknown ticker.
    ($state:ident, $asset:ident, |$core:ident, $instrument:ident| $body:expr) => {
        // SAFETY: the strings are the vendor's, or NULL.
        match unsafe { $state.table.find($asset.pwcTicker, $asset.pwcBolsa) } {
            Some($instrument) => {
                let $core = &mut $state.core;
                $body
            }
            // SAFETY: as above.
            None => unsafe { $state.unknown($asset.pwcTicker) },
        }
    };
}

unsafe extern "system" fn state<W: Unit>(conn_type: i32, result: i32) {
    enter::<W>(|s| s.connection(conn_type, result));
}

unsafe extern "system" fn new_trade<W: Unit>(
    asset: TAssetIDRec<W>,
    date: *const W,
    number: u32,
    price: f64,
    _volume: f64,
    qty: i32,
    buyer: i32,
    seller: i32,
    trade_type: i32,
    is_edit: Chr,
) {
    enter::<W>(|s| {
        about!(s, asset, |core, instrument| {
            // SAFETY: the text is the vendor's, or NULL.
            let date = unsafe { core.dates.of_text(date) };
            let (qty, is_edit) = (i64::from(qty), is_edit != 0);
            let trade_type = u8::try_from(trade_type).unwrap_or(u8::MAX);
            let print = Print { number, date, price, qty, buyer, seller, trade_type, is_edit };
            trade(core, instrument, &print, true);
        });
    });
}

unsafe extern "system" fn history_trade<W: Unit>(
    asset: TAssetIDRec<W>,
    date: *const W,
    number: u32,
    price: f64,
    _volume: f64,
    qty: i32,
    buyer: i32,
    seller: i32,
    trade_type: i32,
) {
    enter::<W>(|s| {
        about!(s, asset, |core, instrument| {
            // SAFETY: the text is the vendor's, or NULL.
            let date = unsafe { core.dates.of_text(date) };
            let trade_type = u8::try_from(trade_type).unwrap_or(u8::MAX);
            let qty = i64::from(qty);
            let print = Print { number, date, price, qty, buyer, seller, trade_type, is_edit: false };
            trade(core, instrument, &print, false);
        });
    });
}

unsafe extern "system" fn trade_v2<W: Unit>(
    asset: TConnectorAssetIdentifier<W>,
    trade: *mut c_void,
    flags: u32,
) {
    // SAFETY: the arguments are those of the vendor's declaration.
    enter::<W>(|s| unsafe { s.connector_trade(asset, trade, flags, true) });
}

unsafe extern "system" fn history_trade_v2<W: Unit>(
    asset: TConnectorAssetIdentifier<W>,
    trade: *mut c_void,
    flags: u32,
) {
    // SAFETY: the arguments are those of the vendor's declaration.
    enter::<W>(|s| unsafe { s.connector_trade(asset, trade, flags, false) });
}

unsafe extern "system" fn tiny<W: Unit>(asset: TAssetIDRec<W>, price: f64, qty: i32, side: i32) {
    enter::<W>(|s| about!(s, asset, |core, instrument| tiny_book(core, instrument, price, qty, side)));
}

unsafe extern "system" fn daily<W: Unit>(
    asset: TAssetIDRec<W>,
    date: *const W,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    adjustment: f64,
    max_limit: f64,
    min_limit: f64,
    buyer_volume: f64,
    seller_volume: f64,
    qty: i32,
    trades: i32,
    open_contracts: i32,
    qty_buyer: i32,
    qty_seller: i32,
    trades_buyer: i32,
    trades_seller: i32,
) {
    enter::<W>(|s| {
        about!(s, asset, |core, instrument| {
            // SAFETY: the text is the vendor's, or NULL.
            let date = unsafe { core.dates.of_text(date) };
            let numbers = [
                open,
                high,
                low,
                close,
                volume,
                adjustment,
                max_limit,
                min_limit,
                buyer_volume,
                seller_volume,
            ];
            let counts = [qty, trades, open_contracts, qty_buyer, qty_seller, trades_buyer, trades_seller];
            session::daily(core, instrument, date, numbers, counts);
        });
    });
}

unsafe extern "system" fn ticker_state<W: Unit>(asset: TAssetIDRec<W>, date: *const W, state: i32) {
    enter::<W>(|s| {
        about!(s, asset, |core, instrument| {
            // SAFETY: the text is the vendor's, or NULL.
            let date = unsafe { core.dates.of_text(date) };
            session::ticker_state(core, instrument, date, state);
        });
    });
}

unsafe extern "system" fn change_cotation<W: Unit>(_: TAssetIDRec<W>, _: *const W, _: u32, _: f64) {
    enter::<W>(|s| _ = s.core.counters.ignored.up());
}

macro_rules! offer_books {
    ($($name:ident, $qty:ty, $version:ident;)+) => {
        $(unsafe extern "system" fn $name<W: Unit>(
            asset: TAssetIDRec<W>,
            action: i32,
            position: i32,
            side: i32,
            qty: $qty,
            agent: i32,
            id: i64,
            price: f64,
            has_price: Chr,
            has_qty: Chr,
            has_date: Chr,
            has_id: Chr,
            has_agent: Chr,
            date: *const W,
            sell: *mut c_void,
            buy: *mut c_void,
        ) {
            enter::<W>(|s| {
                let (qty, version) = (i64::from(qty), Version::$version);
                let offer = Offer {
                    action, position, side, qty, agent, id, price, has_price, has_qty, has_date, has_id, has_agent,
                    date, sell, buy, version,
                };
                // SAFETY: the arguments are those of the vendor's declaration.
                unsafe { s.offer_book(asset, &offer) }
            });
        })+
    };
}
offer_books! { offer_book, i32, V1; offer_book_v2, i64, V2; }

macro_rules! price_books {
    // Deprecated by the vendor; price depth has taken their place. Their arrays are handed back all the same.
    ($($name:ident, $wide:ty;)+) => {
        $(unsafe extern "system" fn $name<W: Unit>(
            _: TAssetIDRec<W>,
            _action: i32,
            _position: i32,
            _side: i32,
            _qty: $wide,
            _count: $wide,
            _price: f64,
            sell: *mut c_void,
            buy: *mut c_void,
        ) {
            enter::<W>(|s| {
                s.core.counters.ignored.up();
                // SAFETY: the arrays are the library's, or NULL.
                unsafe {
                    s.free(sell);
                    s.free(buy);
                }
            });
        })+
    };
}
price_books! { price_book, i32; price_book_v2, i64; }

unsafe extern "system" fn price_depth<W: Unit>(
    asset: TConnectorAssetIdentifier<W>,
    side: u8,
    position: i32,
    update: u8,
) {
    // SAFETY: the arguments are those of the vendor's declaration.
    enter::<W>(|s| unsafe { s.price_depth(asset, side, position, update) });
}

/// Checks a function against the vendor's declaration and gives its address.
macro_rules! address {
    ($ty:ident, $function:expr) => {{
        let typed: crate::callbacks::$ty<W> = $function;
        typed as usize
    }};
    (plain $ty:ident, $function:expr) => {{
        let typed: crate::callbacks::$ty = $function;
        typed as usize
    }};
}

/// The address of every callback: by the name of its type, which is that of its slot, and by that of its setter.
#[must_use]
pub fn addresses<W: Unit>() -> Vec<(&'static str, usize)> {
    let table = [
        ("State", "SetStateCallback", address!(plain State, state::<W>)),
        ("Health", "SetHealthCallback", address!(plain Health, control::Health::<W>)),
        ("Progress", "SetSerieProgressCallback", address!(Progress, control::Progress::<W>)),
        ("Account", "SetAccountCallback", address!(Account, control::Account::<W>)),
        (
            "BrokerAccountList",
            "SetBrokerAccountListChangedCallback",
            address!(plain BrokerAccountList, control::BrokerAccountList::<W>),
        ),
        (
            "BrokerSubAccountList",
            "SetBrokerSubAccountListChangedCallback",
            address!(BrokerSubAccountList, control::BrokerSubAccountList::<W>),
        ),
        ("NewTrade", "SetTradeCallback", address!(NewTrade, new_trade::<W>)),
        ("HistoryTrade", "SetHistoryTradeCallback", address!(HistoryTrade, history_trade::<W>)),
        ("ConnectorTrade", "SetTradeCallbackV2", address!(ConnectorTrade, trade_v2::<W>)),
        ("HistoryTradeV2", "SetHistoryTradeCallbackV2", address!(ConnectorTrade, history_trade_v2::<W>)),
        ("ChangeCotation", "SetChangeCotationCallback", address!(ChangeCotation, change_cotation::<W>)),
        ("TinyBook", "SetTinyBookCallback", address!(TinyBook, tiny::<W>)),
        (
            "TheoreticalPrice",
            "SetTheoreticalPriceCallback",
            address!(TheoreticalPrice, control::TheoreticalPrice::<W>),
        ),
        ("Daily", "SetDailyCallback", address!(Daily, daily::<W>)),
        ("PriceBook", "SetPriceBookCallback", address!(PriceBook, price_book::<W>)),
        ("PriceBookV2", "SetPriceBookCallbackV2", address!(PriceBookV2, price_book_v2::<W>)),
        ("OfferBook", "SetOfferBookCallback", address!(OfferBook, offer_book::<W>)),
        ("OfferBookV2", "SetOfferBookCallbackV2", address!(OfferBookV2, offer_book_v2::<W>)),
        ("PriceDepth", "SetPriceDepthCallback", address!(PriceDepth, price_depth::<W>)),
        ("InvalidTicker", "SetInvalidTickerCallback", address!(InvalidTicker, control::InvalidTicker::<W>)),
        ("AssetList", "SetAssetListCallback", address!(AssetList, control::AssetList::<W>)),
        ("AssetListInfo", "SetAssetListInfoCallback", address!(AssetListInfo, control::AssetListInfo::<W>)),
        (
            "AssetListInfoV2",
            "SetAssetListInfoCallbackV2",
            address!(AssetListInfoV2, control::AssetListInfoV2::<W>),
        ),
        ("ChangeStateTicker", "SetChangeStateTickerCallback", address!(ChangeStateTicker, ticker_state::<W>)),
        ("AdjustHistory", "SetAdjustHistoryCallback", address!(AdjustHistory, control::AdjustHistory::<W>)),
        (
            "AdjustHistoryV2",
            "SetAdjustHistoryCallbackV2",
            address!(AdjustHistoryV2, control::AdjustHistoryV2::<W>),
        ),
        ("Order", "SetOrderCallback", address!(Order, control::Order::<W>)),
        ("OrderHistory", "SetOrderHistoryCallback", address!(OrderHistory, control::OrderHistory::<W>)),
        (
            "AssetPositionList",
            "SetAssetPositionListCallback",
            address!(AssetPositionList, control::AssetPositionList::<W>),
        ),
        (
            "TradingMessageResult",
            "SetTradingMessageResultCallback",
            address!(TradingMessageResult, control::TradingMessageResult::<W>),
        ),
        ("OrderChange", "SetOrderChangeCallback", address!(OrderChange, control::OrderChange::<W>)),
        ("OrderChangeV2", "SetOrderChangeCallbackV2", address!(OrderChangeV2, control::OrderChangeV2::<W>)),
        ("History", "SetHistoryCallback", address!(History, control::History::<W>)),
        ("HistoryV2", "SetHistoryCallbackV2", address!(HistoryV2, control::HistoryV2::<W>)),
    ];
    table.into_iter().flat_map(|(slot, setter, address)| [(slot, address), (setter, address)]).collect()
}
