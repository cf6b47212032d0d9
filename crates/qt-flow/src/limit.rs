//! Limit orders added and cancelled at the touch: changes of the touch with the trades netted out.
//!
//! Sizes that leave the touch are first explained by prints at that price and side within 50 ms either way; the
//! rest was cancelled.

use std::collections::VecDeque;

use crate::tape::Print;
use crate::time::{MILLI, MINUTE};
use crate::touch::{NO_ASK, NO_BID, Touch};

/// How far a print and the removal it explains may lie apart, in ns, inclusive.
pub const MATCH: i64 = 50 * MILLI;
/// Length of the window in ns.
pub const WINDOW: i64 = MINUTE;

/// An addition (`size` > 0) or a cancellation (`size` < 0, shrinking to 0 as prints explain it).
#[derive(Debug, Clone, Copy)]
struct Change {
    ts: i64,
    px: i32,
    /// 1 bid, −1 ask.
    side: i8,
    size: i64,
}

/// Part of a print that has not explained a removal.
#[derive(Debug, Clone, Copy)]
struct Unmatched {
    ts: i64,
    px: i32,
    /// Side of the book it may have hit: 1 bid, −1 ask, 0 either.
    side: i8,
    size: i64,
}

/// Flow of limit orders at the touch over one minute.
#[derive(Debug, Clone, Default)]
pub struct LimitFlow {
    enabled: bool,
    changes: VecDeque<Change>,
    prints: VecDeque<Unmatched>,
    /// (LO_b − C_b) − (LO_a − C_a).
    net: i64,
    /// LO_b + C_b + LO_a + C_a.
    gross: i64,
}

impl LimitFlow {
    /// Asks for it.
    pub fn enable(&mut self) {
        self.enabled = true;
        self.changes.reserve(4096);
        self.prints.reserve(256);
    }

    /// Whether somebody asked for it.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Takes a print: it turns cancellations of the last 50 ms into trades, oldest first.
    pub fn on_print(&mut self, p: &Print) {
        let side = -p.side;
        let mut rest = i64::from(p.size);
        let recent = self.changes.iter().rposition(|c| c.ts < p.ts - MATCH).map_or(0, |i| i + 1);
        for c in self.changes.range_mut(recent..) {
            if rest == 0 {
                break;
            }
            if c.size < 0 && c.px == p.px && (side == 0 || c.side == side) {
                let explained = rest.min(-c.size);
                c.size += explained;
                rest -= explained;
                self.gross -= explained;
                self.net += explained * i64::from(c.side); // the cancellation counted against its side
            }
        }
        self.drop_old_prints(p.ts);
        if rest > 0 {
            self.prints.push_back(Unmatched { ts: p.ts, px: p.px, side, size: rest });
        }
    }

    /// Takes an update of the touch.
    pub fn on_touch(&mut self, ts: i64, was: &Touch, is: &Touch) {
        self.expire(ts); // keeps the ring bounded between samples
        self.side(ts, 1, was.bid_px, was.bid_sz, is.bid_px, is.bid_sz, is.bid_px > was.bid_px, NO_BID);
        self.side(ts, -1, was.ask_px, was.ask_sz, is.ask_px, is.ask_sz, is.ask_px < was.ask_px, NO_ASK);
    }

    #[allow(clippy::too_many_arguments)] // one side of two touches, taken apart
    fn side(
        &mut self,
        ts: i64,
        side: i8,
        old_px: i32,
        old_size: i64,
        px: i32,
        size: i64,
        better: bool,
        none: i32,
    ) {
        if px == old_px {
            if size > old_size {
                self.added(ts, side, px, size - old_size);
            } else if size < old_size {
                self.removed(ts, side, px, old_size - size);
            }
        } else if better {
            self.added(ts, side, px, size);
        } else if old_px != none {
            self.removed(ts, side, old_px, old_size);
        }
    }

    fn added(&mut self, ts: i64, side: i8, px: i32, size: i64) {
        self.net += size * i64::from(side);
        self.gross += size;
        self.changes.push_back(Change { ts, px, side, size });
    }

