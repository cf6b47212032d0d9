//! Trade or cancel: what limit orders added to rows of the book and what was cancelled there.
//!
//! Size that leaves a row is first explained by prints at that price and side within 50 ms either way, oldest first,
//! each contract once; the rest was cancelled.

use crate::tape::Print;
use crate::time::{MILLI, MINUTE};
use crate::window::{Row, Sums, WindowId, Windows};

/// How far a print and the removal it explains may lie apart, in ns, inclusive.
pub const MATCH: i64 = 50 * MILLI;
/// Length of the window in ns.
pub const WINDOW: i64 = MINUTE;

/// An addition or a cancellation: contracts that count for the bid (positive) or for the ask (negative).
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    ts: i64,
    net: i64,
}

/// Sums over changes.
#[derive(Debug, Clone, Copy, Default)]
struct Net {
    /// Added less cancelled on the bid, less the same on the ask.
    net: i64,
    /// Added and cancelled on both sides.
    gross: i64,
}

impl Sums for Net {
    #[inline]
    fn minus(&self, o: &Self) -> Self {
        Self { net: self.net - o.net, gross: self.gross - o.gross }
    }
}

impl Row for Change {
    type Sums = Net;
    type Small = i32;

    #[inline]
    fn ts(&self) -> i64 {
        self.ts
    }

    #[inline]
    fn add_to(&self, s: &mut Net) {
        s.net += self.net;
        s.gross += self.net.abs();
    }

    #[inline]
    fn small(&self) -> Option<i32> {
        self.net.try_into().ok()
    }

    #[inline]
    fn whole(ts: i64, net: i32) -> Self {
        Self { ts, net: net.into() }
    }
}

/// Part of a print that has not explained a removal, or of a cancellation that no print has explained.
#[derive(Debug, Clone, Copy)]
struct Unmatched {
    ts: i64,
    px: i32,
    /// Side of the book: 1 bid, −1 ask, 0 either.
    side: i8,
    size: i64,
}

/// Additions and cancellations over one minute.
#[derive(Debug, Clone)]
pub struct Ledger {
    changes: Windows<Change>,
    minute: WindowId,
    /// The cancellations of the last 50 ms, each with its position among the changes.
    cancelled: Vec<(Unmatched, u64)>,
    /// The prints of the last 50 ms.
    prints: Vec<Unmatched>,
}

impl Default for Ledger {
    fn default() -> Self {
        let mut changes = Windows::default();
        let minute = changes.add(WINDOW);
        Self { changes, minute, cancelled: Vec::new(), prints: Vec::new() }
    }
}

impl Ledger {
    /// Makes room, so that a busy moment need not.
    pub fn reserve(&mut self) {
        self.cancelled.reserve(256);
        self.prints.reserve(256);
    }

    /// Takes a print: it turns cancellations of the last 50 ms into trades, oldest first.
    pub fn on_print(&mut self, p: &Print) {
        let side = -p.side;
        let mut rest = i64::from(p.size);
        self.drop_old(p.ts);
        for (c, position) in &mut self.cancelled {
            if rest == 0 {
                break;
            }
            if c.size > 0 && c.px == p.px && (side == 0 || c.side == side) {
                let explained = rest.min(c.size);
                (c.size, rest) = (c.size - explained, rest - explained);
                let back = explained * i64::from(c.side); // the cancellation counted against its side
                self.changes.amend(*position, |change| change.net += back);
            }
        }
        if rest > 0 {
            self.prints.push(Unmatched { ts: p.ts, px: p.px, side, size: rest });
        }
    }

    /// `size` contracts joined a row of this side.
    #[inline]
    pub fn added(&mut self, ts: i64, side: i8, size: i64) {
        self.changes.push(Change { ts, net: size * i64::from(side) });
    }

    /// `size` contracts left a row.
    pub fn removed(&mut self, ts: i64, side: i8, px: i32, mut size: i64) {
        self.drop_old(ts);
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
            self.cancelled.push((Unmatched { ts, px, side, size }, self.changes.head()));
            self.changes.push(Change { ts, net: -size * i64::from(side) });
        }
    }

    /// Forgets prints and cancellations that are too old to explain each other, and prints that have nothing left.
    #[inline]
    fn drop_old(&mut self, now: i64) {
        drop_while(&mut self.cancelled, |(c, _)| c.ts < now - MATCH);
        drop_while(&mut self.prints, |p| p.size == 0 || p.ts < now - MATCH);
    }

    /// Ends the window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        self.changes.advance(now);
    }

    /// Before this time [`Ledger::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.changes.next_exit()
    }

    /// `(N, G)`: net and gross flow of limit orders over the window, in contracts.
    #[inline]
    pub fn net_and_gross(&self) -> (i64, i64) {
        let Net { net, gross } = self.changes.sums(self.minute);
        (net, gross)
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.cancelled.clear();
        self.prints.clear();
    }
}

/// Drops the first items as long as they are unwanted.
#[inline(always)]
fn drop_while<T>(items: &mut Vec<T>, unwanted: impl Fn(&T) -> bool) {
    if items.first().is_some_and(&unwanted) {
        let kept = items.iter().position(|x| !unwanted(x)).unwrap_or(items.len());
        items.drain(..kept);
    }
}
