//! All state that features share, brought up to date once per event.

use std::cmp::Ordering;

use qt_core::book::{Book, L2Book, Order, OrderBook};
use qt_core::event::{Event, Kind, PX_NONE, Trade, action, flag, side};

use crate::added::{Added, Increase};
use crate::bars::{Bar, BarBuilder};
use crate::detect::{self, DetectorKind, DetectorSettings, Detectors};
use crate::footprint::{Footprint, Footprints};
use crate::ladder::{Ladder, SideDepth};
use crate::levels::{self, Edit};
use crate::limit::LimitFlow;
use crate::markout::Markouts;
use crate::mid::Mids;
use crate::mlofi::{self, Levels, Mlofi};
use crate::moments::Moments;
use crate::ofi::Ofi;
use crate::parent::{Parent, Parents};
use crate::profile::Profile;
use crate::removed::Removed;
use crate::rows::{RowChange, Rows};
use crate::session::Session;
use crate::spread::Spreads;
use crate::tape::{Print, Tape};
use crate::touch::{NO_ASK, Touch};
use crate::window::WindowId;

/// How trades of the retail liquidity provider (RLP), which carry no aggressor, are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RlpSign {
    /// Not at all: side 0.
    #[default]
    Drop,
    /// By Lee and Ready (1991): against the mid in force before the trade, by the tick test at the mid.
    Quote,
}

/// What one record did, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects(u8);

impl Effects {
    /// A print was added; it is [`Flow::print`].
    pub const PRINT: u8 = 1;
    /// The source brought a closed bar.
    pub const BAR: u8 = 2;
    /// The packet ended with another touch than before it, or with none; the touch is [`Flow::touch`].
    pub const TOUCH: u8 = 4;
    /// The packet changed rows of the book or voided them; they are [`Flow::rows`].
    pub const ROWS: u8 = 8;
    /// A packet that may have changed the book ended.
    pub const BOOK: u8 = 16;
    /// The packet ended with other best levels, or a touch that became good or ceased to be; after
    /// [`Flow::want_changes_of_levels`].
    pub const LEVELS: u8 = 32;

    /// Whether one of these happened.
    #[inline(always)]
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Windows that something left, as bits.
pub mod exit {
    /// Those of the prints.
    pub const TAPE: u8 = 1;
    /// Those of order flow at the touch and near it.
    pub const BOOK: u8 = 2;
    /// Those of mid, spread and markouts.
    pub const MID: u8 = 4;
}

/// Where the touch comes from.
#[derive(Debug, Clone, Default)]
enum Source {
    /// Quote records, until the first Level or Order record.
    #[default]
    Quotes,
    Levels(Box<L2Book>),
    Orders(Box<OrderBook>),
}

/// All bits of `stale`.
const BOTH_SIDES: u8 = 3;

/// State shared by features. A feature asks for what it needs when it is built; the rest stays idle.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools)] // independent facts, not a state
pub struct Flow {
    /// Engine time: the greatest event time so far, ns.
    pub now: i64,
    /// The session in force.
    pub session: Session,
    /// Prints.
    pub tape: Tape,
    /// Order-flow imbalance of the touch.
    pub ofi: Ofi,
    /// Order-flow imbalance of the best levels.
    pub mlofi: Mlofi,
    /// Additions and cancellations at the touch.
    pub limit: LimitFlow,
    /// Additions near the touch.
    pub added: Added,
    /// Removals near the touch.
    pub removed: Removed,
    /// Sums over the best ten levels.
    pub ladder: Ladder,
    /// Volume by price.
    pub profile: Profile,
    /// Moments of traded prices.
    pub moments: Moments,
    /// Bars from prints.
    pub bars: BarBuilder,
    /// Footprints from prints.
    pub footprints: Footprints,
    /// Parent orders.
    pub parents: Parents,
    /// Row changes of the packet.
    pub rows: Rows,
    /// The mid and its changes.
    pub mids: Mids,
    /// Time that spreads were in force.
    pub spreads: Spreads,
    /// Prints against the mid five seconds later.
    pub markouts: Markouts,
    /// Detectors, once somebody asked for one.
    detectors: Option<Box<Detectors>>,
    detector_settings: DetectorSettings,
    ended: Option<Parent>,
    /// Broker on the passive side of the last print, 0 unknown.
    passive: i32,
    print: Print,
    foreign_bar: Option<Bar>,
    rlp: RlpSign,
    wants_touch: bool,
    wants_levels: bool,
    wants_mlofi: bool,
    wants_changes_of_levels: bool,
    /// A packet with a book record has ended: the touch is the book's.
    by_book: bool,
    source: Source,
    touch: Touch,
    /// Bid and ask of the quote that mids, spreads and markouts know.
    quoted: Option<(i32, i32)>,
    /// A gap before the first book record: the book that then begins is invalid.
    early_gap: Option<Event>,
    /// The last quote, to be shown at the end of its packet.
    pending: Touch,
    /// A quote or a book record has been applied, and no gap or roll has voided it since.
    given: bool,
    /// The touch was given, is valid and not crossed.
    good: bool,
    /// `touch` may serve as the earlier side of an order-flow event.
    reference: bool,
    /// A record of this packet may have changed the touch.
    changed: bool,
    /// Windows and profile need nothing before this time; the least time when they need it at once.
    next_exit: i64,
    /// The best levels of the book, but for the stale sides.
    levels: Levels,
    /// Levels that are kept up to date, 5 or 10.
    kept: usize,
    /// Counts reads of `levels` after a change.
    version: u64,
    /// The same by side, bid and ask.
    versions: [u64; 2],
    /// Sides of `levels` that a record may have changed, as bits: 1 asks, 2 bids.
    stale: u8,
    /// More than `edit` may have changed the best levels since the multi-level imbalance last saw them.
    moved: bool,
    /// What the packet has done to `levels` so far, but for the stale sides.
    edit: Edit,
    /// What the last packet did to them.
    edited: Edit,
    /// The packet has records that `edit` does not tell of, because no level that is kept was changed by them.
    besides: bool,
    /// Version of the levels that [`Effects::LEVELS`] last told of.
    told: u64,
    /// Levels before the packet of several records that is being applied.
    frozen: Option<Levels>,
    scratch: Vec<(i32, i64)>,
}

impl Flow {
    /// State of a new engine.
    pub fn new(rlp: RlpSign) -> Self {
        Self { rlp, wants_touch: rlp == RlpSign::Quote, ..Self::default() }
    }

