//! The end of a packet: the touch is taken, and what the packet did to the book is counted.

use qt_core::book::Book;

use super::{Effects, Flow, Source};
use crate::levels::Edit;
use crate::mlofi;
use crate::touch::Touch;

impl Flow {
    /// Evaluates the touch after a packet that may have changed it.
    #[inline]
    pub(super) fn end_packet(&mut self) -> Effects {
        let (was_good, stays) = (self.good, self.touch_stays());
        self.changed = false;
        if !self.removed.is_idle() && self.by_book && was_good && !self.rows.voided() {
            self.count_removals();
        }
        if self.frozen.take().is_some() {
            self.versions = self.versions.map(|version| version + 1);
            self.version += 1; // `levels` may have been read, as they were before the packet, since it changed
        }
        self.by_book = !matches!(self.source, Source::Quotes);
        let moved = !stays && self.evaluate_touch();
        if self.wants_mlofi && self.has_levels() {
            self.push_levels();
        }
        if self.added.pending() {
            self.count_additions();
        }
        if self.by_book && (self.wants_changes_of_levels || !self.removed.is_idle()) {
            if self.stale != 0 {
                self.refresh_levels(); // the next packet begins with them
            }
            if self.wants_changes_of_levels && self.ladder.is_behind(self.versions) {
                self.ladder.take(self.versions, &self.levels);
            }
        }
        if moved {
            self.follow_quote();
        }
        let levels = u8::from(self.levels_changed(was_good)) * Effects::LEVELS;
        let touch = u8::from(moved) * Effects::TOUCH;
        let rows = u8::from(self.rows.pending()) * Effects::ROWS;
        let effects = Effects(Effects::BOOK | levels | touch | rows);
        if let Some(mut detectors) = self.detectors.take() {
            detectors.on_packet(self.now, effects, self);
            self.detectors = Some(detectors);
        }
        self.edited = std::mem::take(&mut self.edit);
        self.besides = false;
        effects
    }

    /// Whether the packet is known to leave the touch as it is: it did no more than to give one level behind the best
    /// another size.
    #[inline(always)]
    fn touch_stays(&self) -> bool {
        let behind = match self.edit {
            Edit::Nothing => true,
            Edit::Size { rank, .. } => rank > 0,
            Edit::More => false,
        };
        // Whatever voids what was known takes the reference away.
        behind && self.stale == 0 && self.wants_levels && self.by_book && self.reference
    }

    /// Takes the touch after a packet; returns whether it is another one, or no longer or newly good.
    #[inline]
    fn evaluate_touch(&mut self) -> bool {
        let was = self.touch().copied();
        let (next, valid) = match &self.source {
            Source::Quotes => (self.pending, self.given),
            Source::Levels(book) => {
                let current = self.wants_levels && self.stale == 0;
                let next = if current { self.levels[0] } else { Touch::from(book.touch()) };
                (next, self.given && book.feed().valid)
            }
            Source::Orders(book) => (Touch::from(book.touch()), self.given && book.feed().valid),
        };
        self.good = valid && next.uncrossed();
        if self.good && next.sized() {
            if self.reference && next != self.touch {
                self.ofi.push(self.now, &self.touch, &next);
                self.exits.book = self.exits.book.min(self.ofi.next_exit());
                if self.limit.enabled() {
                    self.limit.on_touch(self.now, &self.touch, &next);
                    self.exits.book = self.exits.book.min(self.limit.next_exit());
                }
            }
            self.reference = true;
        } else {
            self.reference = false;
        }
        self.touch = next;
        was.as_ref() != self.touch()
    }

    /// Whether the packet that ends is to be told of as a change of the levels.
    fn levels_changed(&mut self, was_good: bool) -> bool {
        self.wants_changes_of_levels
            && self.by_book
            && (std::mem::replace(&mut self.told, self.version) != self.version || was_good != self.good)
    }

    /// Counts what the packet removed; `levels` are still those before it, or they were frozen.
    #[inline]
    fn count_removals(&mut self) {
        let changes = self.rows.changes();
        let shown = self.among_best(changes.len());
        if shown == Some(false) || changes.iter().all(|c| c.change() >= 0) {
            return;
        }
        let before = self.frozen.as_ref().unwrap_or(&self.levels);
        self.removed.end_packet(self.now, changes, before, shown);
        self.exits.book = self.exits.book.min(self.removed.next_exit());
    }

    /// Whether so many changes of rows in this packet were all at the best five levels or none, where that is known.
    #[inline]
    fn among_best(&self, changes: usize) -> Option<bool> {
        match self.edit {
            _ if self.stale != 0 => None,
            Edit::Size { .. } if self.besides => None,
            edit => edit.among(mlofi::LEVELS, changes),
        }
    }

    /// Another touch is in force: so may be another mid or spread.
    #[inline]
    fn follow_quote(&mut self) {
        let quoted = self.quote().map(|t| (t.bid_px, t.ask_px));
        if std::mem::replace(&mut self.quoted, quoted) == quoted {
            return;
        }
        let (now, mid2) = (self.now, self.mid2());
        if self.mids.enabled() {
            self.mids.see(now, mid2);
            self.exits.mid = self.exits.mid.min(self.mids.next_exit());
        }
        if self.spreads.enabled() {
            self.spreads.see(now, self.quote().map(Touch::spread));
            self.exits.mid = self.exits.mid.min(self.spreads.next_exit());
        }
        if self.markouts.enabled() {
            self.markouts.see(now, mid2);
            self.exits.mid = self.exits.mid.min(self.markouts.next_exit());
        }
    }

    fn push_levels(&mut self) {
        if !self.good {
            self.mlofi.forget_reference();
        } else if self.stale != 0 || self.moved || !self.mlofi.has_reference() {
            self.refresh_levels();
            self.moved = false;
            self.mlofi.push(self.now, &self.levels);
            self.exits.book = self.exits.book.min(self.mlofi.next_exit());
        } else if let Edit::Size { side, rank, by } = self.edit
            && rank < mlofi::LEVELS
        {
            self.mlofi.resize(self.now, side, rank, by);
            self.exits.book = self.exits.book.min(self.mlofi.next_exit());
        }
    }

    fn count_additions(&mut self) {
        if self.stale != 0 {
            self.refresh_levels();
        }
        let shown = self.among_best(self.added.count());
        self.added.end_packet(self.now, self.good.then_some(&self.levels), shown);
        self.exits.book = self.exits.book.min(self.added.next_exit());
    }
}
