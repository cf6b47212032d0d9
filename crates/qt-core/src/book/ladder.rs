//! One side of a book: levels by key, where the greater key is the better price.
//!
//! The best part lies in a dense window of slots, one per tick, with a bit per occupied slot and one word that
//! sums the bits up: setting a level and finding the best one take a few instructions without a branch. What is
//! worse than the window lies in a tree. The window follows the price; where it stands never shows.

use std::collections::BTreeMap;

/// Slots of the window: 64 words of 64 bits, so that one word sums them up.
const SLOTS: usize = 64 * 64;
/// Slot at which the best level lies after a move: a quarter of the window is left for better prices.
const ANCHOR: i64 = SLOTS as i64 * 3 / 4;

/// What a ladder holds per price.
pub(super) trait Level: Copy + Default {
    /// Displayed contracts; a level without any is no level.
    fn size(&self) -> i64;
}

impl Level for i32 {
    #[inline(always)]
    fn size(&self) -> i64 {
        i64::from(*self)
    }
}

/// Levels of one side.
#[derive(Debug, Clone)]
pub(super) struct Ladder<L> {
    /// Key of slot 0.
    base: i32,
    slots: Box<[L; SLOTS]>,
    words: [u64; 64],
    /// Bit w is set when `words[w]` is not 0.
    summary: u64,
    len: usize,
    /// Levels with keys below `base`; empty when the window is.
    far: BTreeMap<i32, L>,
}

impl<L: Level> Ladder<L> {
    pub(super) fn new() -> Self {
        // Made on the heap: the array is too large to pass over the stack in a debug build.
        let slots = vec![L::default(); SLOTS].into_boxed_slice();
        let slots = slots.try_into().unwrap_or_else(|_| unreachable!("the vector has SLOTS elements"));
        Self { base: 0, slots, words: [0; 64], summary: 0, len: 0, far: BTreeMap::new() }
    }

    /// Number of levels.
    #[inline(always)]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Changes the level at `key` (an empty one where there is none); without contracts it is gone afterwards.
    #[inline(always)]
    pub(super) fn update<R>(&mut self, key: i32, change: impl FnOnce(&mut L) -> R) -> R {
        let slot = self.slot(key);
        if slot >= SLOTS {
            return self.update_outside(key, change);
        }
        let level = &mut self.slots[slot];
        let was = level.size() != 0;
        let result = change(level);
        let is = level.size() != 0;
        if was != is {
            self.len = self.len + usize::from(is) - usize::from(was);
            self.mark(slot, is);
            if self.summary == 0 {
                self.refill();
            }
        }
        result
    }

    /// The level at `key`.
    #[inline]
    pub(super) fn get(&self, key: i32) -> L {
        match self.slot(key) {
            slot if slot < SLOTS => self.slots[slot],
            _ => self.far.get(&key).copied().unwrap_or_default(),
        }
    }

    /// The best level.
    #[inline(always)]
    pub(super) fn best(&self) -> Option<(i32, &L)> {
        self.best_slot().map(|slot| (self.key(slot), &self.slots[slot]))
    }

