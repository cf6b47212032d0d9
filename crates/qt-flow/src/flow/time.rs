//! What passing time does: parent orders end, rows leave windows, sessions begin and contracts roll.

use qt_core::book::Book;
use qt_core::event::Event;

use super::{BOTH_SIDES, Exits, Flow, Source, exit};
use crate::parent::Parent;
use crate::touch::Touch;

impl Flow {
    /// Whether [`Flow::pass`] may have something to do at `t`.
    #[inline(always)]
    pub fn is_due(&self, t: i64) -> bool {
        self.parents.is_due(t) || self.detectors.as_ref().is_some_and(|d| d.is_due(t))
    }

    /// Lets time pass to `t`: returns the parent order that ends by that.
    pub fn pass(&mut self, t: i64) -> Option<Parent> {
        let ended = self.parents.pass(t);
        self.pass_detectors(t, ended.as_ref());
        ended
    }

    fn pass_detectors(&mut self, t: i64, ended: Option<&Parent>) {
        let Some(mut detectors) = self.detectors.take() else { return };
        if let Some(parent) = ended {
            // Certain from the first instant at which no print can go on with it.
            let certain = parent.last + self.parents.gap + 1;
            detectors.advance(certain, self);
            detectors.on_parent(parent, certain);
        }
        detectors.advance(t, self);
        self.detectors = Some(detectors);
    }

    /// Tells the detectors of the footprint that has just closed.
    pub fn detect_footprint(&mut self) {
        if let (Some(detectors), Some(footprint)) = (&mut self.detectors, self.footprints.last()) {
            detectors.on_footprint(footprint);
        }
    }

    /// Ends every window at `t`, before features are read at that time; says which windows something left, as bits
    /// of [`exit`].
    #[inline(always)]
    pub fn prepare(&mut self, t: i64) -> u8 {
        let next = self.exits.tape.min(self.exits.book).min(self.exits.mid);
        let left = if t >= next { self.advance(t) } else { 0 };
        self.profile.refresh(&self.moments);
        if self.stale != 0 {
            self.refresh_levels();
        }
        if self.ladder.is_behind(self.versions) {
            let levels = self.frozen.as_ref().unwrap_or(&self.levels);
            self.ladder.take(self.versions, levels);
        }
        left
    }

    #[inline(never)]
    fn advance(&mut self, t: i64) -> u8 {
        let mut left = 0;
        if t >= self.exits.tape {
            left |= exit::TAPE;
            self.tape.advance(t);
            self.exits.tape = self.tape.next_exit();
        }
        if t >= self.exits.book {
            left |= exit::BOOK;
            self.ofi.advance(t);
            self.mlofi.advance(t);
            self.limit.advance(t);
            self.added.advance(t);
            self.removed.advance(t);
            let at_touch = self.ofi.next_exit().min(self.mlofi.next_exit()).min(self.limit.next_exit());
            self.exits.book = at_touch.min(self.added.next_exit()).min(self.removed.next_exit());
        }
        if t >= self.exits.mid {
            left |= exit::MID;
            self.mids.advance(t);
            self.spreads.advance(t);
            self.markouts.advance(t);
            self.exits.mid =
                self.mids.next_exit().min(self.spreads.next_exit()).min(self.markouts.next_exit());
        }
        left
    }

    /// Starts a session now: windows, profile, moments and sums begin again, the book stays.
    pub fn start_session(&mut self) {
        self.session.start(self.now);
        self.clear_windows();
    }

    fn clear_windows(&mut self) {
        self.exits = Exits::default();
        self.tape.clear();
        self.ofi.clear();
        self.mlofi.clear();
        self.limit.clear();
        self.added.clear();
        self.removed.clear();
        self.parents.clear();
        self.rows.clear();
        self.profile.clear();
        self.moments.clear();
        // The touch is kept over a session start, so its mid and spread are in force from there on.
        let mid2 = self.mid2();
        self.mids.start(self.now, mid2);
        self.spreads.start(self.now, self.quote().map(Touch::spread));
        self.markouts.start(mid2);
        if let Some(detectors) = &mut self.detectors {
            detectors.clear();
        }
    }

    /// The next contract begins: everything but the time starts again, the book included.
    pub fn roll(&mut self, e: &Event) {
        match &mut self.source {
            Source::Quotes => {}
            Source::Levels(book) => book.apply(e),
            Source::Orders(book) => book.apply(e),
        }
        self.pending = Touch::default();
        self.touch = Touch::default();
        self.frozen = None;
        self.quoted = None;
        self.early_gap = None;
        self.stale = BOTH_SIDES;
        (self.given, self.good, self.reference, self.changed) = (false, false, false, false);
        self.mlofi.forget_reference();
        self.bars.clear();
        self.footprints.clear();
        self.foreign_bar = None;
        if self.session.open {
            self.start_session();
        } else {
            self.clear_windows();
        }
    }
}
