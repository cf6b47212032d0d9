//! Every struct of the ABI, declared once.
//!
//! Natural C alignment. `Version`, where there is one, is set by the *caller* and says how many trailing fields exist:
//! [`Layout::size_at`] is the limit that the library must keep to. `W` is the string unit (see [`crate::wide`]); it
//! changes the size of the structs that hold text inline, `TConnectorAccountIdentifierOut` and `TConnectorOrderOut`.
//!
//! `*const W` is text that goes in; it lives as long as the call or the callback. `*mut W` is a buffer that the caller
//! allocates: with NULL and length 0 the library answers the `…Length` that it needs, the second call fills it.

#![allow(unsafe_code)] // all-zero structs
#![allow(non_snake_case, missing_docs)] // the vendor's field names; their meaning is in the tables

use crate::layout::{Field, Layout, Struct};
use crate::wide::Wide;

/// Units of an inline text (`TString0In`).
pub const INLINE_TEXT: usize = 100;

/// Types for which all-zero bytes are a value.
///
/// # Safety
/// Implement it for nothing else: `Default` of the structs relies on it.
unsafe trait Zeroed {}
// SAFETY: integers, floats and raw pointers may be all zero, and so may arrays and structs of them.
unsafe impl Zeroed for u8 {}
// SAFETY: as above.
unsafe impl Zeroed for u16 {}
// SAFETY: as above.
unsafe impl Zeroed for u32 {}
// SAFETY: as above.
unsafe impl Zeroed for i32 {}
// SAFETY: as above.
unsafe impl Zeroed for i64 {}
// SAFETY: as above.
unsafe impl Zeroed for f64 {}
// SAFETY: as above.
unsafe impl<T> Zeroed for *const T {}
// SAFETY: as above.
unsafe impl<T> Zeroed for *mut T {}
// SAFETY: a `Wide` is `u16` or `u32`, the trait is sealed.
unsafe impl<W: Wide> Zeroed for [W; INLINE_TEXT] {}

/// Version of the last field: new fields go to the end.
const fn newest(fields: &[Field]) -> u8 {
    match fields {
        [.., last] => last.since,
        [] => 0,
    }
}

const fn assert_zeroed<T: Zeroed>() {}

