//! The books against naive models: ordered maps and plain vectors, rebuilt after every packet.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qt_core::book::{Book, L2Book, OrderBook, PriceLevel, Touch};
use qt_core::event::{Event, Kind, PX_NONE, action, flag, phase, side};

const SIDES: [i8; 2] = [side::SELL, side::BUY];

/// What both naive books share: validity, counters, packets.
#[derive(Default)]
struct NaiveFeed {
    invalid: bool,
    in_snapshot: bool,
    gaps: u64,
    rejected: u64,
    held: Vec<Event>,
}

trait Naive: Default {
    const KIND: Kind;
    fn feed(&mut self) -> &mut NaiveFeed;
    fn change(&mut self, e: &Event) -> bool;
    fn clear(&mut self, side: i8);
    /// Price to contracts, of one side.
    fn levels(&self, side: i8) -> BTreeMap<i32, i64>;

    fn update(&mut self, e: &Event) {
        self.feed().held.push(*e);
        if e.flags & flag::MORE == 0 {
            for e in std::mem::take(&mut self.feed().held) {
                self.apply(&e);
            }
        }
    }

    fn apply(&mut self, e: &Event) {
        let own = e.kind == Self::KIND as u8;
        if e.kind == Kind::Gap as u8 {
            self.feed().gaps += 1;
            self.feed().invalid = true;
            self.feed().in_snapshot = false;
        } else if e.kind == Kind::Session as u8 && e.action == phase::ROLL {
            self.clear(0);
            self.feed().invalid = false;
            self.feed().in_snapshot = false;
        } else if own && e.action == action::CLEAR && (-1..=1).contains(&e.side) {
            self.clear(e.side);
            if e.side == 0 {
                self.feed().invalid = false;
                self.feed().in_snapshot = false;
            }
        } else if own && e.action == action::SNAPSHOT_BEGIN {
            self.clear(0);
            self.feed().invalid = true;
            self.feed().in_snapshot = true;
        } else if own && e.action == action::SNAPSHOT_END && self.feed().in_snapshot {
            self.feed().invalid = false;
            self.feed().in_snapshot = false;
        } else if own && !self.change(e) {
            self.feed().rejected += 1;
        }
    }

    fn shown(&mut self, side: i8) -> Vec<PriceLevel> {
        if self.feed().invalid {
            return Vec::new();
        }
        let levels = self.levels(side).into_iter().map(|(px, size)| PriceLevel { px, size });
        if side == side::BUY { levels.rev().collect() } else { levels.collect() }
    }

    fn touch(&mut self) -> Touch {
        let best = |levels: Vec<PriceLevel>| levels.first().map_or((PX_NONE, 0), |l| (l.px, l.size));
        let (bid_px, bid_sz) = best(self.shown(side::BUY));
        let (ask_px, ask_sz) = best(self.shown(side::SELL));
        Touch { bid_px, bid_sz, ask_px, ask_sz }
    }
}

#[derive(Default)]
struct NaiveLevels {
    feed: NaiveFeed,
    sides: [BTreeMap<i32, i64>; 2],
    max: Option<usize>,
    dropped: u64,
}

impl Naive for NaiveLevels {
    const KIND: Kind = Kind::Level;

    fn feed(&mut self) -> &mut NaiveFeed {
        &mut self.feed
    }

    fn change(&mut self, e: &Event) -> bool {
        let deletes = e.action == action::DELETE;
        let known = deletes || e.action == action::ADD || e.action == action::EDIT;
        if !known
            || !SIDES.contains(&e.side)
            || e.px == PX_NONE
            || (!deletes && e.size < 0)
            || e.has(flag::DELTA)
        {
            return false;
        }
        let levels = &mut self.sides[usize::from(e.side == side::BUY)];
        if deletes || e.size == 0 {
            levels.remove(&e.px);
        } else {
            levels.insert(e.px, i64::from(e.size));
        }
        if self.max.is_some_and(|max| levels.len() > max) {
            if e.side == side::BUY {
                levels.pop_first()
            } else {
                levels.pop_last()
            };
            self.dropped += 1;
        }
        true
    }

    fn clear(&mut self, side: i8) {
        for s in SIDES.into_iter().filter(|&s| side == 0 || side == s) {
            self.sides[usize::from(s == side::BUY)].clear();
        }
    }

