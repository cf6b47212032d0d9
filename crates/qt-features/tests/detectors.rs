//! Detections, their times and their numbers, by hand.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod common;

use common::{SECOND, T0, level, quote, stamped, trade};
use qt_core::Event;
use qt_core::event::{Kind, Order, action, flag, side};
use qt_features::{Config, Detection, DetectorKind, FeatureEngine};

const MS: f64 = 1e-3;

fn config(kinds: &[DetectorKind]) -> Config {
    let kinds: Vec<String> = kinds.iter().map(|k| k.name().to_string()).collect();
    Config::parse(Vec::new(), 0.5, 10.0, "event", "full", "drop").unwrap().detecting(&kinds, &[]).unwrap()
}

fn found(kind: DetectorKind, events: impl IntoIterator<Item = (f64, Event)>) -> Vec<Detection> {
    let mut engine = FeatureEngine::new(config(&[kind])).unwrap();
    engine.update_many(&stamped(events)).unwrap();
    engine.take_detections()
}

fn at(seconds: f64) -> i64 {
    T0 + (seconds * SECOND as f64).round() as i64
}

fn timer(seconds: f64) -> (f64, Event) {
    (seconds, Event { kind: Kind::Timer as u8, ..Event::default() })
}

fn order(id: i64, px: i32, size: i32, side: i8, action: u8, flags: u16) -> Event {
    Order { order_id: id, px, size, side, action, flags, broker: 3, position: -1, ..Order::default() }.into()
}

#[test]
fn a_sweep_is_told_when_its_end_is_certain() {
    let walk = |rows: [i32; 3]| {
        let prints = rows.into_iter().map(|px| (1.0, trade(px, 4, 1)));
        found(DetectorKind::Sweep, prints.chain([timer(2.0)]))
    };
    let told = walk([100, 101, 103]);
    assert_eq!(told.len(), 1);
    let d = told[0];
    assert_eq!((d.ts, d.side, d.px), (at(1.0) + 1_000_001, 1, 103));
    assert_eq!((d.score, d.confidence), (0.6, 0.8));
    assert_eq!(&d.evidence[..3], [3.0, 12.0, 3.0]);
    assert!(d.evidence[3].is_nan(), "no book, no displayed size");
    assert!(walk([100, 101, 101]).is_empty());
    assert!(walk([100, 102, 101]).is_empty());
}

#[test]
fn the_displayed_size_of_a_sweep_is_that_before_it() {
    let book = (0..3).map(|k| (0.0, level(side::SELL, 100 + k, 10)));
    let sweep = (0..3).flat_map(|k| [(1.0, trade(100 + k, 5, 1)), (1.0, level(side::SELL, 100 + k, 0))]);
    let told = found(DetectorKind::Sweep, book.chain(sweep).chain([timer(2.0)]));
    assert_eq!(told[0].evidence[3], 0.5);
}

#[test]
fn an_order_restored_within_its_packet() {
    let events = |size| {
        [
            (0.0, order(1, 100, 5, side::BUY, action::ADD, 0)),
            (0.0, order(2, 100, 3, side::BUY, action::ADD, 0)),
            (1.0, Event { flags: flag::MORE, ..trade(100, 9, -1) }),
            (1.0, order(1, 100, 0, side::BUY, action::DELETE, flag::MORE)),
            (1.0, order(2, 100, size, side::BUY, action::EDIT, 0)),
        ]
    };
    // 9 traded, 5 of them were order 1: order 2 gave 4 and shows 3 again.
    let told = found(DetectorKind::IcebergNative, events(3));
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].ts, told[0].side, told[0].confidence), (at(1.0), 1, 1.0));
    assert_eq!(told[0].evidence, [4.0, 1.0, 2.0, 3.0, 4.0, 9.0]);
    assert_eq!(told[0].score, 4.0 / 7.0);
    // It shows one less: one of the four was visible.
    assert_eq!(found(DetectorKind::IcebergNative, events(2))[0].evidence[0], 3.0);
}

