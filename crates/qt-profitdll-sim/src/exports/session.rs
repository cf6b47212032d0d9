//! Initialise, finalise, clock, memory.

use std::ffi::c_void;
use std::time::Duration;

#[allow(clippy::wildcard_imports)] // the vendor's names
use qt_profitdll::callbacks::*;
use qt_profitdll::codes::{health, nresult};
use qt_profitdll::time::{self, Civil};

use super::text::{put, read};
use crate::orders::Broker;
use crate::scenario::LoginResult;
use crate::sim::queue::Item;
use crate::sim::{Freed, SIM, Session, Sin, W, lock, login};

/// Sets the slots that were given: NULL leaves what a setter set before.
macro_rules! fill {
    ($($slot:ident),+) => { $(if $slot.is_some() { SIM.slots.$slot.set($slot); })+ };
}

fn start(key: &str, user: &str, password: &str, routing: bool) -> i32 {
    if key.is_empty() {
        return nresult::NL_INVALID_ARGS;
    }
    for (given, code) in [(user, nresult::NL_NO_USER), (password, nresult::NL_NO_PASSWORD)] {
        if given.is_empty() {
            return code;
        }
    }
    if SIM.session().is_some() {
        SIM.fail("DLLInitialize…Login: a session is running; call DLLFinalize first");
        return nresult::NL_DUPLICATE_RESOURCE;
    }
    let session = SIM.scenario().and_then(|scenario| Session::start(scenario, routing));
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            SIM.fail(error);
            return nresult::NL_INTERNAL_ERROR;
        }
    };
    let config = &session.scenario.login;
    if config.result == LoginResult::NoLicence {
        session.discard();
        return nresult::NL_NO_LICENSE;
    }
    if !SIM.begin(&session) {
        session.discard();
        return nresult::NL_DUPLICATE_RESOURCE;
    }
    let (states, complete) = login::states(config, user, password, routing);
    let mut delay = Duration::ZERO;
    for &(connection, state) in &states {
        delay += Duration::from_millis(config.delay_ms);
        if complete && (connection, state) == (2, 4) {
            session.queue.push_after(delay, Item::Connected);
        }
        if (connection, state) == (1, 5) {
            session.queue.push_after(delay, Item::Broker(true));
        }
        session.queue.push_after(delay, Item::State(connection, state));
    }
    nresult::NL_OK
}

#[allow(clippy::too_many_arguments)] // the vendor's
pub unsafe fn DLLInitializeLogin(
    key: *const W,
    user: *const W,
    password: *const W,
    state: Option<State>,
    history: Option<History<W>>,
    order_change: Option<OrderChange<W>>,
    account: Option<Account<W>>,
    new_trade: Option<NewTrade<W>>,
    daily: Option<Daily<W>>,
    price_book: Option<PriceBook<W>>,
    offer_book: Option<OfferBook<W>>,
    history_trade: Option<HistoryTrade<W>>,
    progress: Option<Progress<W>>,
    tiny_book: Option<TinyBook<W>>,
) -> i32 {
    fill!(
        state,
        history,
        order_change,
        account,
        new_trade,
        daily,
        price_book,
        offer_book,
        history_trade,
        progress,
        tiny_book
    );
    // SAFETY: the caller's promise.
    unsafe { start(&read(key), &read(user), &read(password), true) }
}

#[allow(clippy::too_many_arguments)] // the vendor's
pub unsafe fn DLLInitializeMarketLogin(
    key: *const W,
    user: *const W,
    password: *const W,
    state: Option<State>,
    new_trade: Option<NewTrade<W>>,
    daily: Option<Daily<W>>,
    price_book: Option<PriceBook<W>>,
    offer_book: Option<OfferBook<W>>,
    history_trade: Option<HistoryTrade<W>>,
    progress: Option<Progress<W>>,
    tiny_book: Option<TinyBook<W>>,
) -> i32 {
    fill!(state, new_trade, daily, price_book, offer_book, history_trade, progress, tiny_book);
    // SAFETY: the caller's promise.
    unsafe { start(&read(key), &read(user), &read(password), false) }
}