    fn levels(&self, side: i8) -> BTreeMap<i32, i64> {
        self.sides[usize::from(side == side::BUY)].clone()
    }
}

#[derive(Debug, Clone, Copy)]
struct NaiveOrder {
    id: i64,
    side: i8,
    px: i32,
    size: i32,
}

/// Orders in order of priority within their price, whatever the price.
#[derive(Default)]
struct NaiveById {
    feed: NaiveFeed,
    orders: Vec<NaiveOrder>,
    unknown: u64,
}

impl NaiveById {
    fn ahead(&self, id: i64) -> Option<(i64, u32)> {
        let at = self.orders.iter().position(|o| o.id == id)?;
        let me = self.orders[at];
        let before = self.orders[..at].iter().filter(|o| (o.side, o.px) == (me.side, me.px));
        Some(before.fold((0, 0), |(size, n), o| (size + i64::from(o.size), n + 1)))
    }
}

fn sum(orders: &[NaiveOrder], side: i8) -> BTreeMap<i32, i64> {
    let mut out = BTreeMap::new();
    for o in orders.iter().filter(|o| o.side == side && o.size > 0) {
        *out.entry(o.px).or_insert(0) += i64::from(o.size);
    }
    out
}

fn edit(old: NaiveOrder, e: &Event) -> Option<NaiveOrder> {
    let delta = e.has(flag::DELTA);
    let size = if delta { i64::from(old.size) + i64::from(e.size) } else { i64::from(e.size) };
    let px = if e.px == PX_NONE { old.px } else { e.px };
    let size = i32::try_from(size).ok().filter(|&s| s >= 0)?;
    Some(NaiveOrder { px, size, ..old })
}

impl Naive for NaiveById {
    const KIND: Kind = Kind::Order;

    fn feed(&mut self) -> &mut NaiveFeed {
        &mut self.feed
    }

    fn change(&mut self, e: &Event) -> bool {
        if e.ref_b != -1 {
            return false;
        }
        let at = self.orders.iter().position(|o| o.id == e.id);
        match (e.action, at) {
            (action::ADD, None) => {
                let good = e.id != 0 && SIDES.contains(&e.side) && e.size > 0 && e.px != PX_NONE;
                if good {
                    self.orders.push(NaiveOrder { id: e.id, side: e.side, px: e.px, size: e.size });
                }
                return good;
            }
            (action::EDIT, Some(at)) => {
                let old = self.orders[at];
                let Some(new) = edit(old, e) else { return false };
                if new.size == 0 {
                    self.orders.remove(at);
                } else if new.px != old.px || new.size > old.size {
                    self.orders.remove(at);
                    self.orders.push(new);
                } else {
                    self.orders[at] = new;
                }
            }
            (action::DELETE, Some(at)) => {
                self.orders.remove(at);
            }
            (action::EDIT | action::DELETE, None) => self.unknown += 1,
            _ => return false,
        }
        true
    }

    fn clear(&mut self, side: i8) {
        self.orders.retain(|o| side != 0 && o.side != side);
    }

    fn levels(&self, side: i8) -> BTreeMap<i32, i64> {
        sum(&self.orders, side)
    }
}

/// One list per side, worst first.
#[derive(Default)]
struct NaiveByPosition {
    feed: NaiveFeed,
    sides: [Vec<NaiveOrder>; 2],
}

impl Naive for NaiveByPosition {
    const KIND: Kind = Kind::Order;

    fn feed(&mut self) -> &mut NaiveFeed {
        &mut self.feed
    }

    fn change(&mut self, e: &Event) -> bool {
        if !SIDES.contains(&e.side) || e.ref_b < 0 {
            return false;
        }
        let list = &mut self.sides[usize::from(e.side == side::BUY)];
        let (p, n) = (e.ref_b as usize, list.len());
        let good = p < n;
        match e.action {
            action::ADD if p <= n && e.size > 0 && e.px != PX_NONE => {
                list.insert(n - p, NaiveOrder { id: e.id, side: e.side, px: e.px, size: e.size });
                return true;
            }
            action::EDIT if good => {
                let Some(mut new) = edit(list[n - 1 - p], e) else { return false };
                new.id = if e.id == 0 { new.id } else { e.id };
                list[n - 1 - p] = new;
            }
            action::DELETE if good => {
                list.remove(n - 1 - p);
            }
            action::DELETE_FROM if good => list.truncate(n - 1 - p),
            _ => return false,
        }
        good
    }