fn placed(action: u8, side: i8, position: i32, id: i64, px: i32, size: i32, flags: u16) -> Event {
    Order { order_id: id, px, size, side, action, flags, broker: 3, position, ..Order::default() }.into()
}

#[test]
fn a_sweep_told_by_position_is_no_iceberg() {
    let bid = |action, position, id, size, flags| placed(action, side::BUY, position, id, 100, size, flags);
    let told = |gone: &[Event], lost: i32| {
        let book = (0..3).map(|k| bid(action::ADD, k, 1 + i64::from(k), [5, 5, 20][k as usize], 0));
        let rest = [bid(action::EDIT, 0, 0, -lost, flag::DELTA)];
        let records = book.map(|e| (0.0, e)).chain([(1.0, trade(100, 13, -1))]);
        let after = gone.iter().copied().chain(rest).map(|e| (1.001, e));
        found(DetectorKind::IcebergNative, records.chain(after).chain([timer(3.0)]))
    };
    let single = [bid(action::DELETE, 0, 0, 0, 0); 2];
    let both = [bid(action::DELETE_FROM, 1, 0, 0, 0)];
    assert!(told(&single, 3).is_empty() && told(&both, 3).is_empty(), "5, 5 and 3 are all that traded");
    // It lost one less than it gave.
    let (a, b) = (told(&single, 2), told(&both, 2));
    assert_eq!(a, b);
    assert_eq!((a[0].px, &a[0].evidence[..4]), (100, &[1.0, 1.0, 3.0, 18.0][..]));
}

#[test]
fn orders_without_an_id_explain_trades_too() {
    let bid = |action, position, size, flags| placed(action, side::BUY, position, 0, 100, size, flags);
    let told = |lost: i32| {
        let records = [
            (0.0, bid(action::ADD, 0, 5, 0)),
            (0.0, bid(action::ADD, 1, 9, 0)),
            (1.0, trade(100, 8, -1)),
            (1.001, bid(action::DELETE, 0, 0, 0)),
            (1.001, bid(action::EDIT, 0, -lost, flag::DELTA)),
            timer(3.0),
        ];
        found(DetectorKind::IcebergNative, records)
    };
    assert!(told(3).is_empty());
    assert_eq!(told(1)[0].evidence[..4], [2.0, 1.0, 0.0, 8.0]);
}

#[test]
fn a_large_order_taken_away_with_all_before_it() {
    let told = |gone: &[Event]| {
        let records = [
            (0.0, placed(action::ADD, side::BUY, 0, 1, 100, 5, 0)),
            (0.0, placed(action::ADD, side::SELL, 0, 2, 101, 9, 0)),
            (0.0, placed(action::ADD, side::BUY, 1, 3, 99, 5, 0)),
            (1.0, placed(action::ADD, side::BUY, 1, 4, 100, 60, 0)),
            (1.5, Event { ref_b: 3, ..trade(101, 3, 1) }),
        ];
        let gone = gone.iter().map(|e| (2.0, *e));
        found(DetectorKind::Spoofing, records.into_iter().chain(gone).chain([timer(9.0)]))
    };
    let single = [
        placed(action::DELETE, side::BUY, 0, 0, 0, 0, flag::MORE),
        placed(action::DELETE, side::BUY, 0, 0, 0, 0, 0),
    ];
    let both = told(&[placed(action::DELETE_FROM, side::BUY, 1, 0, 0, 0, 0)]);
    assert_eq!(both, told(&single));
    assert_eq!((both[0].score, both[0].confidence, both[0].evidence[5]), (1.0, 1.0, 4.0));
}