    /// Levels from the best one on.
    pub(super) fn iter(&self) -> Descending<'_, L> {
        Descending { ladder: self, words: self.summary, word: 0, bits: 0, far: self.far.iter() }
    }

    /// Shows the best `n` levels to `see`, best first, as (rank, key, level).
    #[inline(always)]
    pub(super) fn for_best(&self, n: usize, mut see: impl FnMut(usize, i32, &L)) {
        let mut rank = 0;
        let mut words = self.summary;
        while words != 0 {
            let word = 63 - words.leading_zeros() as usize;
            words &= !(1 << word);
            let mut bits = self.words[word];
            while bits != 0 {
                if rank == n {
                    return;
                }
                let bit = 63 - bits.leading_zeros() as usize;
                bits &= !(1 << bit);
                let slot = word * 64 + bit;
                see(rank, self.key(slot), &self.slots[slot]);
                rank += 1;
            }
        }
        if rank < n {
            for (key, level) in self.far.iter().rev().take(n - rank) {
                see(rank, *key, level);
                rank += 1;
            }
        }
    }

    /// Key of the worst level.
    pub(super) fn worst(&self) -> Option<i32> {
        self.far.keys().next().copied().or_else(|| {
            let word = (self.summary != 0).then(|| self.summary.trailing_zeros() as usize)?;
            Some(self.key(word * 64 + self.words[word].trailing_zeros() as usize))
        })
    }

    /// Forgets every level.
    pub(super) fn clear(&mut self) {
        self.drain(|_, _| {});
        self.far.clear();
        self.len = 0;
    }

    /// Slot of a key; [`SLOTS`] or more outside the window. `base` is never so high that the difference wraps
    /// into the window.
    #[inline(always)]
    const fn slot(&self, key: i32) -> usize {
        key.wrapping_sub(self.base) as u32 as usize
    }

    #[inline(always)]
    const fn key(&self, slot: usize) -> i32 {
        self.base + slot as i32
    }

    #[inline(always)]
    fn mark(&mut self, slot: usize, occupied: bool) {
        let (w, bit) = (slot / 64, slot % 64);
        let word = (self.words[w] & !(1 << bit)) | (u64::from(occupied) << bit);
        self.words[w] = word;
        self.summary = (self.summary & !(1 << w)) | (u64::from(word != 0) << w);
    }

    #[inline(always)]
    const fn best_slot(&self) -> Option<usize> {
        if self.summary == 0 {
            return None;
        }
        let word = 63 - self.summary.leading_zeros() as usize;
        Some(word * 64 + 63 - self.words[word].leading_zeros() as usize)
    }

    #[cold]
    #[inline(never)]
    fn update_outside<R>(&mut self, key: i32, change: impl FnOnce(&mut L) -> R) -> R {
        let old = self.far.remove(&key);
        let mut level = old.unwrap_or_default();
        let result = change(&mut level);
        let is = level.size() != 0;
        self.len = self.len + usize::from(is) - usize::from(old.is_some());
        if is {
            self.far.insert(key, level);
            match self.best_slot() {
                Some(_) if key > self.base => self.move_to(key),
                None => self.move_to(key),
                // The price has gone half a window down: follow it, so that near levels are dense again.
                Some(slot) if slot < SLOTS / 2 => self.move_to(self.key(slot)),
                Some(_) => {}
            }
        }
        result
    }

    #[cold]
    fn refill(&mut self) {
        if let Some((&best, _)) = self.far.last_key_value() {
            self.move_to(best);
        }
    }

    /// Moves the window so that `best`, the greatest key there is, lies at the anchor.
    fn move_to(&mut self, best: i32) {
        let mut kept = Vec::new();
        self.drain(|key, level| kept.push((key, level)));
        let lowest = i64::from(i32::MIN);
        let highest = i64::from(i32::MAX) - (SLOTS as i64 - 1);
        self.base = (i64::from(best) - ANCHOR).clamp(lowest, highest) as i32;
        let near = self.far.split_off(&self.base);
        for (key, level) in kept.into_iter().chain(near) {
            let slot = self.slot(key);
            if slot < SLOTS {
                self.slots[slot] = level;
                self.mark(slot, true);
            } else {
                self.far.insert(key, level);
            }
        }
    }

    /// Empties the window, best level first.
    fn drain(&mut self, mut taken: impl FnMut(i32, L)) {
        while let Some(slot) = self.best_slot() {
            taken(self.key(slot), std::mem::take(&mut self.slots[slot]));
            self.mark(slot, false);
        }
    }
}

/// Levels of a ladder, best first.
pub(super) struct Descending<'a, L> {
    ladder: &'a Ladder<L>,
    /// Words still to visit, as bits of the summary.
    words: u64,
    word: usize,
    /// Slots still to visit in `word`.
    bits: u64,
    far: std::collections::btree_map::Iter<'a, i32, L>,
}

