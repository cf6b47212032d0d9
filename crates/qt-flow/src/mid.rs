//! The mid in force over the session, and its changes.

use crate::window::{Row, Sums, WindowId, Windows};

/// No mid: the touch is not good or a side is missing.
const NO_MID: i64 = i64::MIN;

/// The mid from one time on, with the changes that led to it.
#[derive(Debug, Clone, Copy, Default)]
struct MidRow {
    ts: i64,
    mid2: i64,
    sums: MidSums,
}

/// Counts of mid changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MidSums {
    /// Changes from one mid to another.
    pub changes: i64,
    /// Of these, changes that have one before them in the session.
    pub followed: i64,
    /// Of these, changes in the opposite direction to the one before.
    pub reversals: i64,
}

impl Sums for MidSums {
    fn minus(&self, o: &Self) -> Self {
        Self {
            changes: self.changes - o.changes,
            followed: self.followed - o.followed,
            reversals: self.reversals - o.reversals,
        }
    }
}

impl Row for MidRow {
    type Sums = MidSums;
    type Small = (i32, [u8; 3]);

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut MidSums) {
        s.changes += self.sums.changes;
        s.followed += self.sums.followed;
        s.reversals += self.sums.reversals;
    }

    fn merge(&mut self, later: &Self) -> bool {
        later.add_to(&mut self.sums);
        self.mid2 = later.mid2;
        true
    }

    #[inline]
    fn small(&self) -> Option<(i32, [u8; 3])> {
        let MidSums { changes, followed, reversals } = self.sums;
        let counts = [changes.try_into().ok()?, followed.try_into().ok()?, reversals.try_into().ok()?];
        Some((self.mid2.try_into().ok()?, counts))
    }

    #[inline]
    fn whole(ts: i64, (mid2, counts): (i32, [u8; 3])) -> Self {
        let [changes, followed, reversals] = counts.map(i64::from);
        Self { ts, mid2: mid2.into(), sums: MidSums { changes, followed, reversals } }
    }
}

/// The mid since the session start. Twice the mid in ticks is an integer, and is what is kept.
#[derive(Debug, Clone)]
pub struct Mids {
    rows: Windows<MidRow>,
    enabled: bool,
    mid2: i64,
    run: i64,
}

impl Default for Mids {
    fn default() -> Self {
        Self { rows: Windows::default(), enabled: false, mid2: NO_MID, run: 0 }
    }
}

impl Mids {
    /// Asks for the run of changes.
    pub fn enable(&mut self) {
        self.enabled = true;
    }

    /// Asks for the changes in `(t − ns, t]`, and for the mid at `t − ns`.
    pub fn window(&mut self, ns: i64) -> WindowId {
        self.enabled = true;
        self.rows.add(ns)
    }

    /// Whether somebody asked for anything.
    #[inline(always)]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Takes twice the mid in force from `now` on, `None` where there is none.
    pub fn see(&mut self, now: i64, mid2: Option<i64>) {
        let next = mid2.unwrap_or(NO_MID);
        if next == self.mid2 {
            return;
        }
        let mut sums = MidSums::default();
        if next != NO_MID && self.mid2 != NO_MID {
            let direction = if next > self.mid2 { 1 } else { -1 };
            let goes_on = self.run * direction > 0;
            sums.changes = 1;
            sums.followed = i64::from(self.run != 0);
            sums.reversals = i64::from(self.run != 0 && !goes_on);
            self.run = if goes_on { self.run + direction } else { direction };
        }
        self.rows.push(MidRow { ts: now, mid2: next, sums });
        self.mid2 = next;
    }

    /// Ends every window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        self.rows.advance(now);
    }

    /// Before this time [`Mids::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.rows.next_exit()
    }

    /// Counts over a window.
    #[inline]
    pub fn sums(&self, id: WindowId) -> MidSums {
        self.rows.sums(id)
    }

    /// Twice the mid that was in force where the window begins, at t − W, events of that time included; `None` where
    /// there was none, or the session had not begun.
    #[inline]
    pub fn before(&self, id: WindowId) -> Option<i64> {
        self.rows.last_left(id).map(|r| r.mid2).filter(|m| *m != NO_MID)
    }

    /// The last changes of the session in one direction, counted with its sign; 0 before the first.
    #[inline]
    pub const fn run(&self) -> i64 {
        self.run
    }

    /// Starts a session in which this mid is in force.
    pub fn start(&mut self, now: i64, mid2: Option<i64>) {
        self.rows.clear();
        (self.mid2, self.run) = (NO_MID, 0);
        if self.enabled {
            self.see(now, mid2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mid_then_and_its_changes_since() {
        let mut m = Mids::default();
        let w = m.window(10);
        m.start(0, Some(100));
        m.see(3, Some(102));
        m.see(3, Some(103)); // two changes up at one time
        m.see(5, None);
        m.see(6, Some(90)); // no change: there was no mid before
        m.see(8, Some(89));
        m.advance(8);
        assert_eq!(m.sums(w), MidSums { changes: 3, followed: 2, reversals: 1 });
        assert_eq!((m.before(w), m.run()), (None, -1));
        for (t, then) in [(10, Some(100)), (12, Some(100)), (13, Some(103)), (15, None), (16, Some(90))] {
            m.advance(t);
            assert_eq!(m.before(w), then, "at {t}");
        }
        assert_eq!(m.sums(w).changes, 1);
        m.start(20, None);
        m.advance(40);
        assert_eq!((m.before(w), m.run(), m.sums(w)), (None, 0, MidSums::default()));
    }
}
