//! The best levels of a book: read anew, or changed in place.

use qt_core::book::Book;
use qt_core::event::side;

use crate::touch::{NO_ASK, NO_BID, Touch};

/// Reads the stale sides, as bits: 1 asks, 2 bids.
#[inline(always)]
pub fn read(book: &impl Book, stale: u8, out: &mut [Touch]) {
    let depth = out.len();
    if stale & 2 != 0 {
        let mut found = 0;
        book.for_best(side::BUY, depth, |rank, l| {
            (out[rank].bid_px, out[rank].bid_sz) = (l.px, l.size);
            found = rank + 1;
        });
        for slot in &mut out[found..] {
            (slot.bid_px, slot.bid_sz) = (NO_BID, 0);
        }
    }
    if stale & 1 != 0 {
        let mut found = 0;
        book.for_best(side::SELL, depth, |rank, l| {
            (out[rank].ask_px, out[rank].ask_sz) = (l.px, l.size);
            found = rank + 1;
        });
        for slot in &mut out[found..] {
            (slot.ask_px, slot.ask_sz) = (NO_ASK, 0);
        }
    }
}

/// What a record, or a packet, has done to the levels that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edit {
    /// Nothing: also where the row lies behind the last level.
    #[default]
    Nothing,
    /// One level of a side (0 bid, 1 ask) has `by` contracts more, or less when negative; never 0.
    Size {
        /// 0 bid, 1 ask.
        side: usize,
        /// 0 for the best level.
        rank: usize,
        /// Contracts.
        by: i64,
    },
    /// Anything else.
    More,
}

impl Edit {
    /// Whether it is known that the rows of all `changes` are among the best `n` levels, or that none is.
    #[inline]
    pub fn among(self, n: usize, changes: usize) -> Option<bool> {
        match self {
            Self::Nothing => Some(false),
            Self::Size { rank, .. } if changes == 1 => Some(rank < n),
            _ => None,
        }
    }
}

/// Gives one row of current levels another size above 0.
#[inline]
pub fn set(levels: &mut [Touch], side: i8, px: i32, size: i64) -> Edit {
    if side > 0 {
        let Some(rank) = levels.iter().position(|l| l.bid_px <= px) else { return Edit::Nothing };
        if levels[rank].bid_px == px {
            return resize(&mut levels[rank].bid_sz, size, 0, rank);
        }
        for m in (rank + 1..levels.len()).rev() {
            (levels[m].bid_px, levels[m].bid_sz) = (levels[m - 1].bid_px, levels[m - 1].bid_sz);
        }
        (levels[rank].bid_px, levels[rank].bid_sz) = (px, size);
    } else {
        let Some(rank) = levels.iter().position(|l| l.ask_px >= px) else { return Edit::Nothing };
        if levels[rank].ask_px == px {
            return resize(&mut levels[rank].ask_sz, size, 1, rank);
        }
        for m in (rank + 1..levels.len()).rev() {
            (levels[m].ask_px, levels[m].ask_sz) = (levels[m - 1].ask_px, levels[m - 1].ask_sz);
        }
        (levels[rank].ask_px, levels[rank].ask_sz) = (px, size);
    }
    Edit::More
}

#[inline(always)]
fn resize(known: &mut i64, size: i64, side: usize, rank: usize) -> Edit {
    let by = size - std::mem::replace(known, size);
    if by == 0 { Edit::Nothing } else { Edit::Size { side, rank, by } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use qt_core::Event;
    use qt_core::book::L2Book;
    use qt_core::event::{Level, action};

    proptest! {
        #[test]
        fn in_place_equals_reading_anew(
            steps in prop::collection::vec((any::<bool>(), 0i32..16, 1i32..9), 1..200), depth in 1usize..11,
        ) {
            let (mut book, mut levels) = (L2Book::new(), vec![Touch::default(); depth]);
            for (bid, px, size) in steps {
                // Bids from 84 to 99, asks from 100 to 115: never crossed.
                let (side, px) = if bid { (side::BUY, 99 - px) } else { (side::SELL, 100 + px) };
                book.apply(&Event::from(Level { px, size, side, action: action::EDIT, ..Level::default() }));
                let before = levels.clone();
                let changed = set(&mut levels, side, px, i64::from(size));
                let mut anew = vec![Touch::default(); depth];
                read(&book, 3, &mut anew);
                prop_assert_eq!(&levels, &anew);
                prop_assert_eq!(changed != Edit::Nothing, levels != before);
                if let Edit::Size { side, rank, by } = changed {
                    let mut edited = before;
                    let level = &mut edited[rank];
                    *(if side == 0 { &mut level.bid_sz } else { &mut level.ask_sz }) += by;
                    prop_assert_eq!(&levels, &edited);
                }
            }
        }
    }
}
