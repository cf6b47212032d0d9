//! What quotes, records of the book and gaps do to the book and to the levels that are kept of it.

use qt_core::book::{Book, Order, OrderBook};
use qt_core::event::{Event, Kind, PX_NONE, action, flag, side};

use super::{BOTH_SIDES, Flow, Source};
use crate::added::{Added, Increase};
use crate::detect;
use crate::levels::{self, Edit};
use crate::rows::{RowChange, Rows};
use crate::touch::{NO_ASK, Touch};

impl Flow {
    #[inline]
    pub(super) fn apply_book(&mut self, e: &Event) {
        let in_place = self.sets_one_level(e);
        if self.wants_levels && !e.ends_packet() && self.frozen.is_none() {
            self.freeze_levels();
        }
        if in_place {
            self.set_row(e);
            return;
        }
        if self.wants_levels {
            self.touch_levels(e);
            self.besides = true;
        }
        // The kind that comes first makes the book; the other one is then left alone.
        match &mut self.source {
            Source::Levels(book) if e.kind == Kind::Level as u8 => {
                if voids(e) {
                    self.reference = false;
                    self.mlofi.forget_reference();
                    self.rows.void();
                }
                if self.added.is_idle() && !self.rows.enabled() || e.has(flag::SNAPSHOT) || !book.feed().valid
                {
                    book.apply(e);
                } else {
                    let before = book.size_at(e.side, e.px);
                    book.apply(e);
                    let after = book.size_at(e.side, e.px);
                    let change = RowChange { side: e.side, px: e.px, before, after, order_id: 0, broker: 0 };
                    note(&mut self.added, &mut self.rows, change);
                }
            }
            Source::Orders(book) if e.kind == Kind::Order as u8 => {
                if voids(e) {
                    self.reference = false;
                    self.mlofi.forget_reference();
                    self.rows.void();
                }
                if let Some(detectors) = self.detectors.as_mut().filter(|d| d.wants_orders())
                    && detect::is_news(e)
                    && book.feed().valid
                {
                    detectors.on_order(self.now, e, old_order(book, e).as_ref());
                }
                if self.added.is_idle() && !self.rows.enabled() || e.has(flag::SNAPSHOT) || !book.feed().valid
                {
                    book.apply(e);
                } else {
                    apply_order(book, e, &mut self.added, &mut self.rows, &mut self.scratch);
                }
            }
            Source::Quotes => return self.first_book_record(e),
            _ => return,
        }
        (self.given, self.changed) = (true, true);
    }

    /// Applies a record of which [`Flow::sets_one_level`] is true.
    #[inline]
    fn set_row(&mut self, e: &Event) {
        let Source::Levels(book) = &mut self.source else { return };
        let (before, after) = (book.set(e.side, e.px, e.size), i64::from(e.size));
        let change = RowChange { side: e.side, px: e.px, before, after, order_id: 0, broker: 0 };
        note(&mut self.added, &mut self.rows, change);
        self.set_level(e.side, e.px, after);
        (self.given, self.changed) = (true, true);
    }

    /// Whether a record does nothing but give one row of a valid book by price another size above 0, and `levels` are
    /// current on its side: then they are changed in place, which most packets need not be read anew for.
    #[inline(always)]
    fn sets_one_level(&self, e: &Event) -> bool {
        let Source::Levels(book) = &self.source else { return false };
        let side = 1 + u8::from(e.side > 0); // its bit of `stale`
        self.wants_levels
            && e.kind == Kind::Level as u8
            && (e.action == action::EDIT || e.action == action::ADD)
            && e.size > 0
            && (e.side == side::BUY || e.side == side::SELL)
            && e.flags & (flag::SNAPSHOT | flag::DELTA) == 0
            && e.px != PX_NONE
            && self.stale & side == 0
            && self.by_book
            && book.feed().valid
    }

    /// Sets the size of one row in `levels`, which are current on its side; a row behind the last level is not kept.
    #[inline]
    fn set_level(&mut self, side: i8, px: i32, size: i64) {
        let edit = levels::set(&mut self.levels[..self.kept], side, px, size);
        if edit == Edit::Nothing {
            // Behind the last level, or no change: what the packet did to a level is then not all that it did.
            self.besides = true;
            return;
        }
        let first = std::mem::replace(&mut self.edit, edit) == Edit::Nothing;
        self.version += 1;
        let version = &mut self.versions[usize::from(side < 0)];
        *version += 1;
        match edit {
            Edit::Size { side, rank, by } if self.frozen.is_none() => {
                self.ladder.resize(side, rank, by, *version - 1, *version);
            }
            _ => {}
        }
        if !first || edit == Edit::More {
            (self.moved, self.edit) = (true, Edit::More);
        }
    }

    /// Keeps the levels as they are before a packet of several records.
    fn freeze_levels(&mut self) {
        if self.has_levels() {
            self.refresh_levels();
            self.frozen = Some(self.levels);
        }
    }