    /// Asks for the touch.
    pub fn want_touch(&mut self) {
        self.wants_touch = true;
    }

    /// Asks for the best five levels of the book.
    pub fn want_levels(&mut self) {
        self.wants_touch = true;
        self.wants_levels = true;
        self.kept = self.kept.max(mlofi::LEVELS);
    }

    /// Asks for the best ten levels of the book.
    pub fn want_depth(&mut self) {
        self.want_levels();
        self.kept = mlofi::DEPTH;
    }

    /// Asks for the sums over the best ten levels.
    pub fn want_ladder(&mut self) {
        self.want_depth();
        self.ladder.enable();
    }

    /// Asks to be told of packets that may have changed the best levels.
    pub fn want_changes_of_levels(&mut self) {
        self.want_levels();
        self.wants_changes_of_levels = true;
    }

    /// Asks for the changes of displayed size, row by row.
    pub fn want_rows(&mut self) {
        self.wants_touch = true;
        self.rows.enable();
    }

    /// Asks for what leaves the best five levels over `(t − ns, t]`.
    pub fn removed_window(&mut self, ns: i64) -> WindowId {
        self.want_levels();
        self.want_rows();
        self.removed.window(ns)
    }

    /// Asks for what is cancelled at the best five levels over one minute.
    pub fn want_cancelled(&mut self) {
        self.want_levels();
        self.want_rows();
        self.removed.want_cancelled();
    }

    /// Asks for the multi-level imbalance.
    pub fn want_mlofi(&mut self) {
        self.want_levels();
        self.wants_mlofi = true;
    }

    /// Sets the thresholds of the detectors, before any of them is asked for.
    pub fn set_detectors(&mut self, settings: DetectorSettings) {
        self.parents.gap = settings.sweep_gap_ns;
        self.detector_settings = settings;
    }

    /// Thresholds of the detectors.
    #[inline]
    pub fn detector_settings(&self) -> &DetectorSettings {
        &self.detector_settings
    }

    /// Asks for a detector, with the book it reads.
    pub fn want_detector(&mut self, kind: DetectorKind) {
        match kind {
            DetectorKind::SweepRun | DetectorKind::IcebergTape => {}
            DetectorKind::AbsorptionBar | DetectorKind::Exhaustion => self.footprints.enable(),
            DetectorKind::Sweep | DetectorKind::Absorption | DetectorKind::Ignition => self.want_touch(),
            _ => self.want_rows(),
        }
        let settings = self.detector_settings;
        self.detectors.get_or_insert_with(|| Box::new(Detectors::new(settings))).run(kind);
    }

