//! Connection states, phases of the session, totals of the day.

use qt_core::event::{Event, Kind, phase};

use super::mapping::ticker_phase;
use super::messages::Value;
use super::stamp::{Date, day_of};
use super::state::{Core, Instrument, State};
use crate::codes::connection;
use crate::codes::market_state::{CONNECTED, PERFORMANCE_WARNING};
use crate::wide::Wide;

/// The phase that an instrument is in.
#[derive(Debug, Default)]
pub(super) struct Phases {
    last: Option<u8>,
    opened: Option<i64>,
}

impl Phases {
    /// The phase that a ticker state begins on a day; `None` when it is the one that is on already. A session opens once
    /// a day: later it resumes, because its windows and profile must not begin anew.
    pub(super) fn begin(&mut self, state: i32, day: i64) -> Option<u8> {
        let mut next = ticker_phase(state)?;
        if next == phase::OPEN && self.opened == Some(day) {
            next = phase::RESUME;
        }
        let trading = matches!(self.last, Some(phase::OPEN | phase::RESUME));
        if next == phase::RESUME && trading || next != phase::OPEN && self.last == Some(next) {
            return None;
        }
        if next == phase::OPEN {
            self.opened = Some(day);
        }
        self.last = Some(next);
        Some(next)
    }
}

impl<W: Wide> State<W> {
    /// A connection changed. Whatever happens between market data leaving `connected` and the next full image is lost;
    /// a warning of the server's about its performance loses nothing.
    pub(super) fn connection(&mut self, kind: i32, result: i32) {
        self.core.say("state", vec![Value::Int(i64::from(kind)), Value::Int(i64::from(result))]);
        if kind == connection::MARKET {
            let whole = |state| state == CONNECTED || state == PERFORMANCE_WARNING;
            let left = whole(std::mem::replace(&mut self.core.market, result));
            if left && !whole(result) {
                self.gap_everywhere(0);
            }
        }
    }

    /// A callback names a ticker that was not added.
    ///
    /// # Safety
    /// `ticker` is NULL, or readable up to its NUL.
    #[cold]
    #[inline(never)]
    #[allow(unsafe_code)] // the vendor's string
    pub(super) unsafe fn unknown(&mut self, ticker: *const W) {
        let count = self.core.counters.unknown_ticker.up();
        if count.is_power_of_two() {
            // SAFETY: the caller's promise.
            let text = unsafe { crate::wide::text(ticker) };
            self.core.report("unknown_ticker", count, Value::Text(text), Value::Missing);
        }
    }
}

/// The state of a ticker changed.
pub(super) fn ticker_state(core: &mut Core, instrument: &mut Instrument, date: Date, state: i32) {
    let _ = core.saw(instrument, date);
    let values = vec![
        Value::Kept(instrument.ticker.clone()),
        Value::Kept(instrument.exchange.clone()),
        date_value(date),
        Value::Int(i64::from(state)),
    ];
    core.say("ticker_state", values);
    let marker = core.record(instrument, Kind::Session);
    if let Some(action) = instrument.phases.begin(state, day_of(marker.ts_event)) {
        core.counters.sessions.up();
        core.push(Event { action, ..marker });
    }
}

/// Totals of the day. They come with every trade and only the last ones matter.
#[inline(always)]
pub(super) fn daily(core: &Core, instrument: &Instrument, date: Date, numbers: [f64; 10], counts: [i32; 7]) {
    instrument.totals.put(core.now, date, numbers, counts);
}

pub(super) const fn date_value(date: Date) -> Value {
    match date {
        Date::At(ts) => Value::Int(ts),
        _ => Value::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_opens_once_a_day() {
        let mut phases = Phases::default();
        let mut begin = |state, day| phases.begin(state, day);
        assert_eq!(begin(13, 1), Some(phase::AUCTION));
        assert_eq!(begin(0, 1), Some(phase::OPEN));
        assert_eq!(begin(0, 1), None); // subscribed again
        assert_eq!(begin(4, 1), Some(phase::AUCTION));
        assert_eq!(begin(10, 1), None);
        assert_eq!(begin(0, 1), Some(phase::RESUME));
        assert_eq!(begin(0, 1), None);
        assert_eq!(begin(2, 1), Some(phase::HALT));
        assert_eq!(begin(3, 1), None);
        assert_eq!(begin(0, 1), Some(phase::RESUME));
        assert_eq!(begin(77, 1), None);
        assert_eq!(begin(6, 1), Some(phase::CLOSED));
        assert_eq!(begin(6, 1), None);
        assert_eq!(begin(0, 2), Some(phase::OPEN));
        assert_eq!(begin(0, 3), Some(phase::OPEN)); // nobody said that day 2 closed
    }
}
