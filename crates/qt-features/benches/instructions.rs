//! Work for an instruction counter: `instructions WORKLOAD`, run under `valgrind --tool=callgrind` by
//! `benches/test_instructions.py`. Wall time is noisy, instructions are not.
//!
//! Only [`measured`] counts: the session is made before it.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;

use qt_core::Event;
use qt_features::catalogue::catalogue;
use qt_features::{Config, FeatureEngine};
use qt_venue::{SessionSpec, generate_session};

const EVENTS: i64 = 60_000;
/// Events per call.
const CHUNK: usize = 4096;

fn session() -> Vec<Event> {
    let spec = SessionSpec { max_events: EVENTS, intensity: 1000, ..SessionSpec::default() };
    generate_session(&spec).unwrap()
}

#[inline(never)]
fn measured(engine: &mut FeatureEngine, events: &[Event]) -> usize {
    let mut rows = 0;
    for chunk in events.chunks(CHUNK) {
        rows += engine.update_many(chunk).unwrap();
        black_box(engine.samples());
        engine.discard();
    }
    rows
}

fn names(workload: &str) -> Vec<String> {
    let all = catalogue().iter().map(|(s, _)| *s);
    let chosen: Vec<String> = match workload {
        "touch" => ["book_ofi_10s", "book_imbalance_5", "weighted_mid_dev"].map(String::from).to_vec(),
        "all" => all.map(|s| s.name.into()).collect(),
        family => all.filter(|s| s.family.name() == family).map(|s| s.name.into()).collect(),
    };
    assert!(!chosen.is_empty(), "workload {workload}: touch, all, or a family of the catalogue");
    chosen
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench" && a != "--test");
    // `cargo test --benches` and `cargo bench` run every bench without arguments.
    let Some(workload) = arguments.next() else { return };
    let clock = arguments.next().unwrap_or_else(|| "100ms".into());
    let events = session();
    let config = Config::parse(names(&workload), 0.5, 10.0, &clock, "partial", "drop").unwrap();
    let mut engine = FeatureEngine::new(config).unwrap();
    let rows = measured(&mut engine, &events);
    println!("{} events, {} features, {rows} rows", events.len(), engine.width());
}
