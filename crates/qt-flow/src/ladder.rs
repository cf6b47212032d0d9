//! Sums over the best ten levels, made once per change of them.

use crate::mlofi::{DEPTH, LEVELS, Levels};

/// Contracts displayed on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideDepth {
    /// Levels 1–5.
    pub five: i64,
    /// Levels 1–10.
    pub ten: i64,
    /// Levels 1–10, level m counted 2^(10−m) times: the weights 0.5^(m−1) in 512ths.
    pub weighted: i64,
}

impl SideDepth {
    /// Sums over the sizes of ten levels, best first.
    pub fn of(sizes: impl Iterator<Item = i64>) -> Self {
        let mut s = Self::default();
        for (m, size) in sizes.enumerate() {
            if m == LEVELS {
                s.five = s.ten;
            }
            s.ten += size;
            s.weighted += size << (DEPTH - 1 - m);
        }
        s
    }
}

/// The sums as of the last [`Flow::prepare`](crate::Flow::prepare).
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    enabled: bool,
    /// Versions of the sides of the levels that the sums were made of.
    versions: [u64; 2],
    sides: [SideDepth; 2],
}

impl Ladder {
    /// Asks for them; the levels must be asked for too.
    pub fn enable(&mut self) {
        self.enabled = true;
    }

    /// Whether the sums are wanted and those of other versions are held.
    #[inline(always)]
    pub fn is_behind(&self, versions: [u64; 2]) -> bool {
        self.enabled && self.versions != versions
    }

    /// One level of a side (0 bid, 1 ask) has `by` contracts more: the sums follow if they were current.
    #[inline]
    pub fn resize(&mut self, side: usize, rank: usize, by: i64, was: u64, is: u64) {
        if !self.enabled || self.versions[side] != was {
            return;
        }
        self.versions[side] = is;
        let sums = &mut self.sides[side];
        sums.five += if rank < LEVELS { by } else { 0 };
        sums.ten += by;
        sums.weighted += by << (DEPTH - 1 - rank);
    }

    /// Takes the levels.
    pub fn take(&mut self, versions: [u64; 2], levels: &Levels) {
        let was = std::mem::replace(&mut self.versions, versions);
        if was[0] != versions[0] {
            self.sides[0] = SideDepth::of(levels.iter().map(|l| l.bid_sz));
        }
        if was[1] != versions[1] {
            self.sides[1] = SideDepth::of(levels.iter().map(|l| l.ask_sz));
        }
    }

    /// The sums of the bid and of the ask.
    #[inline]
    pub fn sides(&self) -> &[SideDepth; 2] {
        &self.sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_hand() {
        let mut levels = Levels::default();
        for (m, l) in levels.iter_mut().enumerate() {
            (l.bid_px, l.bid_sz) = (100 - m as i32, 1);
            if m < 6 {
                (l.ask_px, l.ask_sz) = (101 + m as i32, 10 + m as i64);
            }
        }
        let mut ladder = Ladder::default();
        assert!(!ladder.is_behind([1, 1]), "nobody asked");
        ladder.enable();
        ladder.take([1, 0], &levels);
        let [bid, ask] = *ladder.sides();
        assert_eq!((bid.five, bid.ten, bid.weighted), (5, 10, 1023));
        assert_eq!(ask, SideDepth::default(), "that side has not changed");
        assert!(ladder.is_behind([1, 1]));
        ladder.take([1, 1], &levels);
        let ask = ladder.sides()[1];
        assert_eq!((ask.five, ask.ten), (10 + 11 + 12 + 13 + 14, 75));
        assert_eq!(ask.weighted, 512 * 10 + 256 * 11 + 128 * 12 + 64 * 13 + 32 * 14 + 16 * 15);
        levels[5].ask_sz -= 4;
        ladder.resize(1, 5, -4, 1, 2);
        levels[0].bid_sz += 9;
        ladder.resize(0, 0, 9, 2, 3); // of other levels than those it holds
        let was = ladder.sides()[1];
        ladder.take([3, 2], &levels);
        assert_eq!(ladder.sides(), &[SideDepth::of(levels.iter().map(|l| l.bid_sz)), was]);
        assert_eq!(was, SideDepth::of(levels.iter().map(|l| l.ask_sz)));
    }
}
