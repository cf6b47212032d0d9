//! Markouts: where the mid stood five seconds after each signed print.

use std::collections::VecDeque;

use crate::tape::Print;
use crate::time::{MINUTE, SECOND};
use crate::window::{Row, Sums, WindowId, Windows};

/// Age at which a print is marked against the mid, ns.
pub const AGE: i64 = 5 * SECOND;
/// How long a marked print counts, ns.
pub const SPAN: i64 = MINUTE;

/// A print that has not reached its age.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    due: i64,
    size: i64,
    side: i64,
    /// Twice its price, ticks.
    px2: i64,
    /// Twice the mid before it, ticks.
    mid2: i64,
}

/// Exact sums over marked prints, in ticks × contracts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MarkoutSums {
    /// Σ q·2·side·(p − mid 5 s later).
    pub realized: i128,
    /// Σ q·2·side·(mid 5 s later − mid before).
    pub impact: i128,
    /// Σ q.
    pub size: i64,
}

impl MarkoutSums {
    fn add(&mut self, w: &Waiting, later2: i64) {
        let weight = i128::from(w.size * w.side);
        self.realized += weight * i128::from(w.px2 - later2);
        self.impact += weight * i128::from(later2 - w.mid2);
        self.size += w.size;
    }

    fn join(&mut self, o: &Self) {
        self.realized += o.realized;
        self.impact += o.impact;
        self.size += o.size;
    }
}

impl Sums for MarkoutSums {
    fn minus(&self, o: &Self) -> Self {
        Self {
            realized: self.realized - o.realized,
            impact: self.impact - o.impact,
            size: self.size - o.size,
        }
    }
}

/// The prints that came of age at one time.
#[derive(Debug, Clone, Copy, Default)]
struct Marked {
    due: i64,
    sums: MarkoutSums,
}

impl Row for Marked {
    type Sums = MarkoutSums;
    type Small = [i32; 3];

    fn ts(&self) -> i64 {
        self.due
    }

    fn add_to(&self, s: &mut MarkoutSums) {
        s.join(&self.sums);
    }

    fn merge(&mut self, later: &Self) -> bool {
        self.sums.join(&later.sums);
        true
    }

    #[inline]
    fn small(&self) -> Option<[i32; 3]> {
        let MarkoutSums { realized, impact, size } = self.sums;
        Some([realized.try_into().ok()?, impact.try_into().ok()?, size.try_into().ok()?])
    }

    #[inline]
    fn whole(due: i64, [realized, impact, size]: [i32; 3]) -> Self {
        let (realized, impact, size) = (realized.into(), impact.into(), size.into());
        Self { due, sums: MarkoutSums { realized, impact, size } }
    }
}

/// Prints aged 5 s to 65 s, marked against the mid that was in force when they were 5 s old, events of that very time
/// included. A print that is unsigned, or without a mid before it or 5 s after it, is left out.
#[derive(Debug, Clone, Default)]
pub struct Markouts {
    window: Option<WindowId>,
    marked: Windows<Marked>,
    waiting: VecDeque<Waiting>,
    mid2: Option<i64>,
}

impl Markouts {
    /// Asks for them.
    pub fn enable(&mut self) {
        self.window = Some(self.marked.add(SPAN));
    }

    /// Whether somebody asked for them.
    #[inline(always)]
    pub fn enabled(&self) -> bool {
        self.window.is_some()
    }

    /// Takes a print, with twice the mid in force before it; those that have come of age are marked.
    pub fn on_print(&mut self, p: &Print, mid2: Option<i64>) {
        self.settle(p.ts); // keeps the queue bounded where the mid stands still
        if p.side == 0 {
            return;
        }
        let Some(mid2) = mid2 else { return };
        self.waiting.push_back(Waiting {
            due: p.ts + AGE,
            size: i64::from(p.size),
            side: i64::from(p.side),
            px2: 2 * i64::from(p.px),
            mid2,
        });
    }

    /// Takes twice the mid in force from `now` on.
    pub fn see(&mut self, now: i64, mid2: Option<i64>) {
        self.settle(now);
        self.mid2 = mid2;
    }

    /// Marks the prints that came of age before `now`: what happens at `now` is too late for them.
    fn settle(&mut self, now: i64) {
        while let Some(w) = self.waiting.front()
            && w.due < now
        {
            if let Some(later2) = self.mid2 {
                let mut sums = MarkoutSums::default();
                sums.add(w, later2);
                self.marked.push(Marked { due: w.due, sums });
            }
            self.waiting.pop_front();
        }
    }

    /// Ends the window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        self.settle(now);
        self.marked.advance(now);
    }

    /// Before this time [`Markouts::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.marked.next_exit().min(self.waiting.front().map_or(i64::MAX, |w| w.due))
    }

    /// Sums at `t`; for prints that come of age at `t` the mid in force now stands in.
    pub fn sums(&self, t: i64) -> MarkoutSums {
        let Some(id) = self.window else { return MarkoutSums::default() };
        let mut sums = self.marked.sums(id);
        if let Some(now2) = self.mid2 {
            for w in self.waiting.iter().take_while(|w| w.due <= t) {
                sums.add(w, now2);
            }
        }
        sums
    }

    /// Starts a session in which this mid is in force.
    pub fn start(&mut self, mid2: Option<i64>) {
        self.marked.clear();
        self.waiting.clear();
        self.mid2 = mid2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_with_the_mid_at_five_seconds() {
        let mut m = Markouts::default();
        m.enable();
        m.start(Some(200));
        let print = |ts, px, side| Print { ts, px, size: 3, side, ..Print::default() };
        m.on_print(&print(0, 101, 1), Some(200));
        m.on_print(&print(1, 99, 0), Some(200));
        m.on_print(&print(1, 99, -1), None);
        m.advance(AGE - 1);
        assert_eq!(m.sums(AGE - 1), MarkoutSums::default());
        m.advance(AGE);
        assert_eq!(m.sums(AGE), MarkoutSums { realized: 6, impact: 0, size: 3 });
        m.see(AGE, Some(203)); // at that very time: counts
        assert_eq!(m.sums(AGE), MarkoutSums { realized: -3, impact: 9, size: 3 });
        m.see(AGE + 1, Some(300)); // too late
        m.advance(AGE + SPAN - 1);
        assert_eq!(m.sums(AGE + SPAN - 1), MarkoutSums { realized: -3, impact: 9, size: 3 });
        m.advance(AGE + SPAN);
        assert_eq!(m.sums(AGE + SPAN), MarkoutSums::default());
        m.on_print(&print(AGE + SPAN, 99, -1), Some(300));
        m.see(AGE + SPAN + 1, None);
        m.advance(2 * AGE + SPAN + 1); // no mid then
        assert_eq!(m.sums(2 * AGE + SPAN + 1), MarkoutSums::default());
    }
}
