//! The feature engine on a busy synthetic session: `cargo bench -p qt-features --bench engine`.
//!
//! `stream/floor` is the least code that gives order flow, five-level imbalance and micro-price after every level
//! update: two dense arrays and no packets, gaps, sessions, clocks, windows or warm-up. `stream/engine` is the
//! same work through the engine. The ratio of the two is the number to watch.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qt_core::Event;
use qt_core::event::{Kind, flag};
use qt_features::catalogue::catalogue;
use qt_features::{Config, FeatureEngine};
use qt_venue::{SessionSpec, generate_session};

const TICKS: usize = 8192;
const BASE: i32 = 6704;
/// Events per call: what a busy market sends in a fraction of a second.
const CHUNK: usize = 4096;

fn session() -> Vec<Event> {
    generate_session(&SessionSpec { max_events: 400_000, intensity: 1000, ..SessionSpec::default() }).unwrap()
}

/// Level updates only, each a packet of its own.
fn levels(events: &[Event]) -> Vec<Event> {
    let mut out: Vec<Event> =
        events.iter().filter(|e| e.kind == Kind::Level as u8 && e.action <= 3).copied().collect();
    for e in &mut out {
        e.flags &= !(flag::MORE | flag::SNAPSHOT);
    }
    out
}

/// Dense arrays by tick, bids and asks, with the best slot of each.
struct Floor {
    bid: Vec<i32>,
    ask: Vec<i32>,
    best_bid: i32,
    best_ask: i32,
    last: (i32, i32, i32, i32),
}

impl Floor {
    fn new() -> Self {
        let (bid, ask) = (vec![0; TICKS], vec![0; TICKS]);
        Self { bid, ask, best_bid: -1, best_ask: TICKS as i32, last: (-1, TICKS as i32, 0, 0) }
    }

    #[inline]
    fn step(&mut self, e: &Event) -> [f64; 3] {
        let p = e.px - BASE;
        let size = if e.action == qt_core::event::action::DELETE { 0 } else { e.size };
        if e.side > 0 {
            self.bid[p as usize] = size;
            if size > 0 {
                self.best_bid = self.best_bid.max(p);
            } else if p == self.best_bid {
                while self.best_bid >= 0 && self.bid[self.best_bid as usize] == 0 {
                    self.best_bid -= 1;
                }
            }
        } else {
            self.ask[p as usize] = size;
            if size > 0 {
                self.best_ask = self.best_ask.min(p);
            } else if p == self.best_ask {
                while self.best_ask < TICKS as i32 && self.ask[self.best_ask as usize] == 0 {
                    self.best_ask += 1;
                }
            }
        }
        let (b, a) = (self.best_bid, self.best_ask);
        if b < 4 || a >= TICKS as i32 - 4 {
            return [0.0; 3];
        }
        let (b, a) = (b as usize, a as usize);
        let (bq, aq) = (self.bid[b], self.ask[a]);
        let (pb, pa, pbq, paq) = self.last;
        let (ib, ia) = (b as i32, a as i32);
        let flow = bq * i32::from(ib >= pb) - pbq * i32::from(ib <= pb) - aq * i32::from(ia <= pa)
            + paq * i32::from(ia >= pa);
        let bids: i32 = self.bid[b - 4..=b].iter().sum();
        let asks: i32 = self.ask[a..a + 5].iter().sum();
        self.last = (ib, ia, bq, aq);
        let micro = (f64::from(ib + BASE) * f64::from(aq) + f64::from(ia + BASE) * f64::from(bq))
            / f64::from(bq + aq);
        [f64::from(flow), f64::from(bids - asks) / f64::from(bids + asks), micro]
    }
}

fn engine(names: &[&str], clock: &str) -> FeatureEngine {
    let names = names.iter().map(ToString::to_string).collect();
    FeatureEngine::new(Config::parse(names, 0.5, 10.0, clock, "partial", "drop").unwrap()).unwrap()
}

/// Streams the events in chunks; the rows of a chunk are looked at and dropped.
fn stream(engine: &mut FeatureEngine, events: &[Event]) -> usize {
    let mut rows = 0;
    for chunk in events.chunks(CHUNK) {
        rows += engine.update_many(chunk).unwrap();
        black_box(engine.samples());
        engine.discard();
    }
    rows
}

fn streaming(c: &mut Criterion) {
    let events = levels(&session());
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("floor", |b| {
        let mut out = vec![[0.0; 3]; CHUNK];
        b.iter_batched_ref(
            Floor::new,
            |floor| {
                for chunk in events.chunks(CHUNK) {
                    for (row, e) in out.iter_mut().zip(chunk) {
                        *row = floor.step(e);
                    }
                    black_box(&out);
                }
            },
            criterion::BatchSize::LargeInput,
        );
    });
    let names = ["book_ofi_10s", "book_imbalance_5", "weighted_mid_dev"];
    group.bench_function("engine", |b| {
        b.iter_batched_ref(
            || engine(&names, "event"),
            |e| stream(e, &events),
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn whole_families(c: &mut Criterion) {
    let events = session();
    let all: Vec<&str> = catalogue().iter().map(|(s, _)| s.name).collect();
    let mut group = c.benchmark_group("features");
    group.throughput(Throughput::Elements(events.len() as u64));
    for (label, names, clock) in [
        ("order_flow_event", &all[..40], "event"),
        ("order_flow_100ms", &all[..40], "100ms"),
        ("all_event", &all[..], "event"),
        ("all_100ms", &all[..], "100ms"),
    ] {
        group.bench_function(label, |b| {
            b.iter_batched_ref(
                || engine(names, clock),
                |e| stream(e, &events),
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = streaming, whole_families
}
criterion_main!(benches);