    /// Marks the side of `levels` that a book record may change. Records behind the last level change nothing.
    #[inline(always)]
    fn touch_levels(&mut self, e: &Event) {
        let last = &self.levels[self.kept - 1];
        // Both sides are always looked at: a branch on the side would be a coin flip.
        #[allow(clippy::needless_bitwise_bool)]
        let (bid, ask) = ((e.side > 0) & (e.px >= last.bid_px), (e.side < 0) & (e.px <= last.ask_px));
        self.stale |= u8::from(bid) << 1 | u8::from(ask);
        if e.action > action::DELETE || e.kind != Kind::Level as u8 {
            self.stale = BOTH_SIDES;
        }
    }

    #[inline]
    pub(super) fn refresh_levels(&mut self) {
        let stale = std::mem::take(&mut self.stale);
        if stale != 0 {
            (self.moved, self.edit) = (true, Edit::More);
        }
        self.version += u64::from(stale != 0);
        self.versions[0] += u64::from(stale >> 1);
        self.versions[1] += u64::from(stale & 1);
        match &self.source {
            Source::Quotes => {}
            Source::Levels(book) => levels::read(&**book, stale, &mut self.levels[..self.kept]),
            Source::Orders(book) => levels::read(&**book, stale, &mut self.levels[..self.kept]),
        }
    }

    #[cold]
    fn first_book_record(&mut self, e: &Event) {
        self.reference = false;
        self.source = if e.kind == Kind::Level as u8 {
            Source::Levels(Box::default())
        } else {
            Source::Orders(Box::default())
        };
        if let Some(gap) = self.early_gap.take() {
            self.apply_gap(&gap);
        }
        self.apply_book(e);
    }

    #[inline]
    pub(super) fn apply_quote(&mut self, e: &Event) {
        if !matches!(self.source, Source::Quotes) {
            return;
        }
        self.pending = Touch {
            bid_px: e.px, // `PX_NONE` is the least price
            ask_px: if e.px_ask == PX_NONE { NO_ASK } else { e.px_ask },
            bid_sz: if e.px == PX_NONE { 0 } else { i64::from(e.size) },
            ask_sz: if e.px_ask == PX_NONE { 0 } else { i64::from(e.size_ask) },
        };
        self.given = true;
        self.changed = true;
    }

    #[cold]
    pub(super) fn apply_gap(&mut self, e: &Event) {
        self.reference = false;
        self.mlofi.forget_reference();
        match &mut self.source {
            Source::Quotes => {
                self.given = false;
                self.early_gap = Some(*e);
            }
            Source::Levels(book) => book.apply(e),
            Source::Orders(book) => book.apply(e),
        }
        self.stale = BOTH_SIDES;
        self.rows.void();
        self.changed = self.wants_touch;
    }
}

/// Whether a record voids what was known: changes across it are no order flow.
#[inline(always)]
fn voids(e: &Event) -> bool {
    e.action >= action::CLEAR && (e.action == action::CLEAR || e.action == action::SNAPSHOT_BEGIN)
        || e.has(flag::SNAPSHOT)
}

#[inline(always)]
fn note(added: &mut Added, rows: &mut Rows, change: RowChange) {
    if change.change() > 0 && !added.is_idle() {
        added.note(Increase { side: change.side, px: change.px, size: change.change() });
    }
    rows.note(change);
}

/// The order that a record is about, as it is before it.
#[inline]
fn old_order(book: &OrderBook, e: &Event) -> Option<Order> {
    match e.action {
        action::EDIT | action::DELETE if e.ref_b < 0 => book.order(e.id),
        action::EDIT | action::DELETE => book.order_at(e.side, e.ref_b as usize),
        _ => None,
    }
}

/// Applies an order record and notes what it did to the displayed size of its rows.
fn apply_order(
    book: &mut OrderBook,
    e: &Event,
    added: &mut Added,
    rows: &mut Rows,
    scratch: &mut Vec<(i32, i64)>,
) {
    let old = old_order(book, e);
    let broker = if e.ref_a == 0 { old.map_or(0, |o| o.broker) } else { e.ref_a };
    let order_id = if e.id == 0 { old.map_or(0, |o| o.id) } else { e.id };
    let mut told = |side, px, before, after| {
        note(added, rows, RowChange { side, px, before, after, order_id, broker });
    };
    if e.action == action::DELETE_FROM {
        scratch.clear();
        scratch.extend(book.levels(e.side).map(|l| (l.px, l.size)));
        book.apply(e);
        for &(px, before) in scratch.iter() {
            told(e.side, px, before, book.size_at(e.side, px));
        }
        return;
    }
    let (side, from) = old.map_or((e.side, PX_NONE), |o| (o.side, o.px));
    let to = match e.action {
        action::ADD => e.px,
        action::EDIT if e.px != PX_NONE => e.px,
        _ => from,
    };
    let (before_from, before_to) = (book.size_at(side, from), book.size_at(side, to));
    book.apply(e);
    if from != to && from != PX_NONE {
        told(side, from, before_from, book.size_at(side, from));
    }
    if to != PX_NONE {
        told(side, to, before_to, book.size_at(side, to));
    }
}
