//! Order books: by price level ([`L2Book`]) and by order ([`OrderBook`]).
//!
//! Both follow the same rules:
//!
//! - A packet is atomic for readers: records with `flag::MORE` show only once the packet has ended.
//! - A gap marker makes the book invalid until a snapshot is complete or both sides are cleared. An invalid book
//!   shows nothing: neither touch nor levels.
//! - A session marker with phase `ROLL` empties the book: the next contract has a book of its own.
//! - A record that makes no sense is left out and counted in [`Feed::rejected`]; nothing is raised per event.
//! - Memory is bounded. What does not fit is dropped at the far end, and counted in [`Feed::dropped`].

mod by_order;
mod l2;
mod ladder;
mod list;
mod queues;

pub use by_order::{MAX_ORDERS, Order, OrderBook};
pub use l2::{L2Book, MAX_LEVELS};

use crate::event::{Event, Kind, PX_NONE, action, phase};
use ladder::{Descending, Level};

/// Records of one packet that are held back; a longer packet shows in pieces.
pub const MAX_PACKET: usize = 1 << 16;

/// Best price and size of both sides; a missing side is (`PX_NONE`, 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// Best bid in ticks.
    pub bid_px: i32,
    /// Contracts at the best bid.
    pub bid_sz: i64,
    /// Best ask in ticks.
    pub ask_px: i32,
    /// Contracts at the best ask.
    pub ask_sz: i64,
}

impl Touch {
    /// Neither side is there.
    pub const NONE: Self = Self { bid_px: PX_NONE, bid_sz: 0, ask_px: PX_NONE, ask_sz: 0 };

    /// Both sides are there and the bid is below the ask.
    #[inline(always)]
    #[must_use]
    pub const fn is_defined(&self) -> bool {
        self.bid_px != PX_NONE && self.ask_px != PX_NONE && self.bid_px < self.ask_px
    }
}

/// One price of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceLevel {
    /// Price in ticks.
    pub px: i32,
    /// Displayed contracts.
    pub size: i64,
}

/// What a book knows about the feed that makes it.
#[derive(Debug, Clone)]
pub struct Feed {
    /// False after a gap and inside a snapshot.
    pub valid: bool,
    /// Gap markers seen.
    pub gaps: u64,
    /// Records left out because they make no sense: bad side, price, size, action or position.
    pub rejected: u64,
    /// Levels or orders dropped at the far end because the book was full.
    pub dropped: u64,
    in_snapshot: bool,
    pending: Vec<Event>,
}

/// What a control record asks of the book that holds the [`Feed`].
#[derive(PartialEq, Eq)]
enum Clear {
    Nothing,
    Both,
    Side(usize),
}

impl Feed {
    fn new() -> Self {
        Self { valid: true, gaps: 0, rejected: 0, dropped: 0, in_snapshot: false, pending: Vec::new() }
    }

    /// Handles the records that are no updates: gaps, rolls, clears and snapshot bounds; `own` is the book's kind.
    #[cold]
    fn control(&mut self, e: &Event, own: Kind) -> Clear {
        if e.kind == Kind::Gap as u8 {
            self.gaps += 1;
            self.valid = false;
            self.in_snapshot = false;
        } else if e.kind == Kind::Session as u8 && e.action == phase::ROLL {
            return self.restart(true);
        } else if e.kind == own as u8 {
            match e.action {
                action::CLEAR if e.side == 0 => return self.restart(true),
                action::CLEAR if is_side(e.side) => return Clear::Side(index(e.side)),
                action::SNAPSHOT_BEGIN => {
                    self.in_snapshot = true;
                    self.valid = false;
                    return Clear::Both;
                }
                action::SNAPSHOT_END if self.in_snapshot => {
                    self.restart(true);
                }
                _ => self.rejected += 1,
            }
        }
        Clear::Nothing
    }

    fn restart(&mut self, valid: bool) -> Clear {
        self.valid = valid;
        self.in_snapshot = false;
        Clear::Both
    }
}

/// A book that events make.
pub trait Book {
    /// Applies one record at once, packets notwithstanding: for engines that read only between packets.
    fn apply(&mut self, e: &Event);

    /// What is known about the feed.
    fn feed(&self) -> &Feed;

    /// What is known about the feed, to be changed by the provided methods only.
    #[doc(hidden)]
    fn feed_mut(&mut self) -> &mut Feed;

    /// Best price and size of both sides, in constant time.
    fn touch(&self) -> Touch;

    /// Levels of a side (`side::BUY` or `side::SELL`), best first, without a copy.
    fn levels(&self, side: i8) -> impl Iterator<Item = PriceLevel> + '_;

    /// Displayed contracts at a price of a side; 0 where there is no level.
    fn size_at(&self, side: i8, px: i32) -> i64;

    /// Shows the best `levels` levels of a side to `see`, best first, as (rank from 0, level): quicker than
    /// [`Book::levels`] for a few.
    fn for_best(&self, side: i8, levels: usize, see: impl FnMut(usize, PriceLevel));

    /// Applies one record; a packet shows when it has ended.
    #[inline]
    fn update(&mut self, e: &Event) {
        if e.ends_packet() {
            if !self.feed().pending.is_empty() {
                self.flush();
            }
            self.apply(e);
        } else {
            if self.feed().pending.len() == MAX_PACKET {
                self.flush();
            }
            self.feed_mut().pending.push(*e);
        }
    }

    /// Applies records in order; the same as [`Book::update`] of each.
    #[inline(never)] // a loop of its own keeps its state in registers
    fn update_many(&mut self, events: &[Event]) {
        let ended = events.iter().rposition(Event::ends_packet).map_or(0, |i| i + 1);
        if ended > 0 {
            self.flush();
        }
        // Nobody reads before the last packet has ended, so nothing needs to be held back until there.
        for e in &events[..ended] {
            self.apply(e);
        }
        for e in &events[ended..] {
            self.update(e);
        }
    }

    /// Applies what is held back of an unfinished packet.
    #[doc(hidden)]
    fn flush(&mut self) {
        let mut held = std::mem::take(&mut self.feed_mut().pending);
        for e in &held {
            self.apply(e);
        }
        held.clear();
        self.feed_mut().pending = held;
    }
}

#[inline(always)]
const fn is_side(side: i8) -> bool {
    side == 1 || side == -1
}

/// 1 for the bid side, 0 for the ask side.
#[inline(always)]
const fn index(side: i8) -> usize {
    (side > 0) as usize
}

/// Price as a key that is greater the better it is, and back: bids as they are, asks negated. No branch, because
/// the side of the next update is a coin flip.
#[inline(always)]
const fn fold(px: i32, index: usize) -> i32 {
    let mask = index as i32 - 1;
    (px ^ mask) - mask
}

fn touch_of(bid: Option<(i32, i64)>, ask: Option<(i32, i64)>) -> Touch {
    let (bid_px, bid_sz) = bid.unwrap_or((PX_NONE, 0));
    let (ask_px, ask_sz) = ask.map_or((PX_NONE, 0), |(key, size)| (fold(key, 0), size));
    Touch { bid_px, bid_sz, ask_px, ask_sz }
}

/// Iterator over the levels of one side, best first.
struct Levels<'a, L>(Option<Descending<'a, L>>, usize);

impl<L: Level> Iterator for Levels<'_, L> {
    type Item = PriceLevel;

    #[inline]
    fn next(&mut self) -> Option<PriceLevel> {
        self.0.as_mut()?.next().map(|(key, level)| PriceLevel { px: fold(key, self.1), size: level.size() })
    }
}
