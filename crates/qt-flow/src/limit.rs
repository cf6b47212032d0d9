//! Limit orders added and cancelled at the touch: changes of the touch with the trades netted out.

use crate::ledger::Ledger;
use crate::tape::Print;
use crate::touch::{NO_ASK, NO_BID, Touch};

/// Flow of limit orders at the touch over one minute.
#[derive(Debug, Clone, Default)]
pub struct LimitFlow {
    enabled: bool,
    ledger: Ledger,
}

impl LimitFlow {
    /// Asks for it.
    pub fn enable(&mut self) {
        self.enabled = true;
        self.ledger.reserve();
    }

    /// Whether somebody asked for it.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Takes a print: it turns cancellations of the last 50 ms into trades.
    pub fn on_print(&mut self, p: &Print) {
        self.ledger.on_print(p);
    }

    /// Takes an update of the touch.
    pub fn on_touch(&mut self, ts: i64, was: &Touch, is: &Touch) {
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
                self.ledger.added(ts, side, size - old_size);
            } else if size < old_size {
                self.ledger.removed(ts, side, px, old_size - size);
            }
        } else if better {
            self.ledger.added(ts, side, size);
        } else if old_px != none {
            self.ledger.removed(ts, side, old_px, old_size);
        }
    }

    /// Ends the window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        if self.enabled {
            self.ledger.advance(now);
        }
    }

    /// Before this time [`LimitFlow::advance`] has nothing to do.
    pub fn next_exit(&self) -> i64 {
        self.ledger.next_exit()
    }

    /// `(N, G)`: net and gross limit-order flow of the window, in contracts.
    pub fn net_and_gross(&self) -> (i64, i64) {
        self.ledger.net_and_gross()
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.ledger.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{MATCH, WINDOW};

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
