//! Random streams and short ways to run an engine.
#![allow(dead_code)] // every test binary uses a part

use proptest::prelude::*;
use qt_core::Event;
use qt_core::event::{Kind, Level, PX_NONE, Quote, Session, Trade, action, flag, phase, side};
use qt_features::catalogue::catalogue;
use qt_features::{Config, FeatureEngine, Fitted, MicropriceTable, Samples, VpinBucket};

pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
/// Where streams begin; on no round time, so that anchors show.
pub const T0: i64 = 1_700_000_000_123_456_789;

/// Scheduled length of the continuous session: three hours.
pub const SESSION_SECONDS: f64 = 10_800.0;

pub fn all_names() -> Vec<&'static str> {
    catalogue().iter().map(|(s, _)| s.name).collect()
}

pub fn engine(names: &[&str], clock: &str, warmup: &str) -> FeatureEngine {
    let names = names.iter().map(ToString::to_string).collect();
    let config = Config::parse(names, 0.5, 10.0, clock, warmup, "quote").unwrap();
    FeatureEngine::new(config.with_session_seconds(Some(SESSION_SECONDS)).with_fitted(fitted())).unwrap()
}

/// Fitted inputs from the beginning of time, so that shifts of time change nothing; the table is antisymmetric.
pub fn fitted() -> Fitted {
    let mut table = MicropriceTable { from: i64::MIN, adjustment: [0.0; 30] };
    for (k, x) in table.adjustment.iter_mut().enumerate() {
        *x = ((k % 10) as f64 - 4.5) * (0.03 + 0.05 * (k / 10) as f64);
    }
    Fitted {
        vpin_bucket: Some(VpinBucket { from: i64::MIN, contracts: 40 }),
        microprice: Some(table),
        pin: vec![(i64::MIN, 0.25)],
    }
}

pub fn run(names: &[&str], clock: &str, warmup: &str, events: &[Event]) -> Samples {
    let mut e = engine(names, clock, warmup);
    e.update_many(events).unwrap();
    e.take()
}

/// Values of one feature at every row.
pub fn column(name: &str, clock: &str, warmup: &str, events: &[Event]) -> Vec<f64> {
    run(&[name], clock, warmup, events).values
}

/// Rows as bits, so that NaN equals NaN.
pub fn bits(s: &Samples) -> (Vec<i64>, Vec<i64>, Vec<u64>) {
    (s.times.clone(), s.counts.clone(), s.values.iter().map(|v| v.to_bits()).collect())
}

pub fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// Equal to 1e-9 of the value, or of 0.1 where sums of both signs cancel.
pub fn close(a: f64, b: f64) -> bool {
    same(a, b) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(0.1)
}

/// Stamps events with times in seconds after [`T0`], in order.
pub fn stamped(events: impl IntoIterator<Item = (f64, Event)>) -> Vec<Event> {
    events
        .into_iter()
        .enumerate()
        .map(|(n, (s, e))| {
            let ts = T0 + (s * SECOND as f64).round() as i64;
            Event { ts_event: ts, ts_recv: ts, sequence: n as i64, ..e }
        })
        .collect()
}

pub fn trade(px: i32, size: i32, side: i8) -> Event {
    Trade { px, size, side, ..Trade::default() }.into()
}

pub fn quote(bid_px: i32, bid_sz: i32, ask_px: i32, ask_sz: i32) -> Event {
    Quote { bid_px, bid_sz, ask_px, ask_sz, ..Quote::default() }.into()
}

pub fn level(side: i8, px: i32, size: i32) -> Event {
    let action = if size == 0 { action::DELETE } else { action::EDIT };
    Level { side, px, size, action, ..Level::default() }.into()
}

pub fn marker(phase: u8) -> Event {
    Session { phase, ..Session::default() }.into()
}

pub fn kind(kind: Kind) -> Event {
    Event { kind: kind as u8, ..Event::default() }
}

/// One step of a random stream: seconds since the last event, and the event.
type Step = (f64, Event);

fn pause() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => Just(0.0),
        3 => (0i32..200).prop_map(|ms| f64::from(ms) / 1000.0),
        2 => (0i32..20).prop_map(f64::from),
        1 => (0i32..4).prop_map(|m| f64::from(m) * 60.0),
    ]
}

