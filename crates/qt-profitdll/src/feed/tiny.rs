//! The best offers that the library reports one side at a time.

use qt_core::event::{Event, Kind, PX_NONE, side};

use super::mapping::{book_side, contracts, ticks};
use super::messages::Value;
use super::state::{Core, Instrument};

/// Price and size of the best bid and ask as last reported; a missing side is (`PX_NONE`, 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touch {
    bid: (i32, i32),
    ask: (i32, i32),
}

impl Default for Touch {
    fn default() -> Self {
        Self { bid: (PX_NONE, 0), ask: (PX_NONE, 0) }
    }
}

/// Writes a quote: the side that changed, and the other one as it was.
#[inline(always)]
pub(super) fn tiny_book(core: &mut Core, instrument: &mut Instrument, price: f64, qty: i32, side_code: i32) {
    let Some(side) = book_side(side_code) else {
        let count = core.counters.malformed.up();
        let (ticker, detail) = (Value::Kept(instrument.ticker.clone()), Value::Int(i64::from(side_code)));
        return core.report("malformed", count, ticker, detail);
    };
    let px = ticks(price, instrument.ticks_per_point);
    if px.is_none() && qty > 0 {
        let count = core.counters.off_tick.up();
        core.report("off_tick", count, Value::Kept(instrument.ticker.clone()), Value::Float(price));
    }
    // A price that cannot be used leaves the side unknown, not as it was.
    let best = match (px, contracts(i64::from(qty))) {
        (Some(px), Some(size)) if price > 0.0 => (px, size),
        _ => (PX_NONE, 0),
    };
    let touch = &mut instrument.touch;
    *(if side == side::BUY { &mut touch.bid } else { &mut touch.ask }) = best;
    let (bid, ask) = (touch.bid, touch.ask);
    core.counters.quotes.up();
    core.push(Event {
        px: bid.0,
        size: bid.1,
        px_ask: ask.0,
        size_ask: ask.1,
        ..core.record(instrument, Kind::Quote)
    });
}
