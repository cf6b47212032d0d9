//! The book by order.

use super::ladder::{Ladder, Level as _};
use super::list::List;
use super::queues::{Queue, Queues};
use super::{Book, Clear, Feed, Levels, PriceLevel, Touch, fold, index, is_side, touch_of};
use crate::event::{Event, Kind, PX_NONE, action, flag};

/// Orders that a book keeps unless told otherwise.
pub const MAX_ORDERS: usize = 1 << 19;

/// One resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Order id; 0 where the feed has none.
    pub id: i64,
    /// Price in ticks.
    pub px: i32,
    /// Displayed contracts.
    pub size: i32,
    /// Broker, 0 unknown.
    pub broker: i32,
    /// Side of the book.
    pub side: i8,
}

impl Order {
    /// The order that an add brings.
    #[must_use]
    pub const fn of(e: &Event) -> Self {
        Self { id: e.id, px: e.px, size: e.size, broker: e.ref_a, side: e.side }
    }

    /// The order after an edit; `None` when the result makes no sense.
    #[must_use]
    pub fn edited(&self, e: &Event) -> Option<Self> {
        let delta = e.has(flag::DELTA);
        let size = if delta { self.size.checked_add(e.size)? } else { e.size };
        let px = if e.px == PX_NONE { self.px } else { e.px };
        if size < 0 {
            return None;
        }
        let id = if e.id == 0 { self.id } else { e.id };
        let broker = if e.ref_a == 0 { self.broker } else { e.ref_a };
        Some(Self { id, px, size, broker, side: self.side })
    }
}

/// How the feed says which order it means.
#[derive(Debug, Clone, Default)]
enum Orders {
    #[default]
    None,
    ById(Queues),
    ByPosition(List),
}

impl Orders {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::ById(queues) => queues.len(),
            Self::ByPosition(list) => list.len(),
        }
    }
}

/// Orders and the levels they make, from `Order` records; see the [rules](super).
///
/// A record with `position` −1 names its order by id, one with a position from 0 on by its place from the best.
/// The first record after an empty book decides; records of the other scheme are then rejected.
///
/// - **By id.** An order added goes to the back of its price. An edit that adds size or changes the price loses
///   the place, one that takes size away keeps it, one to size 0 removes. Records about an id that is not there
///   are counted in [`OrderBook::unknown_ids`]; an add of an id that is there is rejected. `side` matters for
///   adds only.
/// - **By position.** Add at, edit, delete, delete-from: the list operations of `ProfitDLL`. An edit sets what it
///   carries: id and broker where not 0. A delete-from is the delete of position 0 as many times as it takes orders:
///   the one at its position and every better one, best first.
///
/// In both, `flag::DELTA` makes the size of an edit a signed change, and a price of `PX_NONE` is unchanged.
#[derive(Debug, Clone)]
pub struct OrderBook {
    /// Asks, bids.
    sides: [Ladder<Queue>; 2],
    orders: Orders,
    max_orders: usize,
    unknown_ids: u64,
    feed: Feed,
}

impl Default for OrderBook {
    fn default() -> Self {
        Self::new()
    }
}

