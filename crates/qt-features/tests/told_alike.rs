//! One market told by id, by position with single deletes, and by position with delete-from: the same in all three.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod common;

use common::{all_names, bits, fitted, stamped, trade};
use proptest::prelude::*;
use qt_core::Event;
use qt_core::event::{Order, PX_NONE, action, flag, side};
use qt_features::{Config, Detection, DetectorKind, FeatureEngine};

/// By id, by position one by one, by position with delete-from.
const FORMS: usize = 3;

/// One thing that happens to the orders of a side.
#[derive(Debug, Clone)]
enum Step {
    Add {
        rows: i32,
        size: i32,
        broker: i32,
    },
    Delete {
        place: usize,
    },
    /// The best orders go.
    Take {
        count: usize,
    },
    Resize {
        place: usize,
        size: i32,
        is_change: bool,
    },
    Move {
        place: usize,
        rows: i32,
    },
    /// The best orders are executed, and the next one in part: by so much more than it loses.
    Sweep {
        count: usize,
        part: i32,
        beyond: i32,
        one_packet: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Lot {
    id: i64,
    px: i32,
    size: i32,
    broker: i32,
}

/// Orders of both sides, best first, and what was told of them in each form.
#[derive(Default)]
struct Market {
    sides: [Vec<Lot>; 2],
    ids: i64,
    now: f64,
    told: [Vec<(f64, Event)>; FORMS],
}

impl Market {
    fn tell(&mut self, forms: std::ops::Range<usize>, e: Event) {
        for told in &mut self.told[forms] {
            told.push((self.now, e));
        }
    }

    /// Tells of one order at a place, by id and by position.
    fn about(&mut self, bid: bool, place: usize, id: i64, e: Order) {
        let side = if bid { side::BUY } else { side::SELL };
        self.tell(0..1, Order { side, order_id: id, position: -1, ..e }.into());
        self.tell(1..FORMS, Order { side, position: place as i32, ..e }.into());
    }

    fn take(&mut self, bid: bool, count: usize, flags: u16) {
        let lots: Vec<Lot> = self.sides[usize::from(bid)].drain(..count).collect();
        let side = if bid { side::BUY } else { side::SELL };
        for (k, lot) in lots.iter().enumerate() {
            let flags = if k + 1 < count { flag::MORE } else { flags };
            let gone = Order { side, action: action::DELETE, flags, ..Order::default() };
            self.tell(0..1, Order { order_id: lot.id, position: -1, ..gone }.into());
            self.tell(1..2, Order { position: 0, ..gone }.into());
        }
        if let Some(worst) = count.checked_sub(1) {
            let from = action::DELETE_FROM;
            let position = worst as i32;
            self.tell(2..3, Order { side, action: from, position, flags, ..Order::default() }.into());
        }
    }

    fn resize(&mut self, bid: bool, place: usize, size: i32, is_change: bool) {
        let lot = &mut self.sides[usize::from(bid)][place];
        let (id, was) = (lot.id, std::mem::replace(&mut lot.size, size));
        let (size, flags) = if is_change { (size - was, flag::DELTA) } else { (size, 0) };
        self.about(
            bid,
            place,
            id,
            Order { px: PX_NONE, size, action: action::EDIT, flags, ..Order::default() },
        );
    }

    fn step(&mut self, bid: bool, step: &Step) {
        let len = self.sides[usize::from(bid)].len();
        let price = |rows: i32| if bid { 1000 - rows } else { 1001 + rows };
        match *step {
            Step::Add { rows, size, broker } => {
                let (px, lots) = (price(rows), &mut self.sides[usize::from(bid)]);
                let worse = |o: &Lot| if bid { o.px < px } else { o.px > px };
                let place = lots.iter().position(worse).unwrap_or(len);
                self.ids += 1;
                let id = self.ids;
                lots.insert(place, Lot { id, px, size, broker });
                let added = Order { px, size, broker, order_id: id, action: action::ADD, ..Order::default() };
                self.about(bid, place, id, added);
            }
            Step::Delete { place } if len > 0 => {
                let lot = self.sides[usize::from(bid)].remove(place % len);
                self.about(bid, place % len, lot.id, Order { action: action::DELETE, ..Order::default() });
            }
            Step::Take { count } if len > 0 => self.take(bid, 1 + count % len, 0),
            Step::Resize { place, size, is_change } if len > 0 => {
                self.resize(bid, place % len, size, is_change);
            }
            Step::Move { place, rows } if len > 0 => {
                let lot = &mut self.sides[usize::from(bid)][place % len];
                lot.px = price(rows);
                let (id, px, size) = (lot.id, lot.px, lot.size);
                let moved = Order { px, size, action: action::EDIT, ..Order::default() };
                self.about(bid, place % len, id, moved);
            }
            Step::Sweep { count, part, beyond, one_packet } if len > 0 => {
                let count = 1 + count % len;
                let flags = if one_packet { flag::MORE } else { 0 };
                let lots = self.sides[usize::from(bid)].clone();
                let next = lots.get(count).filter(|o| o.size > part);
                let executed = lots[..count].iter().map(|o| (o, o.size));
                for (lot, size) in executed.chain(next.map(|o| (o, part + beyond))) {
                    let passive = if bid { (lot.broker, 9) } else { (9, lot.broker) };
                    let print = trade(lot.px, size, if bid { -1 } else { 1 });
                    self.tell(0..FORMS, Event { flags, ref_a: passive.0, ref_b: passive.1, ..print });
                }
                self.take(bid, count, if next.is_some() { flags } else { 0 });
                if let Some(size) = next.map(|o| o.size - part) {
                    self.resize(bid, 0, size, true);
                }
            }
            _ => {}
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<(f64, bool, Step)>> {
    let size = prop_oneof![4 => 1i32..30, 1 => 100i32..400];
    let step = prop_oneof![
        6 => (0i32..7, size.clone(), 0i32..3).prop_map(|(rows, size, broker)| Step::Add { rows, size, broker }),
        2 => (0usize..9).prop_map(|place| Step::Delete { place }),
        2 => (0usize..5).prop_map(|count| Step::Take { count }),
        2 => (0usize..9, size, any::<bool>())
            .prop_map(|(place, size, is_change)| Step::Resize { place, size, is_change }),
        1 => (0usize..9, 0i32..7).prop_map(|(place, rows)| Step::Move { place, rows }),
        2 => (0usize..3, 1i32..9, prop_oneof![Just(0), 1i32..9], any::<bool>())
            .prop_map(|(count, part, beyond, one_packet)| Step::Sweep { count, part, beyond, one_packet }),
    ];
    let pause = prop_oneof![Just(0.0), (0i32..1500).prop_map(|ms| f64::from(ms) / 1000.0), Just(20.0)];
    prop::collection::vec((pause, any::<bool>(), step), 1..150)
}

fn run(events: Vec<(f64, Event)>) -> ((Vec<i64>, Vec<u64>), Vec<Detection>) {
    let names = all_names().iter().map(ToString::to_string).collect();
    let kinds: Vec<String> = DetectorKind::ALL.iter().map(|k| k.name().to_string()).collect();
    let config = Config::parse(names, 0.5, 10.0, "event", "partial", "drop").unwrap();
    let config = config.detecting(&kinds, &[]).unwrap().with_fitted(fitted());
    let mut engine = FeatureEngine::new(config).unwrap();
    engine.update_many(&stamped(events)).unwrap();
    let (times, _, values) = bits(&engine.take());
    ((times, values), engine.take_detections())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_words_of_the_feed_do_not_matter(steps in steps()) {
        let mut market = Market::default();
        for (pause, bid, step) in &steps {
            market.now += pause;
            market.step(*bid, step);
        }
        let [by_id, single, from] = market.told.map(run);
        prop_assert!(by_id.0 == single.0 && by_id.0 == from.0, "rows differ");
        // NaN among the evidence: as text.
        let said = |d: &[Detection]| format!("{d:?}");
        prop_assert_eq!(said(&by_id.1), said(&single.1));
        prop_assert_eq!(said(&by_id.1), said(&from.1));
    }
}
