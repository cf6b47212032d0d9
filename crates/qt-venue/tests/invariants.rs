//! What must hold for any market and any orders.

#![allow(clippy::unwrap_used)] // a test may unwrap
#![allow(clippy::iter_over_hash_type)] // the checks do not depend on the order

use std::collections::HashMap;

use proptest::prelude::*;
use qt_core::Event;
use qt_core::book::{Book, L2Book};
use qt_core::event::{Kind, PX_NONE, action, flag};
use qt_venue::{
    Config, NewOrder, OrderType, QueueModel, Report, SessionSpec, Status, Venue, generate_session,
};

/// An order to send before the event with this index.
#[derive(Debug, Clone, Copy)]
struct Plan {
    at: usize,
    side: i8,
    size: i64,
    kind: OrderType,
    /// Ticks from the touch of the other side: positive is more passive.
    offset: i32,
    reduce_only: bool,
    cancel_after: Option<usize>,
}

/// The limit of a stop-limit: at its trigger.
const fn limit(kind: OrderType, px: i32) -> i32 {
    if matches!(kind, OrderType::StopLimit) { px } else { PX_NONE }
}

fn plans(events: usize) -> impl Strategy<Value = Vec<Plan>> {
    let kind = prop_oneof![
        Just(OrderType::Market),
        Just(OrderType::Limit),
        Just(OrderType::Stop),
        Just(OrderType::StopLimit)
    ];
    let plan = (
        100..events,
        any::<bool>(),
        1i64..120,
        kind,
        -3i32..6,
        prop::bool::weighted(0.2),
        prop::option::of(1usize..400),
    );
    prop::collection::vec(plan, 1..40).prop_map(|plans| {
        let mut plans: Vec<Plan> = plans
            .into_iter()
            .map(|(at, buy, size, kind, offset, reduce_only, cancel_after)| Plan {
                at,
                side: if buy { 1 } else { -1 },
                size,
                kind,
                offset,
                reduce_only,
                cancel_after,
            })
            .collect();
        plans.sort_by_key(|p| p.at);
        plans
    })
}

/// A report, and the index of the event whose processing made it.
type Log = Vec<(usize, Report)>;

/// What was sent: order, time, limit.
type Sent = HashMap<i64, (Plan, i64, i32)>;

fn run(events: &[Event], plans: &[Plan], config: Config) -> (Log, Sent, Venue) {
    let mut venue = Venue::new(config).unwrap();
    let (mut log, mut sent) = (Log::new(), Sent::new());
    let mut cancels: Vec<(usize, i64)> = Vec::new();
    let mut next = 0;
    for (i, e) in events.iter().enumerate() {
        while next < plans.len() && plans[next].at <= i {
            let (id, plan) = (next as i64 + 1, plans[next]);
            next += 1;
            let t = venue.best();
            let touch = if plan.side > 0 { t.ask_px } else { t.bid_px };
            if touch == PX_NONE {
                continue;
            }
            let away = if matches!(plan.kind, OrderType::Stop | OrderType::StopLimit) {
                -plan.offset
            } else {
                plan.offset
            };
            let px =
                if plan.kind == OrderType::Market { PX_NONE } else { touch - i32::from(plan.side) * away };
            let order = NewOrder {
                client_id: id,
                side: plan.side,
                size: plan.size,
                kind: plan.kind,
                px,
                limit_px: limit(plan.kind, px),
                reduce_only: plan.reduce_only,
            };
            venue.submit(order, venue.now_ns()).unwrap();
            sent.insert(id, (plan, venue.now_ns(), px));
            cancels.extend(plan.cancel_after.map(|n| (i + n, id)));
        }
        cancels.retain(|(at, id)| {
            if *at == i {
                venue.cancel(*id, venue.now_ns()).unwrap();
            }
            *at != i
        });
        venue.update(e).unwrap();
        log.extend(venue.take_reports().into_iter().map(|r| (i, r)));
    }
    (log, sent, venue)
}

fn session(seed: u64) -> Vec<Event> {
    let spec =
        SessionSpec { seed, max_events: 4_000, intensity: 400, volatility: 200, ..SessionSpec::default() };
    generate_session(&spec).unwrap()
}

fn models() -> impl Strategy<Value = QueueModel> {
    prop_oneof![Just(QueueModel::Pessimistic), Just(QueueModel::Proportional), Just(QueueModel::Exact)]
}