    fn removed(&mut self, ts: i64, side: i8, px: i32, mut size: i64) {
        self.drop_old_prints(ts);
        for p in &mut self.prints {
            if size == 0 {
                break;
            }
            if p.px == px && (p.side == 0 || p.side == side) {
                let explained = size.min(p.size);
                p.size -= explained;
                size -= explained;
            }
        }
        if size > 0 {
            self.net -= size * i64::from(side);
            self.gross += size;
            self.changes.push_back(Change { ts, px, side, size: -size });
        }
    }

    fn drop_old_prints(&mut self, now: i64) {
        while self.prints.front().is_some_and(|p| p.size == 0 || p.ts < now - MATCH) {
            self.prints.pop_front();
        }
    }

    fn expire(&mut self, now: i64) {
        while let Some(c) = self.changes.front().filter(|c| c.ts <= now - WINDOW) {
            self.net -= c.size * i64::from(c.side);
            self.gross -= c.size.abs();
            self.changes.pop_front();
        }
    }

    /// Ends the window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        if self.enabled {
            self.expire(now);
        }
    }

    /// Before this time [`LimitFlow::advance`] has nothing to do.
    pub fn next_exit(&self) -> i64 {
        self.changes.front().map_or(i64::MAX, |c| c.ts.saturating_add(WINDOW))
    }

    /// `(N, G)`: net and gross limit-order flow of the window, in contracts.
    pub fn net_and_gross(&self) -> (i64, i64) {
        (self.net, self.gross)
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.prints.clear();
        (self.net, self.gross) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(bid_sz: i64, ask_sz: i64) -> Touch {
        Touch { bid_px: 100, ask_px: 101, bid_sz, ask_sz }
    }

    fn print(ts: i64, px: i32, size: i32, side: i8) -> Print {
        Print { ts, px, size, side, ..Print::default() }
    }

    #[test]
    fn additions_and_cancellations_by_hand() {
        let mut f = LimitFlow::default();
        f.on_touch(0, &touch(10, 10), &touch(14, 7)); // LO_b 4, C_a 3
        assert_eq!(f.net_and_gross(), (7, 7));
        f.on_touch(1, &touch(14, 7), &touch(9, 7)); // C_b 5
        assert_eq!(f.net_and_gross(), (2, 12));
        f.enable();
        f.advance(WINDOW); // what happened at 0 is out
        assert_eq!(f.net_and_gross(), (-5, 5));
    }

    #[test]
    fn a_print_before_or_after_explains_a_removal() {
        let mut f = LimitFlow::default();
        f.on_print(&print(0, 100, 4, -1));
        f.on_touch(MATCH, &touch(10, 10), &touch(4, 10)); // 6 gone, 4 traded
        assert_eq!(f.net_and_gross(), (-2, 2));
        f.on_print(&print(MATCH + 1, 100, 5, -1)); // explains the other 2, 3 are left
        assert_eq!(f.net_and_gross(), (0, 0));
        f.on_touch(MATCH + 2, &touch(4, 10), &touch(1, 10)); // and these explain 3
        assert_eq!(f.net_and_gross(), (0, 0));
    }

    #[test]
    fn a_print_elsewhere_explains_nothing() {
        let mut f = LimitFlow::default();
        f.on_print(&print(0, 101, 4, -1)); // other price
        f.on_print(&print(0, 100, 4, 1)); // other side
        f.on_touch(1, &touch(10, 10), &touch(6, 10));
        assert_eq!(f.net_and_gross(), (-4, 4));
        f.on_print(&print(2 + MATCH, 100, 4, -1)); // too late
        assert_eq!(f.net_and_gross(), (-4, 4));
        f.on_print(&print(2 + MATCH, 100, 4, 0));
        f.on_touch(3 + MATCH, &touch(6, 10), &touch(2, 10)); // the print that came too late explains this one
        assert_eq!(f.net_and_gross(), (-4, 4));
    }

    #[test]
    fn a_touch_that_moves() {
        let mut f = LimitFlow::default();
        let (was, better) = (touch(10, 10), Touch { bid_px: 101, bid_sz: 3, ask_px: 102, ask_sz: 8 });
        f.on_touch(0, &was, &better); // bid 101 added 3; ask 101 lost 10
        assert_eq!(f.net_and_gross(), (13, 13));
        f.on_print(&print(1, 101, 10, 1)); // the ask was bought
        assert_eq!(f.net_and_gross(), (3, 3));
    }
}