impl OrderBook {
    /// An empty book that keeps [`MAX_ORDERS`] orders.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_orders(MAX_ORDERS)
    }

    /// An empty book that keeps at most this many orders, at least one.
    #[must_use]
    pub fn with_max_orders(max_orders: usize) -> Self {
        Self {
            sides: [Ladder::new(), Ladder::new()],
            orders: Orders::None,
            max_orders: max_orders.max(1),
            unknown_ids: 0,
            feed: Feed::new(),
        }
    }

    /// Edits and deletes of ids that were not in the book.
    #[must_use]
    pub const fn unknown_ids(&self) -> u64 {
        self.unknown_ids
    }

    /// Number of orders, shown or not.
    #[must_use]
    pub fn order_count(&self) -> usize {
        self.orders.len()
    }

    /// Number of orders that display something at a price of a side.
    #[must_use]
    pub fn orders_at(&self, side: i8, px: i32) -> u32 {
        let s = index(side);
        if self.feed.valid && px != PX_NONE { self.sides[s].get(fold(px, s)).orders } else { 0 }
    }

    /// The order with this id; in a book by position this looks through the lists.
    #[must_use]
    pub fn order(&self, id: i64) -> Option<Order> {
        match &self.orders {
            Orders::ById(queues) if self.feed.valid => queues.get(id).copied(),
            Orders::ByPosition(list) if self.feed.valid => list.find(id).copied(),
            _ => None,
        }
    }

    /// The order at this place counted from the best of its side; `None` in a book by id.
    #[must_use]
    pub fn order_at(&self, side: i8, position: usize) -> Option<Order> {
        match &self.orders {
            Orders::ByPosition(list) if self.feed.valid && is_side(side) => list.get(side, position).copied(),
            _ => None,
        }
    }

    /// Every order of a side in its priority, best first; empty while the book is invalid.
    #[must_use]
    pub fn orders(&self, side: i8) -> Vec<Order> {
        if !self.feed.valid || !is_side(side) {
            return Vec::new();
        }
        match &self.orders {
            Orders::None => Vec::new(),
            Orders::ById(queues) => queues.in_order(&self.sides[index(side)]),
            Orders::ByPosition(list) => list.in_order(side),
        }
    }

    /// Contracts and orders ahead of this one at its price; `None` when it is not in the book.
    #[must_use]
    pub fn queue_ahead(&self, id: i64) -> Option<(i64, u32)> {
        match &self.orders {
            Orders::ById(queues) if self.feed.valid => queues.ahead(id),
            Orders::ByPosition(list) if self.feed.valid => list.ahead(id),
            _ => None,
        }
    }

    /// One record by id; false when it is to be rejected.
    fn by_id(&mut self, e: &Event) -> bool {
        if self.orders.len() == 0 && !matches!(self.orders, Orders::ById(_)) {
            self.orders = Orders::ById(Queues::default());
        }
        let Orders::ById(queues) = &mut self.orders else { return false };
        match e.action {
            action::ADD => {
                let known = e.id == 0 || queues.get(e.id).is_some();
                if known || !is_side(e.side) || e.size <= 0 || e.px == PX_NONE {
                    return false;
                }
                queues.add(&mut self.sides, Order::of(e));
                self.limit(e.side);
            }
            action::EDIT => {
                let Some(old) = queues.get(e.id) else {
                    self.unknown_ids += 1;
                    return true;
                };
                let Some(order) = old.edited(e) else { return false };
                if order.size == 0 {
                    queues.remove(&mut self.sides, e.id);
                } else {
                    queues.edit(&mut self.sides, order);
                }
            }
            action::DELETE => self.unknown_ids += u64::from(!queues.remove(&mut self.sides, e.id)),
            _ => return false,
        }
        true
    }

    /// One record by position; false when it is to be rejected.
    fn by_position(&mut self, e: &Event) -> bool {
        if self.orders.len() == 0 && !matches!(self.orders, Orders::ByPosition(_)) {
            self.orders = Orders::ByPosition(List::default());
        }
        let Orders::ByPosition(list) = &mut self.orders else { return false };
        if !is_side(e.side) {
            return false;
        }
        let position = e.ref_b as usize;
        match e.action {
            action::ADD => {
                let done = e.size > 0 && e.px != PX_NONE && list.add(&mut self.sides, position, Order::of(e));
                if done {
                    self.limit(e.side);
                }
                done
            }
            action::EDIT => {
                let Some(order) = list.get(e.side, position).and_then(|old| old.edited(e)) else {
                    return false;
                };
                list.edit(&mut self.sides, position, order);
                true
            }
            action::DELETE => list.remove(&mut self.sides, e.side, position),
            _ => list.remove_from(&mut self.sides, e.side, position),
        }
    }

    fn limit(&mut self, side: i8) {
        if self.orders.len() <= self.max_orders {
            return;
        }
        self.feed.dropped += 1;
        let s = index(side);
        match &mut self.orders {
            Orders::ById(queues) => {
                if let Some(id) = queues.worst(&self.sides[s]) {
                    queues.remove(&mut self.sides, id);
                }
            }
            Orders::ByPosition(list) => list.drop_worst(&mut self.sides, s),
            Orders::None => {}
        }
    }

    #[cold]
    #[inline(never)]
    fn control(&mut self, e: &Event) {
        match self.feed.control(e, Kind::Order) {
            Clear::Nothing => {}
            Clear::Both => {
                self.orders = Orders::None;
                self.sides.iter_mut().for_each(Ladder::clear);
            }
            Clear::Side(s) => {
                match &mut self.orders {
                    Orders::ById(queues) => queues.clear_side(&mut self.sides, s),
                    Orders::ByPosition(list) => list.clear_side(s),
                    Orders::None => {}
                }
                self.sides[s].clear();
            }
        }
    }
}

impl Book for OrderBook {
    #[inline]
    fn apply(&mut self, e: &Event) {
        let is_update = e.action.wrapping_sub(action::ADD) <= action::DELETE_FROM - action::ADD;
        if e.kind != Kind::Order as u8 || !is_update {
            if e.kind != Kind::Trade as u8 && e.kind != Kind::Quote as u8 {
                self.control(e);
            }
            return;
        }
        let done = match e.ref_b {
            -1 => self.by_id(e),
            0.. => self.by_position(e),
            _ => false,
        };
        self.feed.rejected += u64::from(!done);
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
        let best = |s: usize| self.sides[s].best().map(|(key, q)| (key, q.size));
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
        if self.feed.valid && px != PX_NONE { self.sides[s].get(fold(px, s)).size } else { 0 }
    }
}