impl<'a, L: Level> Iterator for Descending<'a, L> {
    type Item = (i32, &'a L);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.bits == 0 {
            if self.words == 0 {
                return self.far.next_back().map(|(&key, level)| (key, level));
            }
            self.word = 63 - self.words.leading_zeros() as usize;
            self.words &= !(1 << self.word);
            self.bits = self.ladder.words[self.word];
        }
        let bit = 63 - self.bits.leading_zeros() as usize;
        self.bits &= !(1 << bit);
        let slot = self.word * 64 + bit;
        Some((self.ladder.key(slot), &self.ladder.slots[slot]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ladder: &Ladder<i32>) -> Vec<(i32, i32)> {
        ladder.iter().map(|(k, l)| (k, *l)).collect()
    }

    #[test]
    fn follows_the_price_in_both_directions() {
        let mut ladder = Ladder::<i32>::new();
        let far = SLOTS as i32 * 10;
        for key in [0, far, -far, far + 1] {
            ladder.update(key, |l| *l = key + 100_000);
        }
        assert_eq!(keys(&ladder).iter().map(|p| p.0).collect::<Vec<_>>(), [far + 1, far, 0, -far]);
        ladder.update(far + 1, |l| *l = 0);
        ladder.update(far, |l| *l = 0);
        assert_eq!(ladder.best(), Some((0, &100_000)));
        assert_eq!(ladder.worst(), Some(-far));
        assert_eq!(ladder.len(), 2);
    }

    #[test]
    fn holds_the_extreme_prices() {
        let mut ladder = Ladder::<i32>::new();
        let extremes = [i32::MIN + 1, i32::MAX, 0, -i32::MAX + 1, i32::MAX - 1];
        for (n, &key) in extremes.iter().enumerate() {
            ladder.update(key, |l| *l = n as i32 + 1);
        }
        let mut sorted = extremes;
        sorted.sort_unstable_by_key(|&k| std::cmp::Reverse(k));
        assert_eq!(keys(&ladder).iter().map(|p| p.0).collect::<Vec<_>>(), sorted);
        for key in sorted {
            assert_eq!(ladder.best().map(|p| p.0), Some(key));
            ladder.update(key, |l| *l = 0);
        }
        assert!(ladder.best().is_none() && ladder.len() == 0 && ladder.far.is_empty());
    }

    #[test]
    fn a_removal_far_away_does_not_move_the_window() {
        let mut ladder = Ladder::<i32>::new();
        ladder.update(100_000, |l| *l = 1);
        let base = ladder.base;
        ladder.update(900_000, |l| *l = 0);
        assert_eq!((ladder.base, ladder.len()), (base, 1));
    }

    #[test]
    fn a_falling_price_pulls_the_window_along() {
        let mut ladder = Ladder::<i32>::new();
        for step in 0..20_000 {
            ladder.update(100_000 - step, |l| *l = 1);
            ladder.update(100_000 - step + 10, |l| *l = 0);
        }
        assert_eq!(ladder.len(), 10);
        assert!(ladder.far.is_empty(), "near levels stay dense");
    }

    #[test]
    fn the_best_levels_are_shown_wherever_they_lie() {
        let mut ladder = Ladder::<i32>::new();
        for (n, key) in [5000, 4999, 4900, 4800, 100, -9000, -90_000].into_iter().enumerate() {
            ladder.update(key, |l| *l = 1 << n);
        }
        for n in 0..9 {
            let mut seen = Vec::new();
            ladder.for_best(n, |rank, key, level| seen.push((rank, key, *level)));
            let expected: Vec<_> = ladder.iter().take(n).enumerate().map(|(r, (k, l))| (r, k, *l)).collect();
            assert_eq!(seen, expected, "{n} levels");
        }
    }
}
