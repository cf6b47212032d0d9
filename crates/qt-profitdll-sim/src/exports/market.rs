//! Market data: subscriptions, ladder, history, names.

use std::ffi::c_void;
use std::sync::Arc;

use qt_profitdll::codes::{agent_name_flag, nresult, price_group_flag};
use qt_profitdll::layout::Layout;
use qt_profitdll::structs::{TConnectorAssetIdentifier, TConnectorPriceGroup, TConnectorTrade};
use qt_profitdll::{Wide, time};

use super::text::{asset, put, read};
use crate::agents;
use crate::market::Side;
use crate::sim::history::{self, Request};
use crate::sim::queue::Item;
use crate::sim::world::{Subscription, kind};
use crate::sim::{SIM, Session, Sin, W, lock, previous_close};

/// One day.
const DAY: i64 = crate::feed::DAY_NS;

/// The running session and the instrument of a name. An unknown name is also reported by callback.
fn find(ticker: &str, exchange: &str, name: &str) -> Result<(Arc<Session>, usize), i32> {
    let session = SIM.session().ok_or(nresult::NL_NOT_INITIALIZED)?;
    if !session.is_logged() {
        return Err(nresult::NL_NO_LOGIN);
    }
    if ticker.is_empty() || exchange.is_empty() {
        return Err(nresult::NL_INVALID_ARGS);
    }
    if exchange.len() > 1 {
        return Err(nresult::NL_EXCHANGE_UNKNOWN);
    }
    let found = lock(&session.world).find(ticker, exchange);
    if let Some(instrument) = found {
        return Ok((session, instrument));
    }
    session.queue.push(Item::InvalidTicker(ticker.into(), exchange.into()));
    // Up to .37 a book of an unknown asset was accepted; the other subscriptions still are.
    Err(if name == "SubscribeOfferBook" && session.build >= 38 {
        nresult::NL_INVALID_TICKER
    } else {
        nresult::NL_OK
    })
}

fn subscribe(ticker: &str, exchange: &str, kinds: u8, name: &str) -> i32 {
    match find(ticker, exchange, name) {
        Err(code) => code,
        Ok((session, instrument)) => {
            let subscription = Subscription::new(instrument, ticker, exchange, kinds);
            session.queue.push(Item::Subscribe(subscription));
            if let Err(error) = session.run_market() {
                SIM.fail(error);
                return nresult::NL_INTERNAL_ERROR;
            }
            nresult::NL_OK
        }
    }
}

fn unsubscribe(ticker: &str, exchange: &str, kinds: u8) -> i32 {
    let Some(session) = SIM.session() else { return nresult::NL_NOT_INITIALIZED };
    let found = lock(&session.world).find(ticker, exchange);
    let Some(instrument) = found else { return nresult::NL_INVALID_TICKER };
    session.queue.push(Item::Unsubscribe(Subscription::new(instrument, ticker, exchange, kinds)));
    nresult::NL_OK
}

macro_rules! subscriptions {
    ($($on:ident $off:ident $kind:ident;)+) => {$(
        pub unsafe fn $on(ticker: *const W, exchange: *const W) -> i32 {
            // SAFETY: the caller's promise.
            let (ticker, exchange) = unsafe { (read(ticker), read(exchange)) };
            subscribe(&ticker, &exchange, kind::$kind, stringify!($on))
        }

        pub unsafe fn $off(ticker: *const W, exchange: *const W) -> i32 {
            // SAFETY: the caller's promise.
            let (ticker, exchange) = unsafe { (read(ticker), read(exchange)) };
            unsubscribe(&ticker, &exchange, kind::$kind)
        }
    )+};
}

subscriptions! {
    SubscribeTicker UnsubscribeTicker TICKER;
    SubscribeOfferBook UnsubscribeOfferBook OFFERS;
    SubscribePriceBook UnsubscribePriceBook PRICES;
    SubscribeAdjustHistory UnsubscribeAdjustHistory ADJUST;
}

pub unsafe fn SubscribePriceDepth(id: *const TConnectorAssetIdentifier<W>) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { asset(id) }
        .map_or(nresult::NL_INVALID_ARGS, |(t, e)| subscribe(&t, &e, kind::DEPTH, "SubscribePriceDepth"))
}

pub unsafe fn UnsubscribePriceDepth(id: *const TConnectorAssetIdentifier<W>) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { asset(id) }.map_or(nresult::NL_INVALID_ARGS, |(t, e)| unsubscribe(&t, &e, kind::DEPTH))
}

