//! What the vendor does not have: symbols of the simulator, all prefixed `QtSim`.
//!
//! None of them may be called from a callback. Text is UTF-8 with a length; results that do not fit are cut, and the
//! size needed is returned.

use qt_profitdll::codes::nresult;

use super::{Call, guard};
use crate::market::Side;
use crate::scenario::Scenario;
use crate::sim::{SIM, W, lock, on_connector};

/// One offer of the true book.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct QtSimOffer {
    /// Price.
    pub price: f64,
    /// Contracts.
    pub quantity: i64,
    /// Offer id.
    pub offer_id: i64,
    /// When it was placed or changed, ns UTC.
    pub ts_ns: i64,
    /// Broker.
    pub agent: i32,
    /// Price in ticks.
    pub px_ticks: i32,
}

const fn call(name: &'static str) -> Call {
    Call { name, group: "session", routing: false, since: 0 }
}

/// Bytes of the client.
///
/// # Safety
/// NULL, or readable for `length` bytes.
unsafe fn bytes<'a>(at: *const u8, length: i64) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller's promise.
        Ok(n) if !at.is_null() => unsafe { std::slice::from_raw_parts(at, n) },
        _ => &[],
    }
}

/// Copies what fits; returns what would be needed.
///
/// # Safety
/// NULL, or writable for `cap` items.
unsafe fn give<T: Copy>(all: &[T], out: *mut T, cap: i64) -> i64 {
    let n = all.len().min(usize::try_from(cap).unwrap_or(0));
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.copy_from_nonoverlapping(all.as_ptr(), n) };
    }
    all.len() as i64
}

/// Bytes per unit of text: 2 or 4.
#[unsafe(no_mangle)]
pub extern "system" fn QtSimCharWidth() -> i32 {
    size_of::<W>() as i32
}

/// Takes a scenario (TOML) for the sessions to come, and forgets sins and counts of those before. Its relative paths
/// are those of the working directory now.
///
/// # Safety
/// `toml` is readable for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn QtSimConfigure(toml: *const u8, length: i64) -> i32 {
    guard(&call("QtSimConfigure"), || {
        // SAFETY: the caller's promise.
        let text = String::from_utf8_lossy(unsafe { bytes(toml, length) });
        if SIM.session().is_some() {
            SIM.fail("QtSimConfigure: a session is running; call DLLFinalize first");
            return nresult::NL_INVALID_ARGS;
        }
        let folder = std::env::current_dir().map_err(|e| format!("the working directory: {e}"));
        match folder.and_then(|folder| Ok(Scenario::parse(&text)?.relative_to(&folder))) {
            Ok(scenario) => {
                SIM.reset();
                SIM.configure(scenario);
                nresult::NL_OK
            }
            Err(error) => {
                SIM.fail(error);
                nresult::NL_INVALID_ARGS
            }
        }
    })
}

/// Plays whole packets until at least this many market events are played, and returns how many were, once the
/// callbacks are delivered; 0 at the end of the market, a negative code on failure. For lockstep scenarios.
#[unsafe(no_mangle)]
pub extern "system" fn QtSimStep(market_events: i64) -> i64 {
    guard(&call("QtSimStep"), || {
        if on_connector() {
            return nresult::NL_SINGLE_THREADED.into(); // it would wait for itself
        }
        let Some(session) = SIM.session() else { return nresult::NL_NOT_INITIALIZED.into() };
        if !session.is_logged() {
            return nresult::NL_NO_LOGIN.into();
        }
        match session.step(market_events.max(0) as u64) {
            Ok(played) => played as i64,
            Err(error) => {
                SIM.fail(error);
                nresult::NL_INTERNAL_ERROR.into()
            }
        }
    })
}

/// Sins, leaks, counts and queue depth as JSON; returns the bytes it needs.
///
/// # Safety
/// `buffer` is NULL or writable for `cap` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn QtSimReport(buffer: *mut u8, cap: i64) -> i64 {
    // SAFETY: the caller's promise.
    guard(&call("QtSimReport"), || unsafe { give(SIM.report().as_bytes(), buffer, cap) })
}

/// The true book of a side after the last delivered event, worst offer first; returns its length, or
/// `NL_WAITING_SERVER` while a full image is being loaded, of which the client knows nothing yet.
///
/// # Safety
/// `ticker` is readable for `length` bytes, `out` NULL or writable for `cap` offers.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn QtSimBook(
    ticker: *const u8,
    length: i64,
    side: i8,
    out: *mut QtSimOffer,
    cap: i64,
) -> i64 {
    guard(&call("QtSimBook"), || {
        let Some(session) = SIM.session() else { return nresult::NL_NOT_INITIALIZED.into() };
        // SAFETY: the caller's promise.
        let ticker = String::from_utf8_lossy(unsafe { bytes(ticker, length) });
        let world = lock(&session.world);
        let found = world.specs.iter().position(|s| s.ticker == ticker);
        let (Some(instrument), Some(side)) = (found, Side::from_code(side as u8)) else {
            return nresult::NL_INVALID_ARGS.into();
        };
        if world.instruments[instrument].is_loading() {
            return nresult::NL_WAITING_SERVER.into();
        }
        let tick = world.specs[instrument].tick_size;
        let offers = world.instruments[instrument].offers(side).iter().map(|o| QtSimOffer {
            price: f64::from(o.px) * tick,
            quantity: o.size,
            offer_id: o.id,
            ts_ns: o.ts,
            agent: o.agent,
            px_ticks: o.px,
        });
        // SAFETY: the caller's promise.
        unsafe { give(&offers.collect::<Vec<_>>(), out, cap) }
    })
}

/// What went wrong last, in plain words; returns the bytes it needs.
///
/// # Safety
/// `buffer` is NULL or writable for `cap` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn QtSimLastError(buffer: *mut u8, cap: i64) -> i64 {
    // SAFETY: the caller's promise.
    guard(&call("QtSimLastError"), || unsafe { give(SIM.last_error().as_bytes(), buffer, cap) })
}