    /// The detectors that run.
    #[inline]
    pub fn detectors(&self) -> Option<&Detectors> {
        self.detectors.as_deref()
    }

    /// The detectors that run, to collect what they find.
    pub fn detectors_mut(&mut self) -> Option<&mut Detectors> {
        self.detectors.as_deref_mut()
    }

    /// Whether the book comes order by order.
    #[inline]
    pub fn by_order(&self) -> bool {
        matches!(self.source, Source::Orders(_))
    }

    /// The touch, or `None` while it is not valid or crossed. A side may be missing.
    #[inline]
    pub fn touch(&self) -> Option<&Touch> {
        self.good.then_some(&self.touch)
    }

    /// The touch when both sides are there.
    #[inline]
    pub fn quote(&self) -> Option<&Touch> {
        self.touch().filter(|t| t.two_sided())
    }

    /// Twice the mid in force, in ticks; `None` where a side is missing or the touch is not good.
    #[inline]
    pub fn mid2(&self) -> Option<i64> {
        self.quote().map(Touch::mid2)
    }

    /// Whether order flow at the touch is being measured: the touch is good and shows its sizes.
    #[inline]
    pub fn measures_touch(&self) -> bool {
        self.good && self.touch.sized()
    }

    /// Whether the touch comes from a book with levels.
    #[inline]
    pub fn has_levels(&self) -> bool {
        self.by_book
    }

    /// The best levels as of the last packet, five or ten as asked for, current after [`Flow::prepare`]; `None` without a book.
    #[inline]
    pub fn levels(&self) -> Option<&Levels> {
        match &self.frozen {
            Some(levels) => Some(levels),
            None => self.has_levels().then_some(&self.levels),
        }
    }

    /// The best levels while the touch is good.
    #[inline]
    pub fn good_levels(&self) -> Option<&Levels> {
        if self.good { self.levels() } else { None }
    }

    /// Sums over the best ten levels of the bid and of the ask while the touch is good, current after
    /// [`Flow::prepare`], and where features hear of changes of the levels.
    #[inline]
    pub fn depth(&self) -> Option<&[SideDepth; 2]> {
        (self.good && self.has_levels()).then(|| self.ladder.sides())
    }

    /// Changes whenever [`Flow::levels`] may have: what is derived from them can be kept until then.
    #[inline(always)]
    pub fn levels_version(&self) -> u64 {
        self.version
    }

    /// The same by side, bid and ask.
    #[inline(always)]
    pub fn levels_versions(&self) -> [u64; 2] {
        self.versions
    }

    /// What the last packet did to the levels, in [`Effects::LEVELS`].
    #[inline]
    pub fn edited(&self) -> Edit {
        self.edited
    }

    /// Contracts displayed at a row after the last record, inside a packet too; `None` without a valid book.
    #[inline]
    pub fn size_at(&self, side: i8, px: i32) -> Option<i64> {
        match &self.source {
            Source::Levels(book) if self.given && book.feed().valid => Some(book.size_at(side, px)),
            Source::Orders(book) if self.given && book.feed().valid => Some(book.size_at(side, px)),
            _ => None,
        }
    }

    /// The resting order with this id, as of the last record; `None` where the feed has none.
    #[inline]
    pub fn order(&self, id: i64) -> Option<Order> {
        match &self.source {
            Source::Orders(book) => book.order(id),
            _ => None,
        }
    }

    /// The parent order that the last print ended, if it did.
    #[inline]
    pub fn ended_parent(&self) -> Option<&Parent> {
        self.ended.as_ref()
    }

