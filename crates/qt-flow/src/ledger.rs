//! Trade or cancel: what limit orders added to rows of the book and what was cancelled there.
//!
//! Size that leaves a row is first explained by prints at that price and side within 50 ms either way, oldest first,
//! each contract once; the rest was cancelled.

use std::collections::VecDeque;

use crate::tape::Print;
use crate::time::{MILLI, MINUTE};

/// How far a print and the removal it explains may lie apart, in ns, inclusive.
pub const MATCH: i64 = 50 * MILLI;
/// Length of the window in ns.
pub const WINDOW: i64 = MINUTE;

/// An addition or a cancellation: contracts that count for the bid (positive) or for the ask (negative).
#[derive(Debug, Clone, Copy)]
struct Change {
    ts: i64,
    net: i64,
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
    changes: VecDeque<Change>,
    /// Changes that have left.
    left: usize,
    /// The cancellations of the last 50 ms, each with its number among all changes.
    cancelled: Vec<(Unmatched, usize)>,
    /// The prints of the last 50 ms.
    prints: Vec<Unmatched>,
    /// When the oldest change leaves.
    next_exit: i64,
    /// Added less cancelled on the bid, less the same on the ask.
    net: i64,
    /// Added and cancelled on both sides.
    gross: i64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            changes: VecDeque::new(),
            left: 0,
            cancelled: Vec::new(),
            prints: Vec::new(),
            next_exit: i64::MAX,
            net: 0,
            gross: 0,
        }
    }
}

impl Ledger {
    /// Makes room, so that a busy minute need not.
    pub fn reserve(&mut self) {
        self.changes.reserve(4096);
        self.cancelled.reserve(256);
        self.prints.reserve(256);
    }

    /// Takes a print: it turns cancellations of the last 50 ms into trades, oldest first.
    pub fn on_print(&mut self, p: &Print) {
        let side = -p.side;
        let mut rest = i64::from(p.size);
        self.drop_old(p.ts);
        for (c, number) in &mut self.cancelled {
            if c.px == p.px && (side == 0 || c.side == side) {
                let explained = rest.min(c.size);
                (c.size, rest) = (c.size - explained, rest - explained);
                let back = explained * i64::from(c.side); // the cancellation counted against its side
                self.changes[*number - self.left].net += back;
                (self.net, self.gross) = (self.net + back, self.gross - explained);
            }
        }
        if rest > 0 {
            self.prints.push(Unmatched { ts: p.ts, px: p.px, side, size: rest });
        }
    }

    /// `size` contracts joined a row of this side.
    pub fn added(&mut self, ts: i64, side: i8, size: i64) {
        self.push(Change { ts, net: size * i64::from(side) });
    }

    #[inline]
    fn push(&mut self, change: Change) {
        self.advance(change.ts); // keeps the ring bounded between samples
        if self.changes.is_empty() {
            self.next_exit = change.ts.saturating_add(WINDOW);
        }
        self.net += change.net;
        self.gross += change.net.abs();
        self.changes.push_back(change);
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
            self.push(Change { ts, net: -size * i64::from(side) });
            self.cancelled.push((Unmatched { ts, px, side, size }, self.left + self.changes.len() - 1));
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
        if now >= self.next_exit {
            self.expire(now);
        }
    }

    fn expire(&mut self, now: i64) {
        self.drop_old(now); // first, as what leaves is no longer recent
        while let Some(c) = self.changes.front().filter(|c| c.ts <= now - WINDOW) {
            self.net -= c.net;
            self.gross -= c.net.abs();
            self.changes.pop_front();
            self.left += 1;
        }
        self.next_exit = self.changes.front().map_or(i64::MAX, |c| c.ts.saturating_add(WINDOW));
    }

    /// Before this time [`Ledger::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.next_exit
    }

    /// `(N, G)`: net and gross flow of limit orders over the window, in contracts.
    pub fn net_and_gross(&self) -> (i64, i64) {
        (self.net, self.gross)
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.cancelled.clear();
        self.prints.clear();
        (self.left, self.next_exit, self.net, self.gross) = (0, i64::MAX, 0, 0);
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