/// Session and instrument of an asset that somebody subscribed to with one of `kinds`.
unsafe fn subscribed(
    id: *const TConnectorAssetIdentifier<W>,
    kinds: u8,
) -> Result<(Arc<Session>, usize), i32> {
    let session = SIM.session().ok_or(nresult::NL_NOT_INITIALIZED)?;
    // SAFETY: the caller's promise.
    let (ticker, exchange) = unsafe { asset(id) }.ok_or(nresult::NL_INVALID_ARGS)?;
    let instrument = {
        let world = lock(&session.world);
        let instrument = world.find(&ticker, &exchange).ok_or(nresult::NL_NOT_FOUND)?;
        if world.subscribed[instrument] & kinds == 0 {
            return Err(nresult::NL_NOT_FOUND);
        }
        instrument
    };
    Ok((session, instrument))
}

pub unsafe fn GetPriceDepthSideCount(id: *const TConnectorAssetIdentifier<W>, side: u8) -> i32 {
    let Some(side) = Side::from_code(side) else { return nresult::NL_INVALID_ARGS };
    // SAFETY: the caller's promise.
    match unsafe { subscribed(id, kind::DEPTH) } {
        Ok((session, instrument)) => lock(&session.world).instruments[instrument].depth_len(side) as i32,
        Err(code) => code,
    }
}

pub unsafe fn GetPriceGroup(
    id: *const TConnectorAssetIdentifier<W>,
    side: u8,
    position: i32,
    group: *mut TConnectorPriceGroup,
) -> i32 {
    let (Some(side), Ok(position), false) =
        (Side::from_code(side), usize::try_from(position), group.is_null())
    else {
        return nresult::NL_INVALID_ARGS;
    };
    // SAFETY: not NULL, so a struct whose version byte the caller set.
    let out = unsafe { &mut *group };
    if TConnectorPriceGroup::size_at(out.Version).is_none() {
        return nresult::NL_VERSION_NOT_SUPPORTED;
    }
    // SAFETY: the caller's promise.
    let (session, instrument) = match unsafe { subscribed(id, kind::DEPTH) } {
        Ok(found) => found,
        Err(code) => return code,
    };
    let world = lock(&session.world);
    let Some(found) = world.instruments[instrument].group(side, position) else {
        return nresult::NL_OUT_OF_RANGE;
    };
    match found {
        Ok(found) => {
            out.Price = f64::from(found.px) * world.specs[instrument].tick_size;
            (out.Count, out.Quantity, out.PriceGroupFlags) = (found.count, found.size, 0);
        }
        Err(size) => {
            out.Price = f64::NEG_INFINITY;
            (out.Count, out.Quantity, out.PriceGroupFlags) = (0, size, price_group_flag::PG_IS_THEORIC);
        }
    }
    nresult::NL_OK
}

pub unsafe fn GetTheoreticalValues(
    id: *const TConnectorAssetIdentifier<W>,
    price: *mut f64,
    quantity: *mut i64,
) -> i32 {
    // SAFETY: the caller's promise.
    let (session, instrument) = match unsafe { subscribed(id, u8::MAX) } {
        Ok(found) => found,
        Err(code) => return code,
    };
    let world = lock(&session.world);
    let (px, size) = world.instruments[instrument].theoretical().unwrap_or((0, 0));
    // SAFETY: the caller's promise.
    unsafe {
        put(price, f64::from(px) * world.specs[instrument].tick_size);
        put(quantity, size);
    }
    nresult::NL_OK
}

pub unsafe fn GetHistoryTrades(ticker: *const W, exchange: *const W, start: *const W, end: *const W) -> i32 {
    // SAFETY: the caller's promise.
    let [ticker, exchange, start, end] = [ticker, exchange, start, end].map(|text| unsafe { read(text) });
    request_history(&ticker, &exchange, &start, &end).err().unwrap_or(nresult::NL_OK)
}

fn request_history(ticker: &str, exchange: &str, start: &str, end: &str) -> Result<(), i32> {
    let (session, instrument) = find(ticker, exchange, "GetHistoryTrades")?;
    // The time of day is required in practice.
    let parse = |text: &str| {
        let whole = text.len() >= 19;
        time::parse(text.as_bytes()).ok().flatten().filter(|_| whole).ok_or(nresult::NL_INVALID_ARGS)
    };
    let (start, end) = (parse(start)?, parse(end)?);
    let now = lock(&session.world).now_ns;
    if start >= end {
        return Err(nresult::NL_INVALID_ARGS);
    }
    if session.build >= 41 {
        if start < now - 30 * DAY {
            return Err(nresult::NL_HISTORY_PERIOD_LIMIT);
        }
        let mini = ["WIN", "WDO"].iter().any(|root| ticker.starts_with(root));
        if mini && end - start >= 10 * DAY {
            return Err(nresult::NL_INVALID_ARGS);
        }
    }
    session.request_history(
        instrument,
        |prints, running| {
            let total = prints.len();
            Request {
                asset: Subscription::new(instrument, ticker, exchange, 0),
                after_100: session.scenario.history.after_100.min(total),
                left: prints.into_iter(),
                total,
                served: 0,
                progress: 0,
                stalled: false,
                running,
            }
        },
        |scenario| history::trades(scenario, instrument, start, end, now),
    )
}

