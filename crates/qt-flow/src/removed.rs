//! Displayed size that leaves the best five levels, and how much of it was cancelled.

use crate::ledger::Ledger;
use crate::mlofi::{LEVELS, Levels};
use crate::ofi::FlowRow;
use crate::rows::RowChange;
use crate::tape::Print;
use crate::window::{WindowId, Windows};

/// Contracts removed at rows that were among the best five of their side before the packet, and the cancelled part.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    volume: Windows<FlowRow>,
    /// Holds cancellations only.
    cancelled: Ledger,
    wants_cancelled: bool,
}

impl Removed {
    /// Asks for the window `(t − ns, t]` of what was removed.
    pub fn window(&mut self, ns: i64) -> WindowId {
        self.volume.add(ns)
    }

    /// Asks for what was cancelled over one minute.
    pub fn want_cancelled(&mut self) {
        self.wants_cancelled = true;
        self.cancelled.reserve();
    }

    /// Whether nobody asked for it.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.volume.is_idle() && !self.wants_cancelled
    }

    /// Takes a print: it turns cancellations of the last 50 ms into trades.
    #[inline]
    pub fn on_print(&mut self, p: &Print) {
        if self.wants_cancelled {
            self.cancelled.on_print(p);
        }
    }

    /// Ends the packet: decreases count at rows that were among the best five of `before`; `shown` says whether all of
    /// them were or none, where that is known.
    pub fn end_packet(&mut self, ts: i64, changes: &[RowChange], before: &Levels, shown: Option<bool>) {
        if shown == Some(false) {
            return;
        }
        let shown = |c: &RowChange| {
            shown.unwrap_or_else(|| match c.side {
                1 => before[..LEVELS].iter().any(|l| l.bid_px == c.px),
                _ => before[..LEVELS].iter().any(|l| l.ask_px == c.px),
            })
        };
        let mut flow = 0;
        for c in changes.iter().filter(|c| c.change() < 0 && shown(c)) {
            flow -= c.change();
            if self.wants_cancelled {
                self.cancelled.removed(ts, c.side, c.px, -c.change());
            }
        }
        if flow != 0 && !self.volume.is_idle() {
            self.volume.push(FlowRow { ts, flow });
        }
    }

    /// Ends every window at `now`.
    pub fn advance(&mut self, now: i64) {
        self.volume.advance(now);
        self.cancelled.advance(now);
    }

    /// Before this time [`Removed::advance`] has nothing to do.
    pub fn next_exit(&self) -> i64 {
        self.volume.next_exit().min(self.cancelled.next_exit())
    }

    /// Contracts removed over a window, traded or cancelled.
    pub fn sum(&self, id: WindowId) -> i64 {
        self.volume.sums(id)
    }

    /// Contracts cancelled over one minute.
    pub fn cancelled(&self) -> i64 {
        self.cancelled.net_and_gross().1
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.volume.clear();
        self.cancelled.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{MATCH, WINDOW};

    fn change(side: i8, px: i32, before: i64, after: i64) -> RowChange {
        RowChange { side, px, before, after, order_id: 0, broker: 0 }
    }

    #[test]
    fn decreases_at_the_best_five_rows_before_the_packet() {
        let mut r = Removed::default();
        let w = r.window(WINDOW);
        r.want_cancelled();
        let mut levels = Levels::default();
        for (l, px) in levels.iter_mut().zip([100, 99, 97, 96, 95, 94]) {
            l.bid_px = px;
        }
        let gone = [
            change(1, 99, 9, 5),   // 4 at the second level
            change(1, 94, 8, 0),   // the sixth level
            change(1, 98, 2, 0),   // a row that came and went inside the packet
            change(1, 100, 3, 10), // an increase
            change(-1, 99, 7, 0),  // no ask there
        ];
        r.on_print(&Print { ts: 0, px: 99, size: 1, side: -1, ..Print::default() });
        r.end_packet(MATCH, &gone, &levels, None);
        r.end_packet(MATCH, &gone, &levels, Some(false));
        r.advance(MATCH);
        assert_eq!((r.sum(w), r.cancelled()), (4, 3), "one of four was sold");
        r.on_print(&Print { ts: 2 * MATCH, px: 99, size: 1, side: 0, ..Print::default() });
        assert_eq!((r.sum(w), r.cancelled()), (4, 2), "an unsigned print explains another");
        assert_eq!(r.next_exit(), MATCH + WINDOW);
        r.advance(MATCH + WINDOW);
        assert_eq!((r.sum(w), r.cancelled()), (0, 0));
    }
}