    fn clear(&mut self, side: i8) {
        for s in SIDES.into_iter().filter(|&s| side == 0 || side == s) {
            self.sides[usize::from(s == side::BUY)].clear();
        }
    }

    fn levels(&self, side: i8) -> BTreeMap<i32, i64> {
        sum(&self.sides[usize::from(side == side::BUY)], side)
    }
}

fn same<B: Book, N: Naive>(book: &B, naive: &mut N) {
    assert_eq!(book.touch(), naive.touch());
    for s in SIDES {
        let shown = naive.shown(s);
        assert_eq!(book.levels(s).collect::<Vec<_>>(), shown);
        for l in shown {
            assert_eq!(book.size_at(s, l.px), l.size);
            assert_eq!(
                book.size_at(s, l.px ^ 0x40_0000),
                naive.levels(s).get(&(l.px ^ 0x40_0000)).copied().unwrap_or(0)
            );
        }
    }
    let feed = naive.feed();
    assert_eq!(
        (book.feed().valid, book.feed().gaps, book.feed().rejected),
        (!feed.invalid, feed.gaps, feed.rejected)
    );
}

/// Prices around a few centres, so that the windows move, with the extremes among them.
fn price() -> impl Strategy<Value = i32> {
    prop_oneof![
        20 => 10_790..10_812,
        4 => 9_000..14_000,
        2 => 1_000_000..1_000_020,
        2 => -50_000..-49_990,
        1 => prop_oneof![Just(PX_NONE), Just(i32::MIN + 1), Just(i32::MAX), any::<i32>()],
    ]
}

fn control(own: Kind) -> impl Strategy<Value = Event> {
    let own = own as u8;
    prop_oneof![
        3 => Just((own, action::SNAPSHOT_BEGIN, 0)),
        5 => Just((own, action::SNAPSHOT_END, 0)),
        3 => (-1..=2_i8).prop_map(move |s| (own, action::CLEAR, s)),
        3 => Just((Kind::Gap as u8, 0, 0)),
        1 => Just((Kind::Session as u8, phase::ROLL, 0)),
        1 => Just((Kind::Session as u8, phase::OPEN, 0)),
        1 => Just((Kind::Trade as u8, action::ADD, 1)),
        1 => Just((own, 0, 1)),
        1 => Just((own, 9, 1)),
    ]
    .prop_map(|(kind, action, side)| Event {
        kind,
        action,
        side,
        size: 1,
        px: 10_800,
        ref_b: -1,
        ..Event::default()
    })
}

fn more() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(0), 1 => Just(flag::MORE)]
}

fn side_code() -> impl Strategy<Value = i8> {
    prop_oneof![20 => Just(1_i8), 20 => Just(-1_i8), 1 => Just(0_i8), 1 => Just(2_i8)]
}

fn level_event() -> impl Strategy<Value = Event> {
    let update =
        (price(), prop_oneof![3 => Just(0), 10 => 1..50_i32, 1 => Just(-1)], side_code(), 1..=3_u8, more())
            .prop_map(|(px, size, side, action, flags)| Event {
                kind: Kind::Level as u8,
                px,
                size,
                side,
                action,
                flags,
                ..Event::default()
            });
    prop_oneof![60 => update, 1 => control(Kind::Level)]
}