pub unsafe fn TranslateTrade(trade: *mut c_void, out: *mut TConnectorTrade) -> i32 {
    let Some(current) = lock(&SIM.trade).filter(|c| c.handle == trade as usize) else {
        SIM.sin(Sin::TranslateOutsideCallback, || {
            "TranslateTrade with a handle that is not valid now".into()
        });
        return nresult::NL_INVALID_ARGS;
    };
    if out.is_null() {
        return nresult::NL_INVALID_ARGS;
    }
    // SAFETY: not NULL, so a struct whose version byte the caller set.
    let out = unsafe { &mut *out };
    if TConnectorTrade::size_at(out.Version).is_none() {
        return nresult::NL_VERSION_NOT_SUPPORTED;
    }
    let print = current.print;
    *out = TConnectorTrade {
        Version: out.Version,
        TradeDate: time::to_system((print.ts != 0).then_some(print.ts)),
        TradeNumber: print.number,
        Price: current.price,
        Quantity: print.size,
        Volume: current.volume,
        BuyAgent: print.buyer,
        SellAgent: print.seller,
        TradeType: print.kind,
    };
    nresult::NL_OK
}

pub unsafe fn RequestTickerInfo(ticker: *const W, exchange: *const W) -> i32 {
    // SAFETY: the caller's promise.
    let (ticker, exchange) = unsafe { (read(ticker), read(exchange)) };
    match find(&ticker, &exchange, "RequestTickerInfo") {
        Ok((session, instrument)) => {
            session.queue.push(Item::TickerInfo(instrument, ticker));
            nresult::NL_OK
        }
        Err(code) => code,
    }
}

pub unsafe fn GetLastDailyClose(
    ticker: *const W,
    exchange: *const W,
    close: *mut f64,
    _adjusted: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    let (ticker, exchange) = unsafe { (read(ticker), read(exchange)) };
    let Some(session) = SIM.session() else { return nresult::NL_NOT_INITIALIZED };
    let mut world = lock(&session.world);
    let Some(instrument) = world.find(&ticker, &exchange) else { return nresult::NL_INVALID_TICKER };
    if world.subscribed[instrument] & kind::TICKER == 0 {
        return nresult::NL_ASSET_NO_DATA;
    }
    if !std::mem::replace(&mut world.close_asked[instrument], true) {
        return nresult::NL_WAITING_SERVER;
    }
    // SAFETY: the caller's promise.
    unsafe { put(close, previous_close(&session, &world.specs[instrument])) };
    nresult::NL_OK
}

// ---- agents

fn agent_name(agent: i32, flags: u32) -> Option<&'static str> {
    agents::name(agent, flags & agent_name_flag::CM_IS_SHORT_NAME != 0)
}

pub unsafe fn GetAgentNameLength(agent: i32, flags: u32) -> i32 {
    agent_name(agent, flags).map_or(nresult::NL_NOT_FOUND, |name| W::encode(name).len() as i32 - 1)
}

pub unsafe fn GetAgentName(length: i32, agent: i32, buffer: *mut W, flags: u32) -> i32 {
    let Some(name) = agent_name(agent, flags) else { return nresult::NL_NOT_FOUND };
    let Ok(length) = usize::try_from(length) else { return nresult::NL_INVALID_ARGS };
    if buffer.is_null() {
        return nresult::NL_INVALID_ARGS;
    }
    let name = W::encode(name);
    let copied = (name.len() - 1).min(length);
    // Exactly `length` characters are the caller's: no NUL behind a name that fills them.
    let written = if length >= name.len() { copied + 1 } else { copied };
    // SAFETY: the caller gives room for `length` units.
    unsafe { buffer.copy_from_nonoverlapping(name.as_ptr(), written) };
    let counts = SIM.session().is_some_and(|s| s.build >= 36);
    if counts { copied as i32 } else { nresult::NL_OK }
}

pub unsafe fn GetAgentNameByID(agent: i32) -> *const W {
    crate::sim::agent_text(agent, false)
}

pub unsafe fn GetAgentShortNameByID(agent: i32) -> *const W {
    crate::sim::agent_text(agent, true)
}
