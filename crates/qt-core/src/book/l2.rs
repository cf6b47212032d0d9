//! The book by price level.

use super::ladder::{Ladder, Level as _};
use super::{Book, Clear, Feed, Levels, PriceLevel, Touch, fold, index, touch_of};
use crate::event::{Event, Kind, PX_NONE, action, flag};

/// Levels per side that a book keeps unless told otherwise.
pub const MAX_LEVELS: usize = 1 << 16;

/// Sizes by price level, made from `Level` records with absolute sizes; see the [rules](super).
///
/// ```
/// use qt_core::book::{Book, L2Book};
/// use qt_core::event::{Event, Level, action, side};
///
/// let mut book = L2Book::new();
/// for (side, px, size) in [(side::BUY, 10_800, 12), (side::SELL, 10_801, 5), (side::BUY, 10_799, 40)] {
///     book.update(&Event::from(Level { px, size, side, action: action::ADD, ..Level::default() }));
/// }
/// let touch = book.touch();
/// assert_eq!((touch.bid_px, touch.bid_sz, touch.ask_px, touch.ask_sz), (10_800, 12, 10_801, 5));
/// assert_eq!(book.levels(side::BUY).map(|l| l.size).sum::<i64>(), 52);
/// ```
#[derive(Debug, Clone)]
pub struct L2Book {
    /// Asks, bids.
    sides: [Ladder<i32>; 2],
    max_levels: usize,
    feed: Feed,
}

impl Default for L2Book {
    fn default() -> Self {
        Self::new()
    }
}

impl L2Book {
    /// An empty book that keeps [`MAX_LEVELS`] levels per side.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_levels(MAX_LEVELS)
    }

    /// An empty book that keeps at most this many levels per side, at least one.
    #[must_use]
    pub fn with_max_levels(max_levels: usize) -> Self {
        Self { sides: [Ladder::new(), Ladder::new()], max_levels: max_levels.max(1), feed: Feed::new() }
    }

    /// Number of levels of a side, shown or not.
    #[must_use]
    pub fn level_count(&self, side: i8) -> usize {
        self.sides[index(side)].len()
    }

    /// Gives a level another size, 0 for none, and returns the one before. Nothing is checked: `side` is a side, `px`
    /// is a price, and `size` is not negative.
    #[inline(always)]
    pub fn set(&mut self, side: i8, px: i32, size: i32) -> i64 {
        let s = index(side);
        let was = i64::from(self.sides[s].update(fold(px, s), |level| std::mem::replace(level, size)));
        if was == 0 && self.sides[s].len() > self.max_levels {
            self.drop_worst(s);
        }
        was
    }

    #[cold]
    #[inline(never)]
    fn control(&mut self, e: &Event) {
        match self.feed.control(e, Kind::Level) {
            Clear::Nothing => {}
            Clear::Both => self.sides.iter_mut().for_each(Ladder::clear),
            Clear::Side(s) => self.sides[s].clear(),
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_worst(&mut self, s: usize) {
        if let Some(key) = self.sides[s].worst() {
            self.sides[s].update(key, |level| *level = 0);
            self.feed.dropped += 1;
        }
    }
}

impl Book for L2Book {
    #[inline(always)] // a call per event costs a quarter of the work
    fn apply(&mut self, e: &Event) {
        let is_update = e.action.wrapping_sub(action::ADD) <= action::DELETE - action::ADD;
        if e.kind != Kind::Level as u8 || !is_update {
            if e.kind != Kind::Trade as u8 && e.kind != Kind::Quote as u8 {
                self.control(e);
            }
            return;
        }
        let size = if e.action == action::DELETE { 0 } else { e.size };
        // One sum of everything that is wrong: `is_side` alone would be compiled to a branch on the side, which is
        // a coin flip that costs a third of the whole update.
        let no_side = u32::from((e.side.wrapping_add(1) & !2) as u8);
        let wrong = no_side | u32::from(e.flags & flag::DELTA) | (size as u32 >> 31);
        if wrong != 0 || e.px == PX_NONE {
            self.feed.rejected += 1;
            return;
        }
        self.set(e.side, e.px, size);
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn feed_mut(&mut self) -> &mut Feed {
        &mut self.feed
    }

    #[inline]
    fn touch(&self) -> Touch {
        if !self.feed.valid {
            return Touch::NONE;
        }
        let best = |s: usize| self.sides[s].best().map(|(key, level)| (key, level.size()));
        touch_of(best(1), best(0))
    }

    fn levels(&self, side: i8) -> impl Iterator<Item = PriceLevel> + '_ {
        let s = index(side);
        Levels(self.feed.valid.then(|| self.sides[s].iter()), s)
    }

    #[inline(always)]
    fn for_best(&self, side: i8, levels: usize, mut see: impl FnMut(usize, PriceLevel)) {
        if self.feed.valid {
            let s = index(side);
            self.sides[s].for_best(levels, |rank, key, level| {
                see(rank, PriceLevel { px: fold(key, s), size: level.size() });
            });
        }
    }

    fn size_at(&self, side: i8, px: i32) -> i64 {
        let s = index(side);
        if self.feed.valid && px != PX_NONE { self.sides[s].get(fold(px, s)).size() } else { 0 }
    }
}
