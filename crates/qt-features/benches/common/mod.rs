//! The workload that the benches share: six short sessions, a quiet morning and a busy end, so that every window is
//! full and every column has a value when the measurement begins.
#![allow(dead_code, missing_docs, clippy::unwrap_used)] // not every bench uses everything

use qt_core::Event;
use qt_core::event::{Kind, phase};
use qt_features::catalogue::catalogue;
use qt_features::fitted::{MICROPRICE_STATES, MicropriceTable};
use qt_features::{Config, FeatureEngine, Fitted, VpinBucket};
use qt_venue::generator::DEFAULT_OPEN_NS;
use qt_venue::{SessionSpec, generate_session};

/// Events per call: what a busy market sends in a fraction of a second.
pub const CHUNK: usize = 4096;
const MINUTE: i64 = 60_000_000_000;
const DAY: i64 = 1440 * MINUTE;
const WARM_DAYS: i64 = 6;
/// The quiet time before: longer than any window, and more bars than any indicator waits for.
const QUIET: i64 = 210 * MINUTE;

/// What happened before, and what is measured; one continuous stream.
pub struct Recording {
    pub before: Vec<Event>,
    pub busy: Vec<Event>,
}

impl Recording {
    /// About `count` busy events.
    pub fn new(count: i64) -> Self {
        let mut before = Vec::new();
        for day in 0..WARM_DAYS {
            let open_ns = DEFAULT_OPEN_NS + (day - WARM_DAYS) * DAY;
            append(&mut before, session(open_ns, 10 * MINUTE, 0, 10, day as u64));
        }
        let mut quiet = session(DEFAULT_OPEN_NS, QUIET, 0, 10, 8);
        quiet.retain(|e| e.kind != Kind::Session as u8 || e.action != phase::CLOSED);
        append(&mut before, quiet);
        let mut busy = session(DEFAULT_OPEN_NS + QUIET, 2 * QUIET, count, 1000, 7);
        busy.retain(|e| e.kind != Kind::Session as u8);
        let (mut recv, last) = before.last().map_or((0, 0), |e| (e.ts_recv, e.sequence));
        for e in &mut busy {
            recv = recv.max(e.ts_recv);
            e.ts_recv = recv;
            e.sequence += last;
        }
        Self { before, busy }
    }
}

fn session(open_ns: i64, duration_ns: i64, max_events: i64, intensity: i64, seed: u64) -> Vec<Event> {
    let spec = SessionSpec { seed, duration_ns, max_events, intensity, open_ns, ..SessionSpec::default() };
    generate_session(&spec).unwrap()
}

fn append(all: &mut Vec<Event>, more: Vec<Event>) {
    let last = all.last().map_or(0, |e| e.sequence);
    all.extend(more.into_iter().map(|e| Event { sequence: e.sequence + last, ..e }));
}

/// The families of the catalogue, in its order.
pub fn families() -> impl Iterator<Item = &'static str> {
    let all: Vec<&str> = catalogue().iter().map(|(s, _)| s.family.name()).collect();
    let first = |k: &usize| !all[..*k].contains(&all[*k]);
    let firsts: Vec<&str> = (0..all.len()).filter(first).map(|k| all[k]).collect();
    firsts.into_iter()
}

/// What `workload` names: `touch` (three columns of the touch), `all`, or a family of the catalogue.
pub fn names(workload: &str) -> Vec<String> {
    let all = catalogue().iter().map(|(s, _)| *s);
    let chosen: Vec<String> = match workload {
        "touch" => ["book_ofi_10s", "book_imbalance_5", "weighted_mid_dev"].map(String::from).to_vec(),
        "all" => all.map(|s| s.name.into()).collect(),
        family => all.filter(|s| s.family.name() == family).map(|s| s.name.into()).collect(),
    };
    assert!(!chosen.is_empty(), "workload {workload}: touch, all, or a family of the catalogue");
    chosen
}

/// An engine that is told everything a feature may need.
pub fn engine(workload: &str, clock: &str) -> FeatureEngine {
    let adjustment: [f64; MICROPRICE_STATES] =
        std::array::from_fn(|k| ((k % 10) as f64 - 4.5) * (0.03 + 0.05 * (k / 10) as f64));
    let fitted = Fitted {
        vpin_bucket: Some(VpinBucket { from: i64::MIN, contracts: 200 }),
        microprice: Some(MicropriceTable { from: 0, adjustment }),
        pin: vec![(0, 0.25)],
    };
    let config = Config::parse(names(workload), 0.5, 10.0, clock, "partial", "drop").unwrap();
    let config = config.with_session_seconds(Some(10_800.0)).with_fitted(fitted);
    FeatureEngine::new(config).unwrap()
}

/// Streams the events in chunks; the rows of a chunk are looked at and dropped.
pub fn stream(engine: &mut FeatureEngine, events: &[Event]) -> usize {
    let mut rows = 0;
    for chunk in events.chunks(CHUNK) {
        rows += engine.update_many(chunk).unwrap();
        std::hint::black_box(engine.samples());
        engine.discard();
    }
    rows
}
