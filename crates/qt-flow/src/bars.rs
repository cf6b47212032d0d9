//! Bars made from prints, or bars that the source brings.

use crate::tape::Print;
use crate::time::MINUTE;

/// A closed bar. Prices in ticks, volumes in contracts, times in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bar {
    /// Start.
    pub start: i64,
    /// End: the bar covers `[start, end)`.
    pub end: i64,
    /// First price.
    pub open: i32,
    /// Greatest price.
    pub high: i32,
    /// Least price.
    pub low: i32,
    /// Last price.
    pub close: i32,
    /// Contracts traded.
    pub volume: i64,
    /// Contracts bought and sold by aggressors; `None` for bars from a source without trades.
    pub sides: Option<(i64, i64)>,
}

/// Makes bars of one length, one minute by default, anchored at the session start.
#[derive(Debug, Clone, Copy)]
pub struct BarBuilder {
    /// Length of a bar, ns.
    span: i64,
    enabled: bool,
    /// The source brings bars: none are made.
    foreign: bool,
    forming: Option<Bar>,
    traded: bool,
}

impl Default for BarBuilder {
    fn default() -> Self {
        Self::of(MINUTE)
    }
}

impl BarBuilder {
    /// Makes bars that last `span` ns.
    pub const fn of(span: i64) -> Self {
        Self { span, enabled: false, foreign: false, forming: None, traded: false }
    }

    /// Asks for bars.
    pub fn enable(&mut self) {
        self.enabled = true;
    }

    /// Whether somebody asked for them and they are to be made here.
    #[inline]
    pub fn active(&self) -> bool {
        self.enabled && !self.foreign
    }

    /// The source brings bars from here on.
    pub fn use_foreign(&mut self) {
        self.foreign = true;
        self.forming = None;
    }

    /// Takes a print of the session that began at `session_start`.
    #[inline]
    pub fn push(&mut self, p: &Print, session_start: i64) {
        let span = self.span;
        let bar = self.forming.get_or_insert_with(|| {
            let start = p.ts - (p.ts - session_start) % span;
            flat(start, span, p.px)
        });
        if !self.traded {
            (bar.open, bar.high, bar.low) = (p.px, p.px, p.px);
            self.traded = true;
        }
        bar.high = bar.high.max(p.px);
        bar.low = bar.low.min(p.px);
        bar.close = p.px;
        bar.volume += i64::from(p.size);
        if let Some((buy, sell)) = &mut bar.sides {
            match p.side {
                1 => *buy += i64::from(p.size),
                -1 => *sell += i64::from(p.size),
                _ => {}
            }
        }
    }

    /// End of the forming bar.
    #[inline]
    pub fn due(&self) -> Option<i64> {
        self.forming.map(|b| b.end)
    }

    /// Closes the forming bar at its end; the next one begins there, flat at the close.
    pub fn close(&mut self) -> Option<Bar> {
        let bar = self.forming?;
        self.forming = Some(flat(bar.end, self.span, bar.close));
        self.traded = false;
        Some(bar)
    }

    /// Ends the session at `now`: the forming bar closes there if it has begun.
    pub fn end_session(&mut self, now: i64) -> Option<Bar> {
        let bar = self.forming.take().filter(|b| self.traded || b.start < now);
        self.traded = false;
        bar.map(|b| Bar { end: now, ..b })
    }

    /// Forgets the forming bar, and that the source brought any: the next contract begins.
    pub fn clear(&mut self) {
        (self.foreign, self.forming, self.traded) = (false, None, false);
    }
}

const fn flat(start: i64, span: i64, px: i32) -> Bar {
    Bar { start, end: start + span, open: px, high: px, low: px, close: px, volume: 0, sides: Some((0, 0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn print(ts: i64, px: i32, size: i32, side: i8) -> Print {
        Print { ts, px, size, side, ..Print::default() }
    }

    #[test]
    fn a_bar_and_the_flat_one_after_it() {
        let mut b = BarBuilder::default();
        let start = 7 * SECOND;
        for p in [print(70 * SECOND, 10, 1, 1), print(80 * SECOND, 13, 2, -1), print(90 * SECOND, 9, 4, 0)] {
            b.push(&p, start);
        }
        let bar = b.close().unwrap();
        assert_eq!((bar.start, bar.end), (67 * SECOND, 127 * SECOND));
        assert_eq!((bar.open, bar.high, bar.low, bar.close, bar.volume), (10, 13, 9, 9, 7));
        assert_eq!(bar.sides, Some((1, 2)));
        let empty = b.close().unwrap();
        assert_eq!((empty.open, empty.high, empty.low, empty.close, empty.volume), (9, 9, 9, 9, 0));
        b.push(&print(200 * SECOND, 20, 1, 1), start);
        assert_eq!(b.forming.map(|f| (f.open, f.low)), Some((20, 20)));
        assert_eq!(b.end_session(201 * SECOND).map(|f| f.end), Some(201 * SECOND));
        assert_eq!(b.due(), None);
    }

    #[test]
    fn a_session_that_ends_on_the_minute_leaves_no_empty_bar() {
        let mut b = BarBuilder::default();
        b.push(&print(0, 10, 1, 1), 0);
        b.close();
        assert_eq!(b.end_session(MINUTE), None);
    }
}
