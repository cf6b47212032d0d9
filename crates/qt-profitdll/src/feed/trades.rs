//! Trades, live and of history requests.
#![allow(unsafe_code)] // the vendor's trade handle

use std::ffi::c_void;

use qt_core::event::{Event, Kind, flag};

use super::mapping::{aggressor, contracts, ticks};
use super::messages::Value;
use super::stamp::Date;
use super::state::{Core, Instrument, State};
use crate::codes::trade_flag::{TC_IS_EDIT, TC_LAST_PACKET};
use crate::structs::{TConnectorAssetIdentifier, TConnectorTrade};
use crate::wide::Wide;

/// A trade, whichever callback brought it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Print {
    pub(super) number: u32,
    pub(super) date: Date,
    pub(super) price: f64,
    pub(super) qty: i64,
    pub(super) buyer: i32,
    pub(super) seller: i32,
    pub(super) trade_type: u8,
    pub(super) is_edit: bool,
}

/// Writes a trade; `live` chooses the ring.
#[inline(always)]
pub(super) fn trade(core: &mut Core, instrument: &mut Instrument, print: &Print, live: bool) {
    if print.date == Date::Absent || print.price <= 0.0 {
        core.counters.sentinels.up();
        return;
    }
    let Some(px) = ticks(print.price, instrument.ticks_per_point) else {
        let count = core.counters.off_tick.up();
        return core.report(
            "off_tick",
            count,
            Value::Kept(instrument.ticker.clone()),
            Value::Float(print.price),
        );
    };
    // An edit to no contracts takes the trade back.
    let Some(size) = contracts(print.qty).or((print.is_edit && print.qty == 0).then_some(0)) else {
        let count = core.counters.out_of_range.up();
        return core.report(
            "out_of_range",
            count,
            Value::Kept(instrument.ticker.clone()),
            Value::Int(print.qty),
        );
    };
    let date = if live { core.saw(instrument, print.date) } else { print.date };
    let (side, flags) = aggressor(print.trade_type);
    if print.date == Date::Unreadable {
        core.counters.bad_date.up();
    }
    let event = Event {
        id: i64::from(print.number),
        px,
        size,
        ref_a: print.buyer,
        ref_b: print.seller,
        flags: if print.is_edit { flags | flag::EDITED } else { flags },
        side,
        ..core.dated(instrument, Kind::Trade, date)
    };
    if live {
        core.counters.trades.up();
        core.push(event);
    } else {
        core.counters.history_trades.up();
        core.push_history(event);
    }
}

impl<W: Wide> State<W> {
    /// A trade behind a handle, which lives as long as the callback.
    ///
    /// # Safety
    /// As the vendor calls back: `asset` holds strings or NULLs, and `handle` is one that `TranslateTrade` takes.
    #[inline(always)]
    pub(super) unsafe fn connector_trade(
        &mut self,
        asset: TConnectorAssetIdentifier<W>,
        handle: *mut c_void,
        flags: u32,
        live: bool,
    ) {
        // SAFETY: the caller's promise.
        let Some(instrument) = (unsafe { self.table.find(asset.Ticker, asset.Exchange) }) else {
            // SAFETY: as above.
            return unsafe { self.unknown(asset.Ticker) };
        };
        let core = &mut self.core;
        let mut out = TConnectorTrade::default();
        // SAFETY: the function is the library's, the handle is its own, and `out` says which version it is.
        let code = self.functions.translate_trade.map_or(i32::MIN, |f| unsafe { f(handle, &raw mut out) });
        if code == 0 {
            let print = Print {
                number: out.TradeNumber,
                date: core.dates.of_system_time(&out.TradeDate),
                price: out.Price,
                qty: out.Quantity,
                buyer: out.BuyAgent,
                seller: out.SellAgent,
                trade_type: out.TradeType,
                is_edit: flags & TC_IS_EDIT != 0,
            };
            trade(core, instrument, &print, live);
        } else {
            let count = core.counters.untranslated.up();
            let ticker = Value::Kept(instrument.ticker.clone());
            core.report("untranslated", count, ticker, Value::Int(i64::from(code)));
        }
        if flags & TC_LAST_PACKET != 0 {
            let (ticker, exchange) = (instrument.ticker.clone(), instrument.exchange.clone());
            core.say("last_packet", vec![Value::Kept(ticker), Value::Kept(exchange)]);
        }
    }
}
