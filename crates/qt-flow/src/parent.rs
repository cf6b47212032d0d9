//! Parent orders: prints of one aggressive order that was cut into several executions.

use crate::tape::Print;
use crate::time::MILLI;

/// Longest pause between two prints of one parent, in ns, inclusive, unless told otherwise.
pub const GAP: i64 = MILLI;

/// Consecutive prints of one side, each at most [`GAP`] after the one before it, by one broker where known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Time of the first print, ns.
    pub first: i64,
    /// Time of the last print, ns.
    pub last: i64,
    /// 1 buyer, −1 seller.
    pub side: i8,
    /// Broker of the aggressor, 0 unknown.
    pub broker: i32,
    /// Prints.
    pub prints: i64,
    /// Contracts.
    pub volume: i64,
    /// Price of the first print, ticks.
    pub first_px: i32,
    /// Price of the last print, ticks.
    pub last_px: i32,
    /// Runs of prints at one price: the distinct rows walked while it never stepped back.
    pub rows: u32,
    /// A print stepped against the parent's own direction: a buyer down, a seller up.
    pub stepped_back: bool,
}

impl Parent {
    fn begin(p: &Print) -> Self {
        Self {
            first: p.ts,
            last: p.ts,
            side: p.side,
            broker: p.broker,
            prints: 1,
            volume: i64::from(p.size),
            first_px: p.px,
            last_px: p.px,
            rows: 1,
            stepped_back: false,
        }
    }

    /// Whether a print goes on with this parent.
    fn takes(&self, p: &Print, gap: i64) -> bool {
        let broker = self.broker == p.broker || self.broker == 0 || p.broker == 0;
        p.side == self.side && broker && p.ts - self.last <= gap
    }

    fn add(&mut self, p: &Print) {
        let step = (i64::from(p.px) - i64::from(self.last_px)) * i64::from(self.side);
        self.rows += u32::from(step != 0);
        self.stepped_back |= step < 0;
        self.last = p.ts;
        self.last_px = p.px;
        self.prints += 1;
        self.volume += i64::from(p.size);
        if self.broker == 0 {
            self.broker = p.broker;
        }
    }
}

/// The parent that is being printed. Unsigned prints belong to none and end it.
#[derive(Debug, Clone, Copy)]
pub struct Parents {
    open: Option<Parent>,
    /// Until when a print may go on with it, inclusive; [`i64::MAX`] where none is open.
    until: i64,
    /// Longest pause between two prints of one parent, ns, inclusive.
    pub gap: i64,
}

impl Default for Parents {
    fn default() -> Self {
        Self { open: None, until: i64::MAX, gap: GAP }
    }
}

impl Parents {
    /// Takes a print; returns the parent that it ended.
    #[inline]
    pub fn push(&mut self, p: &Print) -> Option<Parent> {
        self.until = if p.side == 0 { i64::MAX } else { p.ts.saturating_add(self.gap) };
        if let Some(open) = &mut self.open
            && open.takes(p, self.gap)
        {
            open.add(p);
            return None;
        }
        let next = (p.side != 0).then(|| Parent::begin(p));
        std::mem::replace(&mut self.open, next)
    }

    /// Whether [`Parents::pass`] returns a parent at `now`.
    #[inline(always)]
    pub fn is_due(&self, now: i64) -> bool {
        now > self.until
    }

    /// Time has come to `now`: returns the parent that no later print can belong to any more.
    pub fn pass(&mut self, now: i64) -> Option<Parent> {
        if !self.is_due(now) {
            return None;
        }
        self.until = i64::MAX;
        self.open.take()
    }

    /// The parent that a print may still go on with.
    #[inline]
    pub const fn open(&self) -> Option<&Parent> {
        self.open.as_ref()
    }

    /// Starts a session; what is open is dropped.
    pub fn clear(&mut self) {
        (self.open, self.until) = (None, i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(ts: i64, px: i32, size: i32, side: i8, broker: i32) -> Print {
        Print { ts, px, size, broker, side }
    }

    #[test]
    fn a_parent_by_hand() {
        let mut p = Parents::default();
        assert_eq!(p.push(&print(0, 100, 5, 1, 3)), None);
        assert_eq!(p.push(&print(0, 100, 2, 1, 3)), None);
        assert_eq!(p.push(&print(GAP, 101, 1, 1, 0)), None); // unknown broker, just in time
        assert_eq!(p.push(&print(2 * GAP, 103, 4, 1, 3)), None);
        assert_eq!(p.pass(3 * GAP), None);
        let parent = p.pass(3 * GAP + 1).unwrap();
        assert_eq!((parent.prints, parent.volume, parent.rows, parent.stepped_back), (4, 12, 3, false));
        assert_eq!((parent.first, parent.last, parent.first_px, parent.last_px), (0, 2 * GAP, 100, 103));
        assert_eq!(p.pass(9 * GAP), None);
    }

    #[test]
    fn another_side_broker_or_an_unsigned_print_ends_it() {
        let mut p = Parents::default();
        p.push(&print(0, 100, 5, -1, 3));
        assert_eq!(p.push(&print(0, 101, 5, -1, 4)).unwrap().broker, 3);
        assert_eq!(p.push(&print(0, 101, 7, 0, 0)).unwrap().volume, 5);
        assert_eq!(p.open(), None);
        assert_eq!(p.push(&print(0, 101, 1, 1, 0)), None);
        assert_eq!(p.push(&print(0, 100, 1, 1, 0)), None);
        assert!(p.open().unwrap().stepped_back);
        assert_eq!(p.push(&print(0, 100, 1, -1, 0)).unwrap().prints, 2);
    }
}