macro_rules! structs {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $(<$w:ident>)? {
            $($(#[doc = $fdoc:literal])+ $([since $since:literal])? $field:ident: $fty:ty,)+
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            #[repr(C)]
            #[derive(Debug, Clone, Copy)]
            pub struct $name $(<$w>)? { $($(#[doc = $fdoc])+ pub $field: $fty,)+ }

            // SAFETY: every field is, which `default` makes the compiler check.
            unsafe impl $(<$w: Wide>)? Zeroed for $name $(<$w>)? {}

            impl $(<$w: Wide>)? Default for $name $(<$w>)? {
                /// All bytes zero, padding included.
                fn default() -> Self {
                    $(assert_zeroed::<$fty>();)+
                    // SAFETY: all-zero bytes are a value of every field.
                    unsafe { std::mem::zeroed() }
                }
            }

            impl $(<$w: Wide>)? Layout for $name $(<$w>)? {
                const NAME: &'static str = stringify!($name);
                const DOC: &'static str = concat!($($doc),+).trim_ascii();
                const FIELDS: &'static [Field] = &[$(Field {
                    name: stringify!($field),
                    ty: stringify!($fty),
                    offset: std::mem::offset_of!(Self, $field),
                    size: size_of::<$fty>(),
                    since: 0 $(+ $since)?,
                    doc: concat!($($fdoc),+).trim_ascii(),
                },)+];
                const VERSION: u8 = newest(Self::FIELDS);
            }
        )+

        /// The table of every struct, for one string unit.
        #[must_use]
        pub fn all<W: Wide>() -> Vec<Struct> {
            vec![$(Struct::of::<$name $(::<$w>)?>()),+]
        }
    };
}

structs! {
    /// Date and time of Windows, here Brasília local time. All zero: not set.
    SYSTEMTIME {
        /// Year.
        wYear: u16,
        /// Month, 1 to 12.
        wMonth: u16,
        /// Day of the week, Sunday 0; ignored on input.
        wDayOfWeek: u16,
        /// Day of the month, 1 to 31.
        wDay: u16,
        /// Hour.
        wHour: u16,
        /// Minute.
        wMinute: u16,
        /// Second.
        wSecond: u16,
        /// Millisecond.
        wMilliseconds: u16,
    }

    /// Asset in the older callbacks, by value. Packed (20 bytes) in the vendor's unit and natural here: the offsets are
    /// the same, and it is never an element of an array.
    TAssetIDRec<W> {
        /// Ticker, such as `WDOV26`.
        pwcTicker: *const W,
        /// Exchange, one letter.
        pwcBolsa: *const W,
        /// Feed: 0 Nelogica, 255 other.
        nFeed: i32,
    }

    /// Account of the pre-v4 interface; no v4 call uses it. Packed (28 bytes) in the vendor's unit, same offsets.
    TAccountRec<W> {
        /// Account.
        AccountID: *const W,
        /// Holder.
        Titular: *const W,
        /// Name of the broker.
        NomeCorretora: *const W,
        /// Number of the broker.
        CorretoraID: i32,
    }

    /// Account, as an argument.
    TConnectorAccountIdentifier<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Number of the broker.
        BrokerID: i32,
        /// Account.
        AccountID: *const W,
        /// Sub-account; empty for none.
        SubAccountID: *const W,
        /// Zero.
        Reserved: i64,
    }

    /// Account, with its text inline, as a result.
    TConnectorAccountIdentifierOut<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Number of the broker.
        BrokerID: i32,
        /// Account.
        AccountID: [W; INLINE_TEXT],
        /// Units in use of `AccountID`.
        AccountIDLength: i32,
        /// Sub-account; empty for none.
        SubAccountID: [W; INLINE_TEXT],
        /// Units in use of `SubAccountID`.
        SubAccountIDLength: i32,
        /// Zero.
        Reserved: i64,
    }

    /// Asset, as an argument.
    TConnectorAssetIdentifier<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Ticker, such as `WDOV26`.
        Ticker: *const W,
        /// Exchange, one letter.
        Exchange: *const W,
        /// Feed: 0 Nelogica, 255 other.
        FeedType: u8,
    }

    /// Asset, as a result in buffers of the caller.
    TConnectorAssetIdentifierOut<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Buffer for the ticker.
        Ticker: *mut W,
        /// Units of the ticker.
        TickerLength: i32,
        /// Buffer for the exchange.
        Exchange: *mut W,
        /// Units of the exchange.
        ExchangeLength: i32,
        /// Feed: 0 Nelogica, 255 other.
        FeedType: u8,
    }

    /// Order: by the id of this session, or by the permanent one.
    TConnectorOrderIdentifier<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Id in this session, as `SendOrder` returned it; -1 when `ClOrderID` identifies.
        LocalOrderID: i64,
        /// Permanent id, known once the broker accepts; empty when `LocalOrderID` identifies.
        ClOrderID: *const W,
    }

    /// One price of the aggregated ladder.
    TConnectorPriceGroup {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Price; minus infinity on the theoretical entry of an auction.
        Price: f64,
        /// Offers at the price.
        Count: u32,
        /// Contracts at the price.
        Quantity: i64,
        /// Flags of `PriceGroupFlag`.
        PriceGroupFlags: u32,
    }

    /// A trade, as `TranslateTrade` gives it.
    TConnectorTrade {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Time of the trade.
        TradeDate: SYSTEMTIME,
        /// Number of the trade in the asset's day.
        TradeNumber: u32,
        /// Price.
        Price: f64,
        /// Contracts.
        Quantity: i64,
        /// Financial volume.
        Volume: f64,
        /// Broker that bought.
        BuyAgent: i32,
        /// Broker that sold.
        SellAgent: i32,
        /// Code of `TradeType`.
        TradeType: u8,
    }

    /// A new order, for `SendOrder`.
    TConnectorSendOrder<W> {
        /// Version of the layout, set by the caller. 0 uses the codes of `OrderTypeLegacy` and `BookSide`.
        Version: u8,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Asset.
        AssetID: TConnectorAssetIdentifier<W>,
        /// Trading password (electronic signature), not that of the login.
        Password: *const W,
        /// Code of `OrderType`.
        OrderType: u8,
        /// Code of `OrderSide`.
        OrderSide: u8,
        /// Limit price; -1 at market.
        Price: f64,
        /// Stop price; -1 for no stop.
        StopPrice: f64,
        /// Contracts.
        Quantity: i64,
        /// Out: correlates the messages of `TradingMessageResult`.
        [since 2] MessageID: i64,
    }

    /// New price and quantity of an order, for `SendChangeOrderV2`.
    TConnectorChangeOrder<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Order.
        OrderID: TConnectorOrderIdentifier<W>,
        /// Trading password.
        Password: *const W,
        /// Limit price; -1 at market.
        Price: f64,
        /// Stop price; -1 for no stop.
        StopPrice: f64,
        /// Contracts.
        Quantity: i64,
        /// Out: correlates the messages of `TradingMessageResult`.
        [since 1] MessageID: i64,
    }

    /// An order to cancel, for `SendCancelOrderV2`.
    TConnectorCancelOrder<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Order.
        OrderID: TConnectorOrderIdentifier<W>,
        /// Trading password.
        Password: *const W,
        /// Out: correlates the messages of `TradingMessageResult`.
        [since 1] MessageID: i64,
    }

    /// All orders of an asset to cancel, for `SendCancelOrdersV2`.
    TConnectorCancelOrders<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Asset.
        AssetID: TConnectorAssetIdentifier<W>,
        /// Trading password.
        Password: *const W,
    }

    /// All orders of an account to cancel, for `SendCancelAllOrdersV2`.
    TConnectorCancelAllOrders<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Trading password.
        Password: *const W,
    }

    /// A position to close, for `SendZeroPositionV2`.
    TConnectorZeroPosition<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Asset.
        AssetID: TConnectorAssetIdentifier<W>,
        /// Trading password.
        Password: *const W,
        /// Limit price; -1 at market.
        Price: f64,
        /// Code of `PositionType`; mandatory where it exists.
        [since 1] PositionType: u8,
        /// Out: correlates the messages of `TradingMessageResult`.
        [since 2] MessageID: i64,
    }

    /// Details of an account, for `GetAccountDetails`.
    TConnectorTradingAccountOut<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account, set by the caller.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Buffer for the broker's name.
        BrokerName: *mut W,
        /// Units of the broker's name.
        BrokerNameLength: i32,
        /// Buffer for the holder's name.
        OwnerName: *mut W,
        /// Units of the holder's name.
        OwnerNameLength: i32,
        /// Buffer for the sub-account holder's name.
        SubOwnerName: *mut W,
        /// Units of the sub-account holder's name.
        SubOwnerNameLength: i32,
        /// Flags of `AccountFlag`.
        AccountFlags: u32,
        /// Code of `AccountType`.
        [since 1] AccountType: u8,
    }

    /// A position, for `GetPositionV2`.
    TConnectorTradingAccountPosition<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Account, set by the caller.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Asset, set by the caller.
        AssetID: TConnectorAssetIdentifier<W>,
        /// Open contracts.
        OpenQuantity: i64,
        /// Average price of the open contracts.
        OpenAveragePrice: f64,
        /// Code of `OpenSide`.
        OpenSide: u8,
        /// Average price of the day's sales.
        DailyAverageSellPrice: f64,
        /// Contracts sold today.
        DailySellQuantity: i64,
        /// Average price of the day's purchases.
        DailyAverageBuyPrice: f64,
        /// Contracts bought today.
        DailyBuyQuantity: i64,
        /// Custody that settles in one day.
        DailyQuantityD1: i64,
        /// Custody that settles in two days.
        DailyQuantityD2: i64,
        /// Custody that settles in three days.
        DailyQuantityD3: i64,
        /// Blocked.
        DailyQuantityBlocked: i64,
        /// Pending.
        DailyQuantityPending: i64,
        /// Allocated.
        DailyQuantityAlloc: i64,
        /// Provisioned.
        DailyQuantityProvision: i64,
        /// Custody.
        DailyQuantity: i64,
        /// Available.
        DailyQuantityAvailable: i64,
        /// Code of `PositionType`, set by the caller.
        [since 1] PositionType: u8,
        /// Id of the last event that this position reflects.
        [since 2] EventID: i64,
    }

    /// An order, as the enumerators give it.
    TConnectorOrder<W> {
        /// Version of the layout.
        Version: u8,
        /// Order.
        OrderID: TConnectorOrderIdentifier<W>,
        /// Account.
        AccountID: TConnectorAccountIdentifier<W>,
        /// Asset.
        AssetID: TConnectorAssetIdentifier<W>,
        /// Contracts ordered.
        Quantity: i64,
        /// Contracts traded.
        TradedQuantity: i64,
        /// Contracts still in the market.
        LeavesQuantity: i64,
        /// Limit price; -1 at market.
        Price: f64,
        /// Stop price; -1 for no stop.
        StopPrice: f64,
        /// Average price of what traded.
        AveragePrice: f64,
        /// Code of `OrderSide`.
        OrderSide: u8,
        /// Code of `OrderType`.
        OrderType: u8,
        /// Code of `OrderStatus`.
        OrderStatus: u8,
        /// Code of `Validity`.
        ValidityType: u8,
        /// Creation.
        Date: SYSTEMTIME,
        /// Last change.
        LastUpdate: SYSTEMTIME,
        /// End.
        CloseDate: SYSTEMTIME,
        /// Good until.
        ValidityDate: SYSTEMTIME,
        /// Message, such as the reason of a rejection.
        TextMessage: *const W,
        /// Id of the last event that this order reflects.
        [since 1] EventID: i64,
    }

    /// Details of an order, for `GetOrderDetails`.
    TConnectorOrderOut<W> {
        /// Version of the layout, set by the caller.
        Version: u8,
        /// Order, set by the caller; the library completes it.
        OrderID: TConnectorOrderIdentifier<W>,
        /// Account.
        AccountID: TConnectorAccountIdentifierOut<W>,
        /// Asset.
        AssetID: TConnectorAssetIdentifierOut<W>,
        /// Contracts ordered.
        Quantity: i64,
        /// Contracts traded.
        TradedQuantity: i64,
        /// Contracts still in the market.
        LeavesQuantity: i64,
        /// Limit price; -1 at market.
        Price: f64,
        /// Stop price; -1 for no stop.
        StopPrice: f64,
        /// Average price of what traded.
        AveragePrice: f64,
        /// Code of `OrderSide`.
        OrderSide: u8,
        /// Code of `OrderType`.
        OrderType: u8,
        /// Code of `OrderStatus`.
        OrderStatus: u8,
        /// Code of `Validity`.
        ValidityType: u8,
        /// Creation.
        Date: SYSTEMTIME,
        /// Last change.
        LastUpdate: SYSTEMTIME,
        /// End.
        CloseDate: SYSTEMTIME,
        /// Good until.
        ValidityDate: SYSTEMTIME,
        /// Buffer for the message, such as the reason of a rejection.
        TextMessage: *mut W,
        /// Units of the message.
        TextMessageLength: i32,
        /// Id of the last event that this order reflects.
        [since 1] EventID: i64,
    }

    /// One step of an order's way to the market, in `TradingMessageResult`.
    TConnectorTradingMessageResult<W> {
        /// Version of the layout.
        Version: u8,
        /// Number of the broker.
        BrokerID: i32,
        /// Order; its `LocalOrderID` may be 0.
        OrderID: TConnectorOrderIdentifier<W>,
        /// The `MessageID` that the request got.
        MessageID: i64,
        /// Code of `MessageResult`.
        ResultCode: u8,
        /// Text of the gateway, broker or market.
        Message: *const W,
        /// Units of the text.
        MessageLength: i32,
    }
}
