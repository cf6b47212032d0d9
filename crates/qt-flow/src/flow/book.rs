//! What quotes, records of the book and gaps do to the book and to the levels that are kept of it.

use qt_core::book::{Book, Order, OrderBook};
use qt_core::event::{Event, Kind, PX_NONE, action, flag, side};

use super::{BOTH_SIDES, Flow, Source};
use crate::added::{Added, Increase};
use crate::detect::Detectors;
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
                let mut listeners = Listeners {
                    now: self.now,
                    detectors: self.detectors.as_deref_mut().filter(|d| d.wants_orders()),
                    added: &mut self.added,
                    rows: &mut self.rows,
                };
                if listeners.are_none() || e.has(flag::SNAPSHOT) || !book.feed().valid {
                    book.apply(e);
                } else {
                    listeners.apply(book, e);
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

/// Who hears of what records do to single orders and to the displayed size of rows.
struct Listeners<'a> {
    now: i64,
    detectors: Option<&'a mut Detectors>,
    added: &'a mut Added,
    rows: &'a mut Rows,
}

impl Listeners<'_> {
    #[inline]
    fn are_none(&self) -> bool {
        self.detectors.is_none() && self.added.is_idle() && !self.rows.enabled()
    }

    /// Applies an order record. A delete-from is told as what it is: the orders it takes, one by one, best first.
    #[inline]
    fn apply(&mut self, book: &mut OrderBook, e: &Event) {
        // One that reaches behind the last order takes none: the book rejects it.
        if e.action != action::DELETE_FROM || book.order_at(e.side, e.ref_b as usize).is_none() {
            self.apply_one(book, e);
            return;
        }
        let best = Event { action: action::DELETE, ref_b: 0, id: 0, ref_a: 0, ..*e };
        for _ in 0..=e.ref_b {
            self.apply_one(book, &best);
        }
    }

    /// Applies a record about one order.
    #[inline]
    fn apply_one(&mut self, book: &mut OrderBook, e: &Event) {
        let old = old_order(book, e);
        let new = match e.action {
            action::ADD => Some(Order::of(e)),
            action::EDIT => old.and_then(|o| o.edited(e)),
            _ => None,
        };
        let side = old.map_or(e.side, |o| o.side);
        let from = old.map_or(PX_NONE, |o| o.px);
        let to = new.map_or(from, |o| o.px);
        let (before_from, before_to) = (book.size_at(side, from), book.size_at(side, to));
        let rejected = book.feed().rejected;
        book.apply(e);
        if book.feed().rejected != rejected {
            return;
        }
        let is_another = match (&old, &new) {
            (Some(old), Some(new)) => old.id != new.id && old.id != 0,
            _ => false,
        };
        self.tell_orders(old.filter(|o| o.size > 0), new.filter(|o| o.size > 0), is_another);
        let order_id = if e.id == 0 { old.map_or(0, |o| o.id) } else { e.id };
        let broker = if e.ref_a == 0 { old.map_or(0, |o| o.broker) } else { e.ref_a };
        let told =
            RowChange { side, px: to, before: before_to, after: book.size_at(side, to), order_id, broker };
        if let Some(old) = old.filter(|_| from != to || is_another) {
            let after = before_from - i64::from(old.size);
            let (order_id, broker) = if is_another { (old.id, old.broker) } else { (order_id, broker) };
            self.tell_row(RowChange { side, px: from, before: before_from, after, order_id, broker });
            let before = if from == to { after } else { before_to };
            self.tell_row(RowChange { before, ..told });
        } else if to != PX_NONE {
            self.tell_row(told);
        }
    }

    /// Tells of an order as it was displayed before a record and as it is after it. An edit that gives it another id
    /// takes one order away and adds another.
    #[inline]
    fn tell_orders(&mut self, old: Option<Order>, new: Option<Order>, is_another: bool) {
        let Some(detectors) = &mut self.detectors else { return };
        if is_another {
            detectors.on_order(self.now, old.as_ref(), None);
            detectors.on_order(self.now, None, new.as_ref());
        } else {
            detectors.on_order(self.now, old.as_ref(), new.as_ref());
        }
    }

    #[inline(always)]
    fn tell_row(&mut self, change: RowChange) {
        note(self.added, self.rows, change);
    }
}
