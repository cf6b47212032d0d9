//! Random clients in random markets: what must always hold.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use qt_core::Event;
use qt_core::event::PX_NONE;
use qt_venue::{SessionSpec, generate_session};

use super::super::*;
use super::desk::{account, listings};

/// What a client does before the market event with this index.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Send { buy: bool, kind: Type, offset: i32, size: i64 },
    Change { nth: usize, offset: i32, size: i64 },
    Cancel { nth: usize },
    CancelAll,
    Zero,
    Drop,
    Connect,
}

fn deeds(events: usize) -> impl Strategy<Value = Vec<(usize, Deed)>> {
    let kind = prop_oneof![Just(Type::Market), Just(Type::Limit), Just(Type::Limit), Just(Type::StopLimit)];
    let deed = prop_oneof![
        8 => (any::<bool>(), kind, -4i32..8, 1i64..60)
            .prop_map(|(buy, kind, offset, size)| Deed::Send { buy, kind, offset, size }),
        4 => (0usize..30, -3i32..6, 1i64..60).prop_map(|(nth, offset, size)| Deed::Change { nth, offset, size }),
        4 => (0usize..30).prop_map(|nth| Deed::Cancel { nth }),
        1 => Just(Deed::CancelAll),
        1 => Just(Deed::Zero),
        1 => Just(Deed::Drop),
        2 => Just(Deed::Connect),
    ];
    prop::collection::vec((50..events, deed), 1..60).prop_map(|mut deeds| {
        deeds.sort_by_key(|d| d.0);
        deeds
    })
}

fn session(seed: u64) -> Vec<Event> {
    generate_session(&SessionSpec { seed, max_events: 3_000, ..SessionSpec::default() }).unwrap()
}

fn act(broker: &mut Broker, deed: Deed, now: i64) {
    let touch = broker.touch("WDOU25").unwrap();
    if touch.0 == PX_NONE || touch.1 == PX_NONE {
        return;
    }
    let ids: Vec<OrderId> = broker.known_orders(&account()).iter().map(Order::id).collect();
    let points = |ticks: i32| f64::from(ticks) * 0.5;
    let password = String::from("x");
    match deed {
        Deed::Send { buy, kind, offset, size } => {
            let side = if buy { Side::Buy } else { Side::Sell };
            let sign = side.sign() as i32;
            let best = if buy { touch.1 } else { touch.0 };
            let away = if kind == Type::StopLimit { -offset } else { offset };
            let px = best - sign * away;
            let request = NewRequest {
                account: account(),
                password,
                ticker: "WDOU25".into(),
                exchange: "F".into(),
                side,
                kind,
                price: points(px + if kind == Type::StopLimit { sign } else { 0 }),
                stop_price: points(px),
                quantity: size,
            };
            broker.send(now, &request).unwrap();
        }
        Deed::Change { nth, offset, size } if !ids.is_empty() => {
            let order = ids[nth % ids.len()].clone();
            let price = points(touch.0 - offset);
            let r = ChangeRequest {
                account: account(),
                password,
                order,
                price,
                stop_price: -1.0,
                quantity: size,
            };
            broker.change(now, &r).unwrap();
        }
        Deed::Cancel { nth } if !ids.is_empty() => {
            let order = ids[nth % ids.len()].clone();
            broker.cancel(now, &CancelRequest { account: account(), password, order }).unwrap();
        }
        Deed::Change { .. } | Deed::Cancel { .. } => {}
        Deed::CancelAll => drop(broker.cancel_all(now, &account(), None, "x").unwrap()),
        Deed::Zero => {
            let _ = broker.zero_position(now, &account(), "WDOU25", "x", None, PositionKind::Consolidated);
        }
        Deed::Drop => broker.set_connected(false, now),
        Deed::Connect => broker.set_connected(true, now),
    }
}

/// Statuses of one order in the order they were told never go back.
fn follows(before: &Order, after: &Order) -> bool {
    use OrderStatus as S;
    let way = |s: S| match s {
        S::ClientCreated => 0,
        S::CreatedInHades => 1,
        S::SentToBroker => 2,
        S::PendingNew => 3,
        _ => 4,
    };
    let ended = before.status.is_final() && after.status != before.status;
    let untouched = matches!(after.status, S::New | S::Canceled | S::Expired) && before.traded > 0;
    after.traded >= before.traded
        && after.event_id > before.event_id
        && way(after.status) >= way(before.status)
        && !ended
        && !untouched
}