fn print() -> impl Strategy<Value = Event> {
    let flags = prop_oneof![
        12 => Just(0), 1 => Just(flag::RLP), 1 => Just(flag::CROSS), 1 => Just(flag::AUCTION),
        1 => Just(flag::CANCELLED), 1 => Just(flag::EDITED)
    ];
    let size = prop_oneof![12 => 0i32..60, 1 => 60i32..200, 1 => Just(1 << 20)];
    (-6i32..7, size, -1i8..2, flags, (-1i32..3, 0i32..3)).prop_map(|(px, size, side, flags, brokers)| Event {
        flags,
        ref_a: brokers.0,
        ref_b: brokers.1,
        ..trade(1000 + px, size, side)
    })
}

fn touch() -> impl Strategy<Value = Event> {
    let side_missing = prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(2)];
    (-6i32..7, -1i32..4, 1i32..40, 1i32..40, side_missing).prop_map(|(px, spread, b, a, missing)| {
        let (bid, ask) = (1000 + px, 1000 + px + spread);
        match missing {
            1 => quote(PX_NONE, 0, ask, a),
            2 => quote(bid, b, PX_NONE, 0),
            _ => quote(bid, b, ask, a),
        }
    })
}

fn book() -> impl Strategy<Value = Event> {
    (0i32..8, 0i32..40, prop::bool::ANY, prop::bool::weighted(0.2)).prop_map(|(d, size, bid, more)| {
        let (side, px) = if bid { (side::BUY, 1000 - d) } else { (side::SELL, 1001 + d) };
        let flags = if more { flag::MORE } else { 0 };
        Event { flags, ..level(side, px, if size < 12 { 0 } else { size }) }
    })
}

fn special() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0u8..6).prop_map(marker),
        Just(kind(Kind::Gap)),
        Just(kind(Kind::Timer)),
        Just(Event { action: action::SNAPSHOT_BEGIN, ..kind(Kind::Level) }),
        Just(Event { action: action::SNAPSHOT_END, ..kind(Kind::Level) }),
        Just(Event { action: action::CLEAR, ..kind(Kind::Level) }),
    ]
}

fn stream(step: impl Strategy<Value = Event>, most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((pause(), step), 1..most).prop_map(|steps: Vec<Step>| {
        let mut now = 0.0;
        stamped(steps.into_iter().map(move |(dt, e)| {
            now += dt;
            (now, e)
        }))
    })
}

/// Trades and quotes of one session.
pub fn quotes_and_trades(most: usize) -> impl Strategy<Value = Vec<Event>> {
    stream(prop_oneof![print(), touch()], most)
}

/// Trades and level updates of one session.
pub fn levels_and_trades(most: usize) -> impl Strategy<Value = Vec<Event>> {
    stream(prop_oneof![1 => print(), 2 => book()], most)
}

/// Everything, in one of the two feeds.
pub fn anything(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop_oneof![
        stream(prop_oneof![10 => print(), 10 => touch(), 1 => special()], most),
        stream(prop_oneof![10 => print(), 20 => book(), 1 => special()], most),
    ]
}

/// A day that warms everything up: one event every few seconds for `minutes`.
pub fn long_session(minutes: i64) -> Vec<Event> {
    let mut x = 88_172_645_463_325_252u64;
    let mut rand = move |n: u64| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x % n) as i32
    };
    let mut mid = 1000;
    let mut events = vec![(0.0, marker(phase::OPEN))];
    for k in 1..minutes * 30 {
        mid += rand(3) - 1;
        let t = k as f64 * 2.0;
        // One packet, so that the mid moves without vanishing in between.
        let more = |e: Event| Event { flags: flag::MORE, ..e };
        for d in 0..6 {
            events.push((t, more(level(side::BUY, mid - d, 1 + rand(30)))));
            events.push((t, more(level(side::SELL, mid + 1 + d, 1 + rand(30)))));
        }
        for d in 1..4 {
            events.push((t, more(level(side::BUY, mid + d, 0))));
            let last = level(side::SELL, mid + 1 - d, 0);
            events.push((t, if d < 3 { more(last) } else { last }));
        }
        let buys = rand(2) == 0;
        let (px, s) = if buys { (mid + 1, side::BUY) } else { (mid, side::SELL) };
        let size = if k % 50 == 0 { 60 } else { 1 + rand(9) };
        let brokers = (1 + (k % 3) as i32, 5 + (k % 4) as i32);
        events.push((t + 0.5, Event { ref_a: brokers.0, ref_b: brokers.1, ..trade(px, size, s) }));
        events.push((t + 0.5, level(-s, px, 1 + rand(30))));
    }
    stamped(events)
}