#[test]
fn the_distance_of_a_large_order_is_counted_in_levels() {
    let told = |apart: i32, rank: i32| {
        let book = (0..8).flat_map(|k| {
            [(0.0, level(side::BUY, 1000 - apart * k, 10)), (0.0, level(side::SELL, 1001 + apart * k, 10))]
        });
        let px = 1000 - apart * rank;
        let spoof =
            [(1.0, level(side::BUY, px, 130)), (1.2, trade(1001, 3, 1)), (1.5, level(side::BUY, px, 10))];
        found(DetectorKind::Spoofing, book.chain(spoof).chain([timer(5.0)])).len()
    };
    for apart in [1, 2, 7, 18] {
        assert_eq!([0, 1, 2, 5, 6].map(|rank| told(apart, rank)), [0, 1, 1, 1, 0], "{apart} ticks apart");
    }
}

#[test]
fn a_large_order_that_goes_as_it_came() {
    let told = |withdrawn: f64| {
        found(
            DetectorKind::Spoofing,
            [
                (0.0, level(side::BUY, 100, 10)),
                (0.0, level(side::SELL, 101, 10)),
                (0.0, level(side::BUY, 98, 10)),
                (1.0, level(side::BUY, 98, 70)),
                (1.5, trade(101, 3, 1)),
                (1.5, trade(100, 1, -1)),
                (withdrawn, level(side::BUY, 98, 10)),
                timer(9.0),
            ],
        )
    };
    let d = told(3.0)[0];
    assert_eq!((d.ts, d.side, d.px, d.confidence), (at(3.5) + 1, 1, 98, 0.5));
    assert_eq!(&d.evidence[..4], [60.0, 10.0, 1.0, 0.75]);
    assert!((d.score - 0.6 * 0.75).abs() < 1e-12);
    assert!(told(3.0 + 1e-9 * 300.0).is_empty(), "300 ns after two seconds");
}

#[test]
fn aggression_that_moves_nothing() {
    let calm = (0..20).map(|k| (f64::from(k) + 0.5, trade(101, 1, 1)));
    let told = found(
        DetectorKind::Absorption,
        [(0.0, quote(100, 5, 101, 5))]
            .into_iter()
            .chain(calm)
            .chain([(20.5, trade(101, 50, 1)), timer(22.0)]),
    );
    // Ten buys in ten seconds are usual; the last window holds nine of them and the fifty.
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].ts, told[0].side, told[0].px), (at(21.0) + 1, -1, 101));
    assert_eq!(told[0].evidence[..3], [59.0, 10.0, 0.0]);
}

#[test]
fn refills_within_the_time() {
    let cycle = |k: i32, delay: f64| {
        let t = f64::from(k);
        [
            (t, Event { flags: flag::MORE, ..trade(100, 4, -1) }),
            (t, level(side::BUY, 100, 6)),
            (t + delay, level(side::BUY, 100, 10)),
        ]
    };
    let run = |delay| {
        let book = [(0.0, level(side::BUY, 100, 10)), (0.0, level(side::SELL, 101, 10))];
        found(DetectorKind::IcebergSynthetic, book.into_iter().chain((1..4).flat_map(|k| cycle(k, delay))))
    };
    let told = run(300.0 * MS);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].side, told[0].evidence[0], told[0].evidence[1]), (1, 12.0, 3.0));
    assert!(run(301.0 * MS).is_empty());
}

#[test]
fn settings_are_checked() {
    let base = || Config::parse(vec!["sweep_detected".into()], 0.5, 10.0, "event", "full", "drop").unwrap();
    let set = |name: &str, x| base().detecting(&[], &[(name.to_string(), x)]);
    assert_eq!(set("sweep_min_levels", 2.0).unwrap().detectors.sweep_min_levels, 2);
    let text = set("sweep_min_levels", 1.0).unwrap_err().to_string();
    assert_eq!(text, "sweep_min_levels is 1; expected a whole number from 2 to 1000 rows");
    assert!(base().detecting(&["sweeps".into()], &[]).is_err());
    assert!(base().detecting(&["sweep".into(), "sweep".into()], &[]).is_err());
}