fn check(broker: &Broker, notes: &[Note]) -> Result<(), TestCaseError> {
    let mut executed: HashMap<u64, (i64, i64)> = HashMap::new();
    let (mut position, mut bought, mut sold) = (0, 0, 0);
    for (i, f) in broker.fills().iter().enumerate() {
        let order = &broker.orders()[f.order as usize];
        prop_assert_eq!(f.id, i as i64 + 1);
        prop_assert!(f.size > 0);
        let e = executed.entry(f.order).or_default();
        *e = (e.0 + f.size, e.1 + f.size * i64::from(f.px));
        position += order.side.sign() * f.size;
        *(if order.side == Side::Buy { &mut bought } else { &mut sold }) += f.size;
    }
    let p = broker.position(&account(), "WDOU25");
    prop_assert_eq!((p.total.quantity, p.bought.quantity, p.sold.quantity), (position, bought, sold));
    for o in broker.orders() {
        let (size, ticks) = executed.get(&o.key).copied().unwrap_or_default();
        prop_assert_eq!((o.traded, o.traded_ticks), (size, ticks));
        prop_assert!(o.traded <= o.quantity);
        prop_assert_eq!(o.leaves(), if o.status.is_final() { 0 } else { o.quantity - o.traded });
        prop_assert_eq!(o.status == OrderStatus::Filled, o.traded == o.quantity);
        prop_assert!(o.status.is_final(), "every order ends with the session: {:?}", o);
        prop_assert_eq!(o.cl_ord_id.is_empty(), o.status == OrderStatus::OrderNotCreated);
    }
    let mut last: HashMap<u64, &Order> = HashMap::new();
    let mut answers: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for note in notes {
        match note {
            Note::Order(o) => {
                if let Some(before) = last.insert(o.key, o) {
                    prop_assert!(follows(before, o) || *before == **o, "{:?} then {:?}", before, o);
                }
            }
            Note::Answer(a) => answers.entry(a.message_id).or_default().push(a.code),
            _ => {}
        }
    }
    for codes in answers.values() {
        prop_assert!(codes.windows(2).all(|w| w[0] < w[1] || w[1] == 24), "{:?}", codes);
    }
    Ok(())
}

/// One market with one client, whose process dies before the event `crash_at`.
fn live(
    settings: &Settings,
    events: &[Event],
    deeds: &[(usize, Deed)],
    crash_at: usize,
) -> Result<(), TestCaseError> {
    let open = || Broker::new(settings.clone(), listings()).unwrap();
    let (mut broker, mut crash_at) = (open(), crash_at);
    broker.set_connected(true, events[0].ts_event);
    let (mut i, mut next, mut notes) = (0, 0, Vec::new());
    while i < events.len() {
        if i == crash_at {
            (broker, crash_at) = (open(), usize::MAX);
            i = broker.resume_at() as usize;
            for e in &events[..i] {
                broker.on_market(e).unwrap();
            }
            broker.set_connected(true, broker.now_ns());
        }
        while next < deeds.len() && deeds[next].0 <= i {
            let now = broker.now_ns();
            act(&mut broker, deeds[next].1, now);
            next += 1;
        }
        broker.on_market(&events[i]).unwrap();
        notes.extend(broker.take_notes());
        i += 1;
    }
    broker.enter_phase(0, qt_core::event::phase::CLOSED).unwrap();
    broker.set_connected(true, broker.now_ns());
    broker.advance(broker.now_ns() + 10_000_000_000);
    notes.extend(broker.take_notes());
    check(&broker, &notes)
}

fn settings(hop_us: i64, max_fill: i64) -> Settings {
    Settings { hop_ns: hop_us * 1_000, max_fill, per_minute: 1_000, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn contracts_are_conserved_and_every_order_ends(
        seed in 0u64..1_000,
        deeds in deeds(2_900),
        hop_us in prop_oneof![Just(0i64), Just(400), Just(50_000)],
        max_fill in 0i64..4,
    ) {
        live(&settings(hop_us, max_fill), &session(seed), &deeds, usize::MAX)?;
    }

    #[test]
    fn a_crash_changes_none_of_that(
        seed in 0u64..1_000,
        deeds in deeds(2_900),
        hop_us in prop_oneof![Just(0i64), Just(400), Just(50_000)],
        crash_at in 60usize..2_900,
        mark_events in prop_oneof![Just(1i64), Just(100), Just(10_000)],
    ) {
        let file = std::env::temp_dir().join(format!("qt-orders-random-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let settings = Settings { state_file: Some(file.clone()), mark_events, ..settings(hop_us, 0) };
        let result = live(&settings, &session(seed), &deeds, crash_at);
        std::fs::remove_file(&file).unwrap();
        result?;
    }
}
