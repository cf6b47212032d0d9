//! All state that features share, brought up to date once per event.

mod book;
mod packet;
mod time;
mod trade;
mod wants;

use qt_core::book::{Book, L2Book, Order, OrderBook, PriceLevel};
use qt_core::event::{Event, Kind, Trade};

use crate::added::Added;
use crate::bars::{Bar, BarBuilder};
use crate::detect::{DetectorSettings, Detectors};
use crate::footprint::{Footprint, Footprints};
use crate::ladder::{Ladder, SideDepth};
use crate::levels::Edit;
use crate::limit::LimitFlow;
use crate::markout::Markouts;
use crate::mid::Mids;
use crate::mlofi::{Levels, Mlofi};
use crate::moments::Moments;
use crate::ofi::Ofi;
use crate::parent::{Parent, Parents};
use crate::profile::Profile;
use crate::removed::Removed;
use crate::rows::Rows;
use crate::session::Session;
use crate::spread::Spreads;
use crate::tape::{Print, Tape};
use crate::touch::Touch;

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

/// Before these times nothing leaves the windows: the parts of [`exit`].
#[derive(Debug, Clone, Copy)]
struct Exits {
    tape: i64,
    book: i64,
    mid: i64,
}

impl Default for Exits {
    /// Everything is looked at once.
    fn default() -> Self {
        Self { tape: i64::MIN, book: i64::MIN, mid: i64::MIN }
    }
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
    exits: Exits,
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
}

impl Flow {
    /// State of a new engine.
    pub fn new(rlp: RlpSign) -> Self {
        Self { rlp, wants_touch: rlp == RlpSign::Quote, ..Self::default() }
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

    /// Thresholds of the detectors.
    #[inline]
    pub fn detector_settings(&self) -> &DetectorSettings {
        &self.detector_settings
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

    /// Levels of a side that are better than a price, after the last record; counted up to `most`.
    pub fn levels_before(&self, side: i8, px: i32, most: usize) -> usize {
        let better = |l: &PriceLevel| if side > 0 { l.px > px } else { l.px < px };
        match &self.source {
            Source::Quotes => 0,
            Source::Levels(book) => book.levels(side).take(most).take_while(better).count(),
            Source::Orders(book) => book.levels(side).take(most).take_while(better).count(),
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
}
