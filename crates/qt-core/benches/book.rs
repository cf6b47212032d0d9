//! Books and ring on a busy synthetic stream: `cargo bench -p qt-core --bench book`.
//!
//! `l2/floor` is the least code that does the work of `l2/update`: two dense arrays, one branch per side, no
//! packets, gaps, far levels or limits. The ratio of the two is the number to watch.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use qt_core::Event;
use qt_core::book::{Book, L2Book, OrderBook};
use qt_core::event::{Kind, action, side};
use qt_core::ring::Producer;

const N: usize = 1_000_000;
const LEVELS: i32 = 20;
const BASE: i32 = 6704;
const TICKS: usize = 8192;

/// xorshift64*, seeded: every run sees the same stream.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> i32 {
        (-(1.0 - self.next()).ln() * mean) as i32
    }

    fn flip(&mut self) -> i8 {
        if self.next() < 0.5 { side::BUY } else { side::SELL }
    }
}

/// A book of about 20 levels a side under market, limit and cancel flow; one level update per event.
struct Market {
    rng: Rng,
    sizes: [Vec<i32>; 2],
    best: [i32; 2],
    out: Vec<Event>,
}

impl Market {
    fn new() -> Self {
        let sizes = [vec![0; TICKS], vec![0; TICKS]];
        let mut market = Self { rng: Rng(7), sizes, best: [4096, 4095], out: Vec::with_capacity(N + 64) };
        for d in 0..LEVELS {
            market.set(side::BUY, 4095 - d, 5 + d);
            market.set(side::SELL, 4096 + d, 5 + d);
        }
        market
    }

    fn set(&mut self, side: i8, px: i32, size: i32) {
        let s = usize::from(side > 0);
        self.sizes[s][px as usize] = size;
        self.out.push(Event {
            sequence: self.out.len() as i64,
            kind: Kind::Level as u8,
            action: if size == 0 { action::DELETE } else { action::EDIT },
            side,
            px: px + BASE,
            size,
            ..Event::default()
        });
        let step = i32::from(side);
        if size > 0 && (px - self.best[s]) * step > 0 {
            self.best[s] = px;
        } else if size == 0 && px == self.best[s] {
            let next = (1..LEVELS).map(|d| px - d * step).find(|&p| self.sizes[s][p as usize] > 0);
            self.best[s] = next.unwrap_or(px - step);
            if next.is_none() {
                self.set(side, px - step, 10);
            }
        }
    }

    fn step(&mut self) {
        let side = self.rng.flip();
        let s = usize::from(side > 0);
        let step = i32::from(side);
        let best = self.best[s];
        if self.rng.next() < 0.2 {
            let mut left = 1 + self.rng.exponential(3.0);
            while left > 0 {
                let (px, there) = (self.best[s], self.sizes[s][self.best[s] as usize]);
                self.set(side, px, (there - left).max(0));
                left -= there;
            }
        } else if self.best[0] - self.best[1] > 1 && self.rng.next() < 0.55 {
            let size = 1 + self.rng.exponential(12.0);
            self.set(side, best + step, size);
        } else {
            let px = best - step * self.rng.exponential(3.5).min(LEVELS - 1);
            let (there, change) = (self.sizes[s][px as usize], 1 + self.rng.exponential(6.0));
            let adds = there == 0 || self.rng.next() < if there < 25 { 0.6 } else { 0.4 };
            self.set(side, px, if adds { there + change } else { (there - change).max(0) });
        }
        for d in LEVELS..LEVELS + 3 {
            let px = self.best[s] - d * step;
            if self.sizes[s][px as usize] > 0 {
                self.set(side, px, 0);
            }
        }
    }
}

fn level_stream() -> Vec<Event> {
    let mut market = Market::new();
    while market.out.len() < N {
        market.step();
    }
    market.out
}

