//! Replay of a synthetic session per event: alone, with orders resting in the queue, and the generator itself.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use qt_core::Event;
use qt_core::event::PX_NONE;
use qt_venue::{Config, NewOrder, OrderType, QueueModel, SessionSpec, Venue, generate_session};

const STEP_NS: i64 = 100_000_000;

fn venue(queue: QueueModel) -> Venue {
    let config = Config { latency_ns: 1_000_000, queue, fee: 0.5, ..Config::default() };
    Venue::new(config).unwrap_or_else(|e| panic!("the settings are valid: {e}"))
}

/// Steps of 100 ms; with `quote`, one order per side is kept one tick behind the touch.
fn replay(events: &[Event], mut venue: Venue, quote: bool) -> usize {
    let (mut cursor, mut id, mut until) = (0, 0, events[0].ts_event);
    let mut resting: [Option<(i64, i32)>; 2] = [None; 2];
    while cursor < events.len() {
        cursor += venue.replay(&events[cursor..], until).unwrap_or_else(|e| panic!("{e}"));
        venue.advance(until);
        let t = venue.best();
        for (slot, side, px) in [(0, 1, t.bid_px.saturating_sub(1)), (1, -1, t.ask_px.saturating_add(1))] {
            if !quote || !t.is_defined() || resting[slot].is_some_and(|(_, at)| at == px) {
                continue;
            }
            if let Some((old, _)) = resting[slot] {
                let _ = venue.cancel(old, until);
            }
            id += 1;
            let order = NewOrder {
                client_id: id,
                side,
                size: 1,
                kind: if px == PX_NONE { OrderType::Market } else { OrderType::Limit },
                px,
                limit_px: PX_NONE,
                reduce_only: false,
            };
            let _ = venue.submit(order, until);
            resting[slot] = Some((id, px));
        }
        venue.take_reports();
        until += STEP_NS;
    }
    cursor
}

fn benches(c: &mut Criterion) {
    let spec = SessionSpec::default();
    let events = generate_session(&spec).unwrap_or_else(|e| panic!("{e}"));
    let mut group = c.benchmark_group("replay");
    group.throughput(Throughput::Elements(events.len() as u64)).sample_size(20);
    for (name, queue, quote) in [
        ("idle strategy every 100 ms", QueueModel::Pessimistic, false),
        ("two resting orders, pessimistic", QueueModel::Pessimistic, true),
        ("two resting orders, proportional", QueueModel::Proportional, true),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(|| venue(queue), |v| replay(&events, v, quote), BatchSize::PerIteration);
        });
    }
    group.bench_function("generate", |b| b.iter(|| generate_session(&spec)));
    group.finish();
}

criterion_group!(replay_benches, benches);
criterion_main!(replay_benches);
