//! Callbacks that are handed on as messages: every argument as it came, in order.
#![allow(unsafe_code)] // the vendor's strings and structs
#![allow(non_snake_case, dead_code)] // the vendor's names; the market-data callbacks have bodies of their own

use std::ffi::c_void;

use super::home::{Unit, enter};
use super::messages::Value;
use crate::callbacks::{Bool, Chr, LParam};
use crate::structs::{
    TAssetIDRec, TConnectorAccountIdentifier, TConnectorAssetIdentifier, TConnectorOrder,
    TConnectorOrderIdentifier, TConnectorTradingMessageResult,
};
use crate::wide::{Wide, text};

/// An argument as values of a message.
trait Say {
    /// Appends the values.
    ///
    /// # Safety
    /// Pointers inside are NULL, or what the vendor's declaration says.
    unsafe fn say(self, to: &mut Vec<Value>);
}

macro_rules! numbers {
    ($($ty:ty => $variant:ident $as:ty),+) => {
        $(impl Say for $ty {
            unsafe fn say(self, to: &mut Vec<Value>) {
                to.push(Value::$variant(self as $as));
            }
        })+
    };
}
numbers!(i32 => Int i64, u32 => Int i64, i64 => Int i64, u8 => Int i64, u16 => Int i64, isize => Int i64, f64 => Float f64);

impl<W: Wide> Say for *const W {
    unsafe fn say(self, to: &mut Vec<Value>) {
        // SAFETY: the caller's promise.
        to.push(if self.is_null() { Value::Missing } else { Value::Text(unsafe { text(self) }) });
    }
}

macro_rules! structs {
    ($($name:ident: $($field:ident),+;)+) => {
        $(impl<W: Wide> Say for $name<W> {
            unsafe fn say(self, to: &mut Vec<Value>) {
                // SAFETY: the caller's promise.
                unsafe { $(self.$field.say(to);)+ }
            }
        })+
    };
}
structs! {
    TAssetIDRec: pwcTicker, pwcBolsa;
    TConnectorAssetIdentifier: Ticker, Exchange;
    TConnectorAccountIdentifier: BrokerID, AccountID, SubAccountID;
    TConnectorOrderIdentifier: LocalOrderID, ClOrderID;
    TConnectorTradingMessageResult: BrokerID, OrderID, MessageID, ResultCode, Message;
}

impl<W: Wide> Say for *const TConnectorTradingMessageResult<W> {
    unsafe fn say(self, to: &mut Vec<Value>) {
        // SAFETY: the caller's promise; the struct is plain.
        if let Some(result) = unsafe { self.as_ref() } {
            // SAFETY: as above.
            unsafe { result.say(to) }
        }
    }
}

/// Pointers that mean nothing once the callback has returned: books and enumerations are not handed on.
macro_rules! silent {
    ($($ty:ty),+) => { $(impl<W: Wide> Say for $ty { unsafe fn say(self, _: &mut Vec<Value>) {} })+ };
}
silent!(*const TConnectorOrder<W>, *const TConnectorAssetIdentifier<W>);
impl Say for *mut c_void {
    unsafe fn say(self, _: &mut Vec<Value>) {}
}

/// What messages are called, by callback.
const fn kind_of(callback: &'static str) -> &'static str {
    match callback.as_bytes() {
        b"Health" => "health",
        b"Progress" => "progress",
        b"Account" => "account",
        b"BrokerAccountList" => "broker_account_list",
        b"BrokerSubAccountList" => "broker_sub_account_list",
        b"TheoreticalPrice" => "theoretical",
        b"InvalidTicker" => "invalid_ticker",
        b"AssetList" => "asset_list",
        b"AssetListInfo" => "asset_info",
        b"AssetListInfoV2" => "asset_info_v2",
        b"AdjustHistory" => "adjust",
        b"AdjustHistoryV2" => "adjust_v2",
        b"Order" => "order",
        b"OrderHistory" => "order_history",
        b"AssetPositionList" => "position_list",
        b"TradingMessageResult" => "message_result",
        b"OrderChange" => "order_change",
        b"OrderChangeV2" => "order_change_v2",
        b"History" => "history_order",
        b"HistoryV2" => "history_order_v2",
        _ => callback,
    }
}

macro_rules! hand_on {
    ($(
        $(#[doc = $doc:literal])+
        [since $since:literal]
        fn $name:ident $(<$w:ident>)? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;
    )+) => {
        $($(#[doc = $doc])+
        pub(super) unsafe extern "system" fn $name<W: Unit>($($arg: $ty),*) -> $ret {
            enter::<W>(|state| {
                let mut values = Vec::new();
                // SAFETY: the arguments are those of the vendor's declaration.
                unsafe { $($arg.say(&mut values);)* }
                state.core.say(const { kind_of(stringify!($name)) }, values);
            });
            <$ret>::default()
        })+
    };
}
crate::callbacks! { hand_on }
