//! Volume by broker.
//!
//! Broker ids are small on B3 but may be any number: an open-addressing table with linear probing holds the brokers
//! whose volume is not 0, and doubles when it is half full. A broker whose volume returns to 0 leaves it, so its size
//! is that of the greatest number of brokers at one time.

use crate::moments::float;

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// 0 for a free slot: no known broker has that id.
    broker: i32,
    volume: i64,
}

/// Contracts of each known broker, and their concentration.
#[derive(Debug, Clone, Default)]
pub struct Brokers {
    /// A power of two of slots, or none before the first broker.
    slots: Box<[Slot]>,
    used: usize,
    volume: i64,
    squares: i128,
}

/// Slots of the first table.
const INITIAL_SLOTS: usize = 128;

impl Brokers {
    /// Adds contracts of a broker, or takes them out when negative; 0 is no broker.
    #[inline]
    pub fn add(&mut self, broker: i32, contracts: i64) {
        if broker == 0 {
            return;
        }
        if 2 * self.used >= self.slots.len() {
            self.make_room();
        }
        let mask = self.slots.len() - 1;
        let mut k = self.home(broker);
        while self.slots[k].broker != broker && self.slots[k].broker != 0 {
            k = (k + 1) & mask;
        }
        let slot = &mut self.slots[k];
        self.used += usize::from(slot.broker == 0);
        let before = slot.volume;
        *slot = Slot { broker, volume: before + contracts };
        self.volume += contracts;
        self.squares += i128::from(contracts) * i128::from(2 * before + contracts);
        if before + contracts == 0 {
            self.remove(k);
        }
    }

    #[inline]
    fn home(&self, broker: i32) -> usize {
        // The upper bits of the product depend on every bit of the id.
        (broker.cast_unsigned().wrapping_mul(0x9E37_79B1) >> (32 - self.slots.len().trailing_zeros()))
            as usize
    }

    /// Frees a slot and moves later ones up that would not be found behind the hole.
    fn remove(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        let mut k = hole;
        loop {
            k = (k + 1) & mask;
            let slot = self.slots[k];
            if slot.broker == 0 {
                break;
            }
            let from_home = k.wrapping_sub(self.home(slot.broker)) & mask;
            if from_home >= k.wrapping_sub(hole) & mask {
                self.slots[hole] = slot;
                hole = k;
            }
        }
        self.slots[hole] = Slot::default();
        self.used -= 1;
    }

    #[cold]
    fn make_room(&mut self) {
        let size = (2 * self.slots.len()).max(INITIAL_SLOTS);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size].into_boxed_slice());
        for slot in old.iter().filter(|s| s.broker != 0) {
            let mut k = self.home(slot.broker);
            while self.slots[k].broker != 0 {
                k = (k + 1) & (size - 1);
            }
            self.slots[k] = *slot;
        }
    }

    /// Contracts of all known brokers.
    #[inline]
    pub fn volume(&self) -> i64 {
        self.volume
    }

    /// Σ (share of a broker)²; NaN without volume of a known broker.
    pub fn concentration(&self) -> f64 {
        let volume = i128::from(self.volume);
        if volume == 0 { f64::NAN } else { float(self.squares) / float(volume * volume) }
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.slots.fill(Slot::default());
        (self.used, self.volume, self.squares) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn shares_by_hand() {
        let mut b = Brokers::default();
        assert!(b.concentration().is_nan());
        for (broker, contracts) in [(3, 6), (0, 100), (-8, 3), (i32::MAX, 1)] {
            b.add(broker, contracts);
        }
        assert_eq!((b.volume(), b.concentration()), (10, 0.46)); // (36 + 9 + 1) / 100
        b.add(-8, -3);
        b.add(i32::MAX, -1);
        assert_eq!((b.used, b.concentration()), (1, 1.0));
        b.add(3, -6);
        assert!(b.concentration().is_nan());
    }

    fn id() -> impl Strategy<Value = i32> {
        // Few ids, many ids, and multiples whose low bits are equal.
        prop_oneof![-3i32..4, any::<i32>(), (0i32..200).prop_map(|k| k << 20)]
    }

    proptest! {
        #[test]
        fn equals_a_map(trades in prop::collection::vec((id(), 1i64..1000), 1..800), keep in 1usize..400) {
            let mut b = Brokers::default();
            let mut map: BTreeMap<i32, i64> = BTreeMap::new();
            for (k, &(broker, contracts)) in trades.iter().enumerate() {
                b.add(broker, contracts);
                *map.entry(broker).or_default() += contracts;
                if k >= keep {
                    let (broker, contracts) = trades[k - keep];
                    b.add(broker, -contracts);
                    *map.entry(broker).or_default() -= contracts;
                }
                map.retain(|broker, contracts| *broker != 0 && *contracts != 0);
                prop_assert_eq!(b.used, map.len());
                prop_assert_eq!(b.volume, map.values().sum::<i64>());
                prop_assert_eq!(b.squares, map.values().map(|v| i128::from(v * v)).sum::<i128>());
            }
        }
    }
}
