//! Work for an instruction counter: `instructions WORKLOAD [CLOCK [EVENTS]]`, run under `valgrind --tool=callgrind` by
//! `benches/test_instructions.py`. Wall time is noisy, instructions are not.
//!
//! Only [`measured`] counts: the events are made and the engine is warm before it.
#![allow(missing_docs, clippy::print_stdout, clippy::disallowed_methods)] // a bench reads the clock

mod common;

use std::time::Instant;

use qt_core::Event;
use qt_features::FeatureEngine;

const EVENTS: i64 = 60_000;

#[inline(never)]
fn measured(engine: &mut FeatureEngine, events: &[Event]) -> usize {
    common::stream(engine, events)
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench" && a != "--test");
    // `cargo test --benches` and `cargo bench` run every bench without arguments.
    let Some(workload) = arguments.next() else { return };
    let clock = arguments.next().unwrap_or_else(|| "100ms".into());
    let count = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(EVENTS);
    let recording = common::Recording::new(count);
    let mut engine = common::engine(&workload, &clock);
    common::stream(&mut engine, &recording.before);
    let start = Instant::now();
    let rows = measured(&mut engine, &recording.busy);
    let spent = start.elapsed().as_nanos() as f64 / recording.busy.len() as f64;
    let mut last = Vec::new();
    engine.snapshot(&mut last);
    let names = engine.config().names.iter().zip(&last);
    let missing: Vec<&str> = names.filter(|(_, x)| x.is_nan()).map(|(n, _)| n.as_str()).collect();
    println!("{} events, {} features, {rows} rows", recording.busy.len(), engine.width());
    println!("{spent:.1} ns per event on the wall; without a value at the end: {missing:?}");
}