/// Adds, edits and deletes by id around a price that walks, with some thousand live orders.
fn order_stream() -> Vec<Event> {
    let mut rng = Rng(11);
    let mut live: Vec<Event> = Vec::new();
    let (mut out, mut mid) = (Vec::with_capacity(N), 10_800);
    while out.len() < N {
        mid += (rng.next() * 3.0) as i32 - 1;
        let kind = Kind::Order as u8;
        if live.len() < 4000 || rng.next() < 0.45 {
            let side = rng.flip();
            let px = mid - i32::from(side) * (1 + rng.exponential(8.0));
            let (id, size) = (out.len() as i64 + 1, 1 + rng.exponential(5.0));
            let e = Event { kind, action: action::ADD, side, px, size, id, ref_b: -1, ..Event::default() };
            live.push(e);
            out.push(e);
        } else {
            let at = (rng.next() * live.len() as f64) as usize;
            if rng.next() < 0.7 || live[at].size == 1 {
                out.push(Event { action: action::DELETE, ..live.swap_remove(at) });
            } else {
                live[at].size -= 1;
                out.push(Event { action: action::EDIT, ..live[at] });
            }
        }
    }
    out
}

struct Floor {
    sizes: [Box<[i32; TICKS]>; 2],
    bid: i32,
    ask: i32,
}

impl Floor {
    fn new() -> Self {
        let sizes = || vec![0; TICKS].into_boxed_slice().try_into().unwrap();
        Self { sizes: [sizes(), sizes()], bid: -1, ask: TICKS as i32 }
    }

    #[inline(always)]
    fn apply(&mut self, e: &Event) {
        let (p, q) = (e.px - BASE, e.size);
        if e.side > 0 {
            self.sizes[1][p as usize] = q;
            if q > 0 {
                self.bid = self.bid.max(p);
            } else if p == self.bid {
                while self.bid >= 0 && self.sizes[1][self.bid as usize] == 0 {
                    self.bid -= 1;
                }
            }
        } else {
            self.sizes[0][p as usize] = q;
            if q > 0 {
                self.ask = self.ask.min(p);
            } else if p == self.ask {
                while (self.ask as usize) < TICKS && self.sizes[0][self.ask as usize] == 0 {
                    self.ask += 1;
                }
            }
        }
    }
}

fn books(c: &mut Criterion) {
    let events = level_stream();
    let mut group = c.benchmark_group("l2");
    group.throughput(Throughput::Elements(events.len() as u64)).sample_size(20);
    group.bench_function("floor", |b| {
        b.iter_batched_ref(
            Floor::new,
            |book| {
                let mut check = 0;
                for e in &events {
                    book.apply(e);
                    check += i64::from(book.bid ^ book.ask);
                }
                check
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("update_many", |b| {
        b.iter_batched_ref(L2Book::new, |book| book.update_many(black_box(&events)), BatchSize::PerIteration);
    });
    group.bench_function("update_and_touch", |b| {
        b.iter_batched_ref(
            L2Book::new,
            |book| {
                let mut check = 0;
                for e in &events {
                    book.update(e);
                    let touch = book.touch();
                    check += i64::from(touch.bid_px ^ touch.ask_px);
                }
                check
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    let events = order_stream();
    let mut group = c.benchmark_group("by_order");
    group.throughput(Throughput::Elements(events.len() as u64)).sample_size(20);
    group.bench_function("update_many", |b| {
        b.iter_batched_ref(
            OrderBook::new,
            |book| book.update_many(black_box(&events)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn ring(c: &mut Criterion) {
    let mut group = c.benchmark_group("ring");
    let mut producer = Producer::in_memory(1 << 16).unwrap();
    let event = Event { kind: Kind::Trade as u8, ..Event::default() };
    group.throughput(Throughput::Elements(1));
    group.bench_function("push", |b| b.iter(|| producer.push(black_box(event))));

    let events = vec![event; 1024];
    let mut reader = producer.reader();
    let mut out = Vec::with_capacity(events.len());
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("push_many_and_read", |b| {
        b.iter(|| {
            producer.push_many(&events);
            out.clear();
            reader.read(events.len(), &mut out)
        });
    });
    group.finish();
}

criterion_group!(benches, books, ring);
criterion_main!(benches);