/// Contracts that ever stood or came at a level: no more can be taken from it.
fn ever_displayed(events: &[Event]) -> HashMap<(i8, i32), i64> {
    let (mut book, mut total) = (HashMap::new(), HashMap::new());
    for e in events.iter().filter(|e| e.kind() == Some(Kind::Level) && e.side != 0) {
        let size = if e.action == action::DELETE { 0 } else { i64::from(e.size) };
        let old = book.insert((e.side, e.px), size).unwrap_or(0);
        *total.entry((e.side, e.px)).or_insert(0) += (size - old).max(0);
    }
    total
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn accounting_holds(
        seed in 0u64..1_000, plans in plans(4_000), queue in models(), latency_ns in 0i64..20_000_000,
    ) {
        let events = session(seed);
        let config = Config { queue, latency_ns, fee: 0.5, ..Config::default() };
        let (log, sent, venue) = run(&events, &plans, config);
        let mut filled: HashMap<i64, i64> = HashMap::new();
        let mut ended: HashMap<i64, i64> = HashMap::new();
        let (mut position, mut clock) = (0, i64::MIN);
        for (k, (_, r)) in log.iter().enumerate() {
            prop_assert_eq!(r.id, k as i64 + 1);
            prop_assert!(r.ts >= clock, "time runs forward");
            clock = r.ts;
            let Some((plan, at, px)) = sent.get(&r.client_id) else { continue };
            prop_assert!(r.ts >= at + latency_ns, "nothing before the arrival");
            prop_assert!(!ended.contains_key(&r.client_id) || r.status == Status::CancelRejected);
            match r.status {
                Status::Filled => {
                    prop_assert!(r.size > 0);
                    prop_assert_eq!(r.fee, 0.5 * r.size as f64);
                    if plan.kind == OrderType::Limit {
                        prop_assert!(i64::from(plan.side) * i64::from(r.px - px) <= 0, "never beyond the limit");
                        prop_assert!(!r.maker || r.px == *px);
                    }
                    let before: i64 = position;
                    position += i64::from(r.side) * r.size;
                    if plan.reduce_only {
                        prop_assert!(position.abs() < before.abs() && position * before >= 0, "only reduces");
                    }
                    *filled.entry(r.client_id).or_default() += r.size;
                    if filled[&r.client_id] == plan.size {
                        ended.insert(r.client_id, 0);
                    }
                }
                Status::Cancelled => {
                    let done = filled.get(&r.client_id).copied().unwrap_or(0);
                    prop_assert_eq!(done + r.size, plan.size, "parts add up");
                    ended.insert(r.client_id, 0);
                }
                Status::Rejected => {
                    ended.insert(r.client_id, 0);
                }
                Status::Accepted | Status::CancelRejected => {}
            }
            prop_assert!(filled.get(&r.client_id).is_none_or(|f| *f <= plan.size));
        }
        prop_assert_eq!(position, venue.position());
        // The session closed at the end: every order has ended.
        for id in sent.keys() {
            prop_assert!(ended.contains_key(id) || latency_ns > 0, "order {} is left over", id);
        }
    }

    #[test]
    fn takers_never_exceed_what_was_displayed(seed in 0u64..1_000, plans in plans(4_000)) {
        let events = session(seed);
        let (log, _, _) = run(&events, &plans, Config::default());
        let mut taken: HashMap<(i8, i32), i64> = HashMap::new();
        for (_, r) in log.iter().filter(|(_, r)| r.status == Status::Filled && !r.maker) {
            *taken.entry((-r.side, r.px)).or_default() += r.size;
        }
        let displayed = ever_displayed(&events);
        for (level, size) in taken {
            prop_assert!(size <= displayed.get(&level).copied().unwrap_or(0), "{:?}: {}", level, size);
        }
    }

    #[test]
    fn takers_never_exceed_the_book_of_the_moment(seed in 0u64..1_000, plans in plans(4_000)) {
        let events = session(seed);
        let (log, _, _) = run(&events, &plans, Config::default());
        let mut book = L2Book::new();
        let mut log = log.iter().filter(|(_, r)| r.status == Status::Filled && !r.maker).peekable();
        for (i, e) in events.iter().enumerate() {
            // Arrivals come before the event, waiting orders after it: the level must hold at one of the two.
            let before = book.clone();
            book.apply(e);
            let mut sums: HashMap<(i8, i32), i64> = HashMap::new();
            while let Some((_, r)) = log.next_if(|(at, _)| *at == i) {
                *sums.entry((-r.side, r.px)).or_default() += r.size;
            }
            for ((side, px), size) in sums {
                prop_assert!(size <= before.size_at(side, px).max(book.size_at(side, px)));
            }
        }
    }

    #[test]
    fn makers_never_exceed_prints_and_crossing_size(seed in 0u64..1_000, plans in plans(4_000), queue in models()) {
        let events = session(seed);
        let (log, _, _) = run(&events, &plans, Config { queue, ..Config::default() });
        let mut book = L2Book::new();
        let mut log = log.iter().filter(|(_, r)| r.status == Status::Filled && r.maker).peekable();
        for (i, e) in events.iter().enumerate() {
            book.apply(e);
            let mut made: HashMap<i8, i64> = HashMap::new();
            while let Some((_, r)) = log.next_if(|(at, _)| *at == i) {
                *made.entry(r.side).or_default() += r.size;
                if e.kind() == Some(Kind::Trade) {
                    prop_assert_eq!(r.side, -e.side, "a print fills the side that it hit");
                    prop_assert!(i32::from(r.side) * (r.px - e.px) >= 0, "at or through the price");
                }
            }
            for (side, size) in made {
                let bound = if e.kind() == Some(Kind::Trade) {
                    i64::from(e.size)
                } else {
                    book.levels(-side).map(|l| l.size).sum()
                };
                prop_assert!(size <= bound, "event {}: {} of {}", i, size, bound);
            }
        }
    }

    #[test]
    fn queue_is_never_jumped(
        seed in 0u64..1_000, passive in 0i32..3, buy: bool, at in 200usize..3_000, queue in models(),
    ) {
        // A first fill at our price comes only once that much has printed or left as stood ahead of us.
        let events = session(seed);
        let side = if buy { 1 } else { -1 };
        let plan = Plan {
            at, side, size: 1, kind: OrderType::Limit, offset: passive + 1, reduce_only: false, cancel_after: None,
        };
        let (log, sent, _) = run(&events, &[plan], Config { queue, ..Config::default() });
        let Some((_, _, px)) = sent.get(&1).copied() else { return Ok(()) };
        let (mut book, mut seen) = (L2Book::new(), None);
        // Fallen at the level, and printed since without a fall yet: each contract counts once.
        let (mut gone, mut printed) = (0, 0);
        for (i, e) in events.iter().enumerate() {
            let before = book.size_at(side, px);
            if i == at {
                seen = Some(before);
            }
            book.apply(e);
            let fill = log.iter().find(|(k, r)| *k == i && r.status == Status::Filled);
            if let (Some(ahead), Some((_, r))) = (seen, fill) {
                let at_price = e.kind() == Some(Kind::Trade) && e.px == px;
                if r.maker && at_price {
                    let left = gone + printed + i64::from(e.size);
                    prop_assert!(left > ahead, "{} gone or printed of {} ahead", left, ahead);
                }
                break;
            }
            if seen.is_some() {
                gone += (before - book.size_at(side, px)).max(0);
                if e.kind() == Some(Kind::Trade) && e.px == px && e.side == -side {
                    printed += i64::from(e.size);
                } else if e.kind() == Some(Kind::Level) && e.px == px {
                    printed = 0;
                }
            }
        }
    }

    #[test]
    fn chunks_and_repetition_change_nothing(
        seed in 0u64..1_000, plans in plans(4_000), queue in models(),
        cuts in prop::collection::vec(1usize..600, 1..30), latency_ns in 0i64..5_000_000,
    ) {
        let events = session(seed);
        let config = Config { queue, latency_ns, ..Config::default() };
        let (one, sent, _) = run(&events, &plans, config);
        let (two, _, _) = run(&events, &plans, config);
        prop_assert_eq!(&one, &two);
        // All orders sent again at their times, between chunks that end where an order was sent or at random.
        let mut venue = Venue::new(config).unwrap();
        let mut reports = Vec::new();
        let mut done = 0;
        let mut cuts = cuts.iter().cycle();
        let mut no_cancels: Vec<(usize, i64)> = sent.iter().map(|(id, (plan, ..))| (plan.at, *id)).collect();
        no_cancels.sort_unstable();
        let plain: Vec<Plan> = plans.iter().map(|p| Plan { cancel_after: None, ..*p }).collect();
        let (expected, ..) = run(&events, &plain, config);
        for (at, id) in no_cancels {
            while done < at {
                let to = (done + cuts.next().unwrap()).min(at);
                venue.update_many(&events[done..to]).unwrap();
                reports.extend(venue.take_reports());
                done = to;
            }
            let (plan, now, px) = sent[&id];
            let order = NewOrder {
                client_id: id, side: plan.side, size: plan.size, kind: plan.kind, px, limit_px: limit(plan.kind, px), reduce_only: plan.reduce_only,
            };
            venue.submit(order, now).unwrap();
        }
        while done < events.len() {
            // The same through the clock: never more than the events up to a time.
            let until = events[(done + cuts.next().unwrap()).min(events.len() - 1)].ts_event;
            done += venue.replay(&events[done..], until).unwrap();
            venue.advance(until);
            reports.extend(venue.take_reports());
        }
        let expected: Vec<Report> = expected.into_iter().map(|(_, r)| r).collect();
        prop_assert_eq!(reports, expected);
    }
}

#[test]
fn unsorted_events_are_named() {
    let mut events = session(1);
    events[70].ts_recv = 0;
    let mut venue = Venue::new(Config::default()).unwrap();
    let error = venue.update_many(&events).unwrap_err();
    assert_eq!((error.index, error.field), (70, "ts_recv"));
    assert!(error.to_string().starts_with("ts_recv runs backwards at event 70: 0 after "));
}

#[test]
fn gap_hides_the_book_until_a_snapshot() {
    let events = session(1);
    let mut venue = Venue::new(Config::default()).unwrap();
    venue.update_many(&events[..200]).unwrap();
    assert!(venue.best().is_defined());
    let last = events[199];
    let gap = Event { kind: Kind::Gap as u8, flags: flag::SYNTHETIC, action: 0, ..last };
    venue.update(&gap).unwrap();
    assert!(!venue.best().is_defined());
}