pub unsafe fn DLLFinalize() -> i32 {
    if SIM.session().is_none() {
        return nresult::NL_NOT_INITIALIZED;
    }
    if crate::sim::on_connector() {
        // It would wait for itself.
        SIM.fail("DLLFinalize from a callback");
        return nresult::NL_SINGLE_THREADED;
    }
    SIM.end();
    SIM.slots.forget();
    nresult::NL_OK
}

pub unsafe fn SetServerAndPort(host: *const W, port: *const W) -> i32 {
    // SAFETY: the caller's promise.
    let (host, port) = unsafe { (read(host), read(port)) };
    if host.is_empty() || port.parse::<u16>().is_err() { nresult::NL_INVALID_ARGS } else { nresult::NL_OK }
}

#[allow(clippy::too_many_arguments)] // the vendor's
pub unsafe fn GetServerClock(
    date_time: *mut f64,
    year: *mut i32,
    month: *mut i32,
    day: *mut i32,
    hour: *mut i32,
    minute: *mut i32,
    second: *mut i32,
    millisecond: *mut i32,
) -> i32 {
    let Some(session) = SIM.session() else { return nresult::NL_NOT_INITIALIZED };
    let now = lock(&session.world).now_ns;
    let t = Civil::from_ns(now);
    // SAFETY: the caller's promise.
    unsafe {
        put(date_time, time::to_delphi(now));
        for (out, value) in [
            (year, t.year),
            (month, t.month),
            (day, t.day),
            (hour, t.hour),
            (minute, t.minute),
            (second, t.second),
            (millisecond, t.ms),
        ] {
            put(out, value.into());
        }
    }
    nresult::NL_OK
}

pub unsafe fn GetHealthStatus(state: *mut i32) -> i32 {
    if SIM.session().is_none() {
        return nresult::NL_NOT_INITIALIZED;
    }
    let now = if SIM.is_frozen() { health::FROZEN } else { health::RESPONSIVE };
    // SAFETY: the caller's promise.
    unsafe { put(state, now) };
    nresult::NL_OK
}

fn switch(enabled: i32) -> i32 {
    match (SIM.session(), enabled) {
        (None, _) => nresult::NL_NOT_INITIALIZED,
        (_, 0 | 1) => nresult::NL_OK,
        _ => nresult::NL_INVALID_ARGS,
    }
}

pub unsafe fn SetEnabledLogToDebug(enabled: i32) -> i32 {
    switch(enabled)
}

/// A switch of the broker's side.
fn switch_orders(enabled: i32, turn: impl FnOnce(&mut Broker, bool)) -> i32 {
    let code = switch(enabled);
    if code == nresult::NL_OK
        && let Some(session) = SIM.session()
        && let Some(desk) = &session.orders
    {
        turn(&mut desk.broker(), enabled == 1);
    }
    code
}

pub unsafe fn SetEnabledHistOrder(enabled: i32) -> i32 {
    switch_orders(enabled, Broker::set_history)
}

pub unsafe fn SetDayTrade(enabled: i32) -> i32 {
    switch_orders(enabled, Broker::set_day_trade)
}

pub unsafe fn FreePointer(pointer: *mut c_void, size: i32) -> i32 {
    let freed = SIM.blobs.free(pointer, size);
    let sin = match freed {
        Freed::Well => return nresult::NL_OK,
        Freed::WrongSize => Sin::WrongFreeSize,
        Freed::Twice => Sin::DoubleFree,
        Freed::Unknown => Sin::WrongFree,
    };
    SIM.sin(sin, || format!("FreePointer with size {size}"));
    // A wrong size is still freed: the vendor's library tolerates several.
    if freed == Freed::WrongSize { nresult::NL_OK } else { nresult::NL_INVALID_ARGS }
}