    /// Broker on the passive side of the last print, 0 unknown.
    #[inline]
    pub fn passive_broker(&self) -> i32 {
        self.passive
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
    fn refresh_levels(&mut self) {
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

    /// The last closed five-minute bar with its price rows; `None` before the first one of the contract, and where
    /// nobody asked for footprints.
    #[inline]
    pub fn footprint(&self) -> Option<&Footprint> {
        self.footprints.last()
    }

    /// The print that the last record added, if it did.
    #[inline]
    pub fn print(&self) -> &Print {
        &self.print
    }

    /// The bar that the last record brought, if it did.
    #[inline]
    pub fn foreign_bar(&self) -> Option<&Bar> {
        self.foreign_bar.as_ref()
    }

    /// Applies one record that is no session marker; `self.now` is already its engine time. The touch stays that of
    /// the packet before until [`Flow::settle`].
    #[inline]
    pub fn apply(&mut self, e: &Event) -> Effects {
        let mut effects = Effects::default();
        if e.kind == Kind::Level as u8 || e.kind == Kind::Order as u8 {
            if self.wants_touch {
                self.apply_book(e);
            }
        } else if e.kind == Kind::Trade as u8 {
            if self.apply_trade(&Trade::from(e)) {
                effects.0 |= Effects::PRINT;
            }
        } else if e.kind == Kind::Quote as u8 {
            if self.wants_touch {
                self.apply_quote(e);
            }
        } else if e.kind == Kind::Gap as u8 {
            self.apply_gap(e);
        } else if e.kind == Kind::Bar as u8 {
            self.apply_bar(e);
            effects.0 |= Effects::BAR;
        }
        effects
    }

    /// Evaluates the touch if this record ends a packet that may have changed it; after every record, session
    /// markers included.
    #[inline(always)]
    pub fn settle(&mut self, e: &Event) -> Effects {
        if self.changed && e.ends_packet() { self.end_packet() } else { Effects::default() }
    }

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

    fn tell_print(&mut self, t: &Trade) {
        let Some(mut detectors) = self.detectors.take() else { return };
        if let Some(parent) = &self.ended {
            detectors.on_parent(parent, self.now);
        }
        let (hidden, packet) = (t.flags & flag::HIDDEN != 0, t.flags & flag::MORE != 0);
        detectors.on_print(&self.print, hidden, packet, self);
        self.detectors = Some(detectors);
    }

    #[inline]
    fn apply_book(&mut self, e: &Event) {
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
    fn apply_quote(&mut self, e: &Event) {
        if !matches!(self.source, Source::Quotes) {
            return;
        }
        self.pending = Touch {
            bid_px: e.px, // `PX_NONE` is the least price
            ask_px: if e.px_ask == PX_NONE { NO_ASK } else { e.px_ask },
            bid_sz: i64::from(e.size),
            ask_sz: i64::from(e.size_ask),
        };
        self.given = true;
        self.changed = true;
    }

    #[inline]
    fn apply_trade(&mut self, t: &Trade) -> bool {
        if !t.is_print() {
            return false;
        }
        self.tape.see_price(t.px);
        let side = if t.flags & (flag::CROSS | flag::AUCTION) != 0 {
            side::NONE
        } else if t.flags & flag::RLP == 0 {
            t.side.signum()
        } else {
            match self.rlp {
                RlpSign::Drop => side::NONE,
                RlpSign::Quote => self.lee_ready(t.px),
            }
        };
        let (broker, passive) = match side {
            side::BUY => (t.buyer, t.seller),
            side::SELL => (t.seller, t.buyer),
            _ => (0, 0),
        };
        let print = Print { ts: self.now, px: t.px, size: t.size, broker, side };
        self.print = print;
        self.passive = passive;
        self.ended = self.parents.push(&print);
        self.tape.push(print);
        self.next_exit = self.next_exit.min(self.tape.next_exit());
        if self.limit.enabled() {
            self.limit.on_print(&print);
        }
        self.removed.on_print(&print);
        if self.moments.enabled() {
            self.moments.push(t.px, t.size);
        }
        if self.profile.enabled() {
            self.profile.push(t.px, t.size);
            self.next_exit = i64::MIN; // the value area is settled at the next read
        }
        if self.markouts.enabled() {
            self.markouts.on_print(&print, self.mid2());
            self.next_exit = self.next_exit.min(self.markouts.next_exit());
        }
        if self.bars.active() && self.session.open {
            self.bars.push(&print, self.session.start);
        }
        if self.footprints.enabled() && self.session.open {
            self.footprints.push(&print, self.session.start);
        }
        if self.detectors.is_some() {
            self.tell_print(t);
        }
        true
    }

    /// Buyer above the mid, seller below it; at the mid or without one, by the last price change.
    fn lee_ready(&self, px: i32) -> i8 {
        match self.quote().map(|t| (2 * i64::from(px)).cmp(&t.mid2())) {
            Some(Ordering::Greater) => side::BUY,
            Some(Ordering::Less) => side::SELL,
            _ => self.tape.tick,
        }
    }

    #[cold]
    fn apply_gap(&mut self, e: &Event) {
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

    #[cold]
    fn apply_bar(&mut self, e: &Event) {
        self.bars.use_foreign();
        self.foreign_bar = Some(Bar {
            start: e.id,
            end: self.now,
            open: e.px,
            high: e.px_ask,
            low: e.ref_a,
            close: e.ref_b,
            volume: i64::from(e.size),
            sides: None,
        });
    }

    /// Evaluates the touch after a packet that may have changed it.
    #[inline]
    fn end_packet(&mut self) -> Effects {
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
                self.next_exit = self.next_exit.min(self.ofi.next_exit());
                if self.limit.enabled() {
                    self.limit.on_touch(self.now, &self.touch, &next);
                    self.next_exit = self.next_exit.min(self.limit.next_exit());
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
        self.next_exit = self.next_exit.min(self.removed.next_exit());
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
            self.next_exit = self.next_exit.min(self.mids.next_exit());
        }
        if self.spreads.enabled() {
            self.spreads.see(now, self.quote().map(Touch::spread));
            self.next_exit = self.next_exit.min(self.spreads.next_exit());
        }
        if self.markouts.enabled() {
            self.markouts.see(now, mid2);
            self.next_exit = self.next_exit.min(self.markouts.next_exit());
        }
    }

    fn push_levels(&mut self) {
        if !self.good {
            self.mlofi.forget_reference();
        } else if self.stale != 0 || self.moved || !self.mlofi.has_reference() {
            self.refresh_levels();
            self.moved = false;
            self.mlofi.push(self.now, &self.levels);
            self.next_exit = self.next_exit.min(self.mlofi.next_exit());
        } else if let Edit::Size { side, rank, by } = self.edit
            && rank < mlofi::LEVELS
        {
            self.mlofi.resize(self.now, side, rank, by);
            self.next_exit = self.next_exit.min(self.mlofi.next_exit());
        }
    }

    fn count_additions(&mut self) {
        if self.stale != 0 {
            self.refresh_levels();
        }
        let shown = self.among_best(self.added.count());
        self.added.end_packet(self.now, self.good.then_some(&self.levels), shown);
        self.next_exit = self.next_exit.min(self.added.next_exit());
    }

    /// Ends every window at `t`, before features are read at that time; says which windows something left, as bits
    /// of [`exit`].
    #[inline(always)]
    pub fn prepare(&mut self, t: i64) -> u8 {
        let exits = if t >= self.next_exit { self.advance(t) } else { 0 };
        if self.stale != 0 {
            self.refresh_levels();
        }
        if self.ladder.is_behind(self.versions) {
            let levels = self.frozen.as_ref().unwrap_or(&self.levels);
            self.ladder.take(self.versions, levels);
        }
        exits
    }

    #[inline(never)]
    fn advance(&mut self, t: i64) -> u8 {
        let tape = self.tape.next_exit();
        let book = self.next_exit_of_book();
        let mid = self.next_exit_of_mid();
        let left = |at: i64, bit: u8| if at <= t { bit } else { 0 };
        let exits = left(tape, exit::TAPE) | left(book, exit::BOOK) | left(mid, exit::MID);
        self.tape.advance(t);
        self.ofi.advance(t);
        self.mlofi.advance(t);
        self.limit.advance(t);
        self.added.advance(t);
        self.removed.advance(t);
        self.mids.advance(t);
        self.spreads.advance(t);
        self.markouts.advance(t);
        self.profile.refresh(&self.moments);
        self.next_exit = self.tape.next_exit().min(self.next_exit_of_book()).min(self.next_exit_of_mid());
        exits
    }

    fn next_exit_of_book(&self) -> i64 {
        let (ofi, mlofi, limit) = (self.ofi.next_exit(), self.mlofi.next_exit(), self.limit.next_exit());
        ofi.min(mlofi).min(limit).min(self.added.next_exit()).min(self.removed.next_exit())
    }

    fn next_exit_of_mid(&self) -> i64 {
        self.mids.next_exit().min(self.spreads.next_exit()).min(self.markouts.next_exit())
    }

    /// Starts a session now: windows, profile, moments and sums begin again, the book stays.
    pub fn start_session(&mut self) {
        self.session.start(self.now);
        self.clear_windows();
    }

    fn clear_windows(&mut self) {
        self.next_exit = i64::MIN;
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
