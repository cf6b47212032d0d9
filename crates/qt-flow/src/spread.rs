//! How long which spread was in force.

use crate::window::{Row, Sums, WindowId, Windows};

/// One spread that was in force until `end`.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    end: i64,
    length: i64,
    spread: i64,
}

/// Exact sums of time in ns; only time while the touch is good and has both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpreadSums {
    /// Time.
    pub time: i64,
    /// Time while the spread was one tick.
    pub tight: i64,
    /// Σ spread × time, in ticks.
    pub first: i128,
    /// Σ spread² × time.
    pub second: i128,
}

impl SpreadSums {
    #[inline(always)]
    fn add(&mut self, spread: i64, length: i64) {
        let product = i128::from(spread) * i128::from(length);
        self.time += length;
        self.tight += length * i64::from(spread == 1);
        self.first += product;
        self.second += product * i128::from(spread);
    }
}

impl Sums for SpreadSums {
    #[inline(always)]
    fn minus(&self, o: &Self) -> Self {
        Self {
            time: self.time - o.time,
            tight: self.tight - o.tight,
            first: self.first - o.first,
            second: self.second - o.second,
        }
    }
}

impl Row for Stretch {
    type Sums = SpreadSums;
    type Small = (u32, i32);

    fn ts(&self) -> i64 {
        self.end
    }

    fn add_to(&self, s: &mut SpreadSums) {
        s.add(self.spread, self.length);
    }

    #[inline]
    fn small(&self) -> Option<(u32, i32)> {
        Some((self.length.try_into().ok()?, self.spread.try_into().ok()?))
    }

    #[inline]
    fn whole(end: i64, (length, spread): (u32, i32)) -> Self {
        Self { end, length: length.into(), spread: spread.into() }
    }
}

/// A window over the time that spreads were in force.
#[derive(Debug, Clone, Copy)]
pub struct SpreadWindow {
    id: WindowId,
    length: i64,
}

/// Spreads by the time they were in force, since the session start.
#[derive(Debug, Clone, Default)]
pub struct Spreads {
    past: Windows<Stretch>,
    since: i64,
    spread: Option<i64>,
}

impl Spreads {
    /// Asks for the window `(t − ns, t]`.
    pub fn window(&mut self, ns: i64) -> SpreadWindow {
        SpreadWindow { id: self.past.add(ns), length: ns }
    }

    /// Whether somebody asked for a window.
    #[inline(always)]
    pub fn enabled(&self) -> bool {
        !self.past.is_idle()
    }

    /// Takes the spread in force from `now` on, in ticks; `None` where there is none.
    pub fn see(&mut self, now: i64, spread: Option<i64>) {
        if spread == self.spread {
            return;
        }
        if let Some(spread) = self.spread
            && now > self.since
        {
            self.past.push(Stretch { end: now, length: now - self.since, spread });
        }
        (self.since, self.spread) = (now, spread);
    }

    /// Ends every window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        self.past.advance(now);
    }

    /// Before this time [`Spreads::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.past.next_exit()
    }

    /// Sums over the window that ends at `t`: the oldest spread is cut where the window begins, the one in force now
    /// lasts until `t`.
    #[inline(always)]
    pub fn sums(&self, window: SpreadWindow, t: i64) -> SpreadSums {
        let begin = t.saturating_sub(window.length);
        let mut sums = self.past.sums(window.id);
        if let Some(oldest) = self.past.oldest(window.id) {
            let outside = begin - (oldest.end - oldest.length);
            if outside > 0 {
                let mut cut = SpreadSums::default();
                cut.add(oldest.spread, outside);
                sums = sums.minus(&cut);
            }
        }
        if let Some(spread) = self.spread {
            sums.add(spread, t - self.since.max(begin));
        }
        sums
    }

    /// Starts a session in which this spread is in force.
    pub fn start(&mut self, now: i64, spread: Option<i64>) {
        self.past.clear();
        (self.since, self.spread) = (now, spread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_cut_and_the_last_goes_on() {
        let mut s = Spreads::default();
        let w = s.window(10);
        s.start(0, Some(3));
        s.see(4, Some(1));
        s.see(6, None);
        s.see(7, Some(2));
        s.advance(9);
        let sums = s.sums(w, 9);
        assert_eq!(sums, SpreadSums { time: 8, tight: 2, first: 12 + 2 + 4, second: 36 + 2 + 8 });
        s.advance(12); // (2, 12]: 2 of 3 ticks, 2 of 1, 5 of 2
        assert_eq!(s.sums(w, 12), SpreadSums { time: 9, tight: 2, first: 6 + 2 + 10, second: 18 + 2 + 20 });
        s.advance(14);
        assert_eq!(s.sums(w, 14), SpreadSums { time: 9, tight: 2, first: 2 + 14, second: 2 + 28 });
        s.advance(100);
        assert_eq!(s.sums(w, 100), SpreadSums { time: 10, tight: 0, first: 20, second: 40 });
        s.start(200, None);
        assert_eq!(s.sums(w, 300), SpreadSums::default());
    }
}