fn order_event(by_id: bool) -> impl Strategy<Value = Event> {
    let position = if by_id { Just(-1).boxed() } else { prop_oneof![8 => 0..6_i32, 1 => -1..40_i32].boxed() };
    let actions = if by_id { 1..=3_u8 } else { 1..=4_u8 };
    let flags = (more(), prop_oneof![3 => Just(0), 1 => Just(flag::DELTA)]).prop_map(|(a, b)| a | b);
    // Few prices, sizes and ids, so that queues form and edits meet orders.
    let px = prop_oneof![10 => 10_800..10_803, 3 => price()];
    let update = (px, prop_oneof![-3..6_i32, 1..4_i32], side_code(), actions, flags, 0..20_i64, position)
        .prop_map(|(px, size, side, action, flags, id, ref_b)| Event {
            kind: Kind::Order as u8,
            px,
            size,
            side,
            action,
            flags,
            id,
            ref_b,
            ..Event::default()
        });
    prop_oneof![60 => update, 1 => control(Kind::Order)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn levels_equal_the_map(events in prop::collection::vec(level_event(), 1..300), max in 1..12_usize) {
        let (mut book, mut naive) = (L2Book::new(), NaiveLevels::default());
        let (mut small, mut naive_small) = (L2Book::with_max_levels(max), NaiveLevels { max: Some(max), ..Default::default() });
        for e in &events {
            book.update(e);
            naive.update(e);
            same(&book, &mut naive);
            small.update(e);
            naive_small.update(e);
            same(&small, &mut naive_small);
            prop_assert_eq!(small.feed().dropped, naive_small.dropped);
        }
    }

    #[test]
    fn orders_by_id_equal_the_list(events in prop::collection::vec(order_event(true), 1..300)) {
        let (mut book, mut naive) = (OrderBook::new(), NaiveById::default());
        for e in &events {
            book.update(e);
            naive.update(e);
            same(&book, &mut naive);
            prop_assert_eq!(book.unknown_ids(), naive.unknown);
            prop_assert_eq!(book.order_count(), naive.orders.len());
            for id in 0..20 {
                let expected = if naive.feed.invalid { None } else { naive.ahead(id) };
                prop_assert_eq!(book.queue_ahead(id), expected);
            }
        }
    }

    #[test]
    fn orders_by_position_equal_the_list(events in prop::collection::vec(order_event(false), 1..300)) {
        // Records by id inside a stream by position have no meaning in the model: an empty book would adopt them.
        let events: Vec<_> = events.into_iter().filter(|e| e.kind != Kind::Order as u8 || e.ref_b >= 0 || e.action > 4).collect();
        let (mut book, mut naive) = (OrderBook::new(), NaiveByPosition::default());
        for e in &events {
            book.update(e);
            naive.update(e);
            same(&book, &mut naive);
            prop_assert_eq!(book.order_count(), naive.sides[0].len() + naive.sides[1].len());
        }
    }

    #[test]
    fn chunks_do_not_matter(events in prop::collection::vec(level_event(), 1..200), cuts in prop::collection::vec(0..200_usize, 0..8)) {
        let mut one_by_one = L2Book::new();
        for e in &events {
            one_by_one.update(e);
        }
        let mut chunked = L2Book::new();
        let mut cuts: Vec<_> = cuts.into_iter().map(|c| c.min(events.len())).chain([0, events.len()]).collect();
        cuts.sort_unstable();
        cuts.windows(2).for_each(|w| chunked.update_many(&events[w[0]..w[1]]));
        prop_assert_eq!(chunked.touch(), one_by_one.touch());
        for s in SIDES {
            prop_assert!(chunked.levels(s).eq(one_by_one.levels(s)));
        }
        prop_assert_eq!(chunked.feed().rejected, one_by_one.feed().rejected);
    }
}

fn order(action: u8, side: i8, position: i32, px: i32, size: i32, id: i64) -> Event {
    Event { kind: Kind::Order as u8, action, side, ref_b: position, px, size, id, ..Event::default() }
}

#[test]
fn a_sweep_by_position() {
    let mut book = OrderBook::new();
    for e in [
        order(action::ADD, side::SELL, 0, 105, 10, 1),
        order(action::ADD, side::SELL, 0, 104, 5, 2),
        order(action::ADD, side::SELL, 0, 104, 7, 3), // ahead of order 2 in the list
        order(action::ADD, side::SELL, 3, 110, 1, 4), // at the very bottom
        order(action::ADD, side::BUY, 0, 103, 9, 5),
    ] {
        book.update(&e);
    }
    assert_eq!(book.touch(), Touch { bid_px: 103, bid_sz: 9, ask_px: 104, ask_sz: 12 });
    assert_eq!(book.queue_ahead(2), Some((7, 1)));
    assert_eq!(book.orders_at(side::SELL, 104), 2);
    let edit = order(action::EDIT, side::SELL, 1, PX_NONE, -2, 0);
    book.update(&Event { flags: flag::DELTA, ..edit });
    assert_eq!(book.size_at(side::SELL, 104), 10);
    book.update(&order(action::DELETE_FROM, side::SELL, 1, 0, 0, 0)); // the two best ones
    assert_eq!(book.touch(), Touch { bid_px: 103, bid_sz: 9, ask_px: 105, ask_sz: 10 });
    book.update(&order(action::DELETE_FROM, side::SELL, 2, 0, 0, 0)); // only two are left
    assert_eq!((book.feed().rejected, book.order_count()), (1, 3));
}

#[test]
fn queue_priority_by_id() {
    let mut book = OrderBook::new();
    for (id, size) in [(1, 10), (2, 20), (3, 30)] {
        book.update(&order(action::ADD, side::BUY, -1, 100, size, id));
    }
    assert_eq!(book.queue_ahead(3), Some((30, 2)));
    book.update(&order(action::EDIT, side::BUY, -1, 100, 4, 1)); // less size keeps the place
    assert_eq!((book.queue_ahead(1), book.queue_ahead(3)), (Some((0, 0)), Some((24, 2))));
    book.update(&order(action::EDIT, side::BUY, -1, 100, 5, 1)); // more size loses it
    assert_eq!((book.queue_ahead(1), book.queue_ahead(2)), (Some((50, 2)), Some((0, 0))));
    book.update(&order(action::DELETE, side::BUY, -1, 0, 0, 9));
    assert_eq!((book.unknown_ids(), book.queue_ahead(9)), (1, None));
    assert_eq!(book.touch().bid_sz, 55);
}

#[test]
fn the_two_schemes_do_not_mix() {
    let mut book = OrderBook::new();
    book.update(&order(action::ADD, side::BUY, -1, 100, 1, 1));
    book.update(&order(action::ADD, side::BUY, 0, 101, 1, 2));
    assert_eq!((book.feed().rejected, book.touch().bid_px), (1, 100));
    book.update(&order(action::DELETE, side::BUY, -1, 0, 0, 1));
    book.update(&order(action::ADD, side::BUY, 0, 101, 1, 2)); // an empty book takes either
    assert_eq!((book.feed().rejected, book.touch().bid_px), (1, 101));
}

#[test]
fn a_full_book_drops_the_worst_orders_and_counts_them() {
    let mut book = OrderBook::with_max_orders(3);
    for (id, px) in [(1, 100), (2, 101), (3, 99), (4, 102), (5, 50)] {
        book.update(&order(action::ADD, side::BUY, -1, px, 1, id));
    }
    let shown: Vec<_> = book.levels(side::BUY).map(|l| l.px).collect();
    assert_eq!((shown, book.feed().dropped), (vec![102, 101, 100], 2));
    let mut list = OrderBook::with_max_orders(2);
    for px in [100, 101, 102] {
        list.update(&order(action::ADD, side::BUY, 0, px, 1, 0));
    }
    let shown: Vec<_> = list.levels(side::BUY).map(|l| l.px).collect();
    assert_eq!((shown, list.feed().dropped), (vec![102, 101], 1));
}

#[test]
fn a_gap_hides_the_book_until_the_image_is_complete() {
    let level =
        |action, px, size| Event { kind: Kind::Level as u8, action, side: 1, px, size, ..Event::default() };
    let bound = |action| Event { kind: Kind::Level as u8, action, ..Event::default() };
    let mut book = L2Book::new();
    book.update(&level(action::ADD, 100, 5));
    book.update(&Event { kind: Kind::Gap as u8, ..Event::default() });
    assert_eq!((book.feed().valid, book.feed().gaps, book.touch()), (false, 1, Touch::NONE));
    book.update(&bound(action::SNAPSHOT_END)); // an end without a beginning proves nothing
    assert_eq!((book.feed().valid, book.feed().rejected), (false, 1));
    book.update(&bound(action::SNAPSHOT_BEGIN));
    book.update(&level(action::ADD, 90, 3));
    assert_eq!((book.feed().valid, book.touch()), (false, Touch::NONE));
    book.update(&bound(action::SNAPSHOT_END));
    assert_eq!((book.feed().valid, book.touch().bid_px, book.touch().bid_sz), (true, 90, 3));
}

#[test]
fn memory_is_bounded_whatever_the_price_does() {
    let mut book = L2Book::with_max_levels(1000);
    for i in 0..200_000_i32 {
        let px = i.wrapping_mul(7_919_777) | 1;
        book.update(&Event {
            kind: Kind::Level as u8,
            action: action::ADD,
            side: 1,
            px,
            size: 1,
            ..Event::default()
        });
    }
    assert_eq!((book.level_count(1), book.feed().dropped), (1000, 199_000));
}
