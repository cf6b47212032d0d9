//! The feature engine on a busy synthetic session: `cargo bench -p qt-features --bench engine`.
//!
//! `stream/floor` is the least code that gives order flow, five-level imbalance and micro-price after every level
//! update: two dense arrays and no packets, gaps, sessions, clocks, windows or warm-up. `stream/engine` is the
//! same work through the engine. The ratio of the two is the number to watch.
//!
//! `features` has every family and the whole catalogue, a row per event and every 100 ms, on an engine that has seen
//! days and hours before, so that no column idles without a value (`common`).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;

use common::{CHUNK, Recording, stream};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use qt_core::Event;
use qt_core::event::{Kind, flag};
use qt_features::indicators::{Indicator, indicator_names};
use qt_venue::{SessionSpec, generate_session};

const TICKS: usize = 8192;
const BASE: i32 = 6704;

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
            BatchSize::LargeInput,
        );
    });
    group.bench_function("engine", |b| {
        b.iter_batched_ref(
            || common::engine("touch", "event"),
            |e| stream(e, &events),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// The busy minutes through an engine that is warm. Each iteration needs an engine of its own, since a session cannot
/// be gone back in; warming it up is not timed.
fn whole_families(c: &mut Criterion) {
    let recording = Recording::new(60_000);
    let mut group = c.benchmark_group("features");
    group.throughput(Throughput::Elements(recording.busy.len() as u64));
    for workload in common::families().chain(["all"]) {
        for clock in ["event", "100ms"] {
            group.bench_function(format!("{workload}_{clock}"), |b| {
                b.iter_batched_ref(
                    || {
                        let mut engine = common::engine(workload, clock);
                        stream(&mut engine, &recording.before);
                        engine
                    },
                    |engine| stream(engine, &recording.busy),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

fn batch_indicators(c: &mut Criterion) {
    let recording = Recording::new(60_000);
    let prints = recording.before.iter().chain(&recording.busy).filter(|e| e.kind == Kind::Trade as u8);
    let close: Vec<f64> = prints.map(|e| f64::from(e.px) * 0.5).collect();
    let (high, low): (Vec<f64>, Vec<f64>) = close.iter().map(|x| (x + 0.5, x - 0.5)).unzip();
    let mut out = vec![0.0; close.len()];
    let mut group = c.benchmark_group("indicators");
    group.throughput(Throughput::Elements(close.len() as u64));
    for name in indicator_names() {
        let parameters: &[i64] = if Indicator::new(name, &[]).is_ok() { &[] } else { &[20] };
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || Indicator::new(name, parameters).unwrap(),
                |i| {
                    let bars = i.inputs().len() > 1;
                    let columns: [&[f64]; 3] = if bars { [&high, &low, &close] } else { [&close, &[], &[]] };
                    i.update_many(columns, &mut out);
                    black_box(&out);
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = streaming, whole_families, batch_indicators
}
criterion_main!(benches);
