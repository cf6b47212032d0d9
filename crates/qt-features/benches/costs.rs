//! What each feature of the catalogue adds to an event: `cargo bench -p qt-features --bench costs`.
//!
//! An engine with that feature alone at the `"event"` clock, less one with `gap_open`, which changes once a session and is
//! not read until then: so what the engine does anyway, and emitting a row with one column, is not in the number. State that
//! several features share is counted in full for each of them, so the numbers do not add up to the cost of a set.
//! The least of several repeats counts, as everything that disturbs a measurement makes it longer.
//!
//! Arguments: `--write` replaces `crates/qt-features/costs.tsv`, from which `make gen` takes them; a number is how
//! many repeats are made (20: some five minutes); a name measures that feature only.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use qt_core::Event;
use qt_core::calendar::Date;
use qt_features::catalogue::catalogue;
use qt_features::{Config, FeatureEngine, Fitted, MicropriceTable, VpinBucket};
use qt_venue::{SessionSpec, generate_session};

const EVENTS: i64 = 620_000;
/// Events before the clock starts, over an hour: every window of the session is full then, and rings have grown.
const UNTIMED: usize = 520_000;
/// Events per call.
const CHUNK: usize = 4096;
/// A feature that costs nothing per event.
const NOTHING: &str = "gap_open";

fn session() -> Vec<Event> {
    let spec = SessionSpec { max_events: EVENTS, intensity: 1000, ..SessionSpec::default() };
    generate_session(&spec).unwrap()
}

/// Fitted inputs, so that the features that read them have something to do.
fn fitted() -> Fitted {
    let mut table = MicropriceTable { from: i64::MIN, adjustment: [0.0; 30] };
    for (k, x) in table.adjustment.iter_mut().enumerate() {
        *x = ((k % 10) as f64 - 4.5) * 0.1;
    }
    Fitted {
        vpin_bucket: Some(VpinBucket { from: i64::MIN, contracts: 40 }),
        microprice: Some(table),
        pin: vec![(i64::MIN, 0.25)],
    }
}

fn feed(engine: &mut FeatureEngine, events: &[Event]) {
    for chunk in events.chunks(CHUNK) {
        engine.update_many(chunk).unwrap();
        black_box(engine.samples());
        engine.discard();
    }
}

/// Time for the events that count.
fn time(name: &str, events: &[Event]) -> Duration {
    let config = Config::parse(vec![name.into()], 0.5, 10.0, "event", "partial", "quote").unwrap();
    let config = config.with_session_seconds(Some(32_400.0)).with_fitted(fitted());
    let mut engine = FeatureEngine::new(config).unwrap();
    let (untimed, timed) = events.split_at(UNTIMED);
    feed(&mut engine, untimed);
    let start = Instant::now();
    feed(&mut engine, timed);
    start.elapsed()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).output();
    let text = out.ok().filter(|o| o.status.success()).map(|o| o.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).trim().to_string()
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("model name").and_then(|l| l.split_once(": ")));
    line.map_or_else(|| std::env::consts::ARCH.to_string(), |(_, model)| model.trim().to_string())
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    Date::from_days((seconds / 86_400) as i32).to_string()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    // `cargo test --benches` runs every bench; this one has nothing to check.
    if arguments.iter().any(|a| a == "--test") || cfg!(debug_assertions) {
        return;
    }
    let writes = arguments.iter().any(|a| a == "--write");
    let repeats = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(20);
    let names: Vec<&str> = catalogue().iter().map(|(s, _)| s.name).collect();
    let only: Vec<&str> = names.iter().copied().filter(|n| arguments.iter().any(|a| a == n)).collect();
    let names = if only.is_empty() || writes { names } else { only };

    let events = session();
    let span = (events[events.len() - 1].ts_event - events[0].ts_event) / 1_000_000_000;
    // As many measurements of nothing as of the feature, beside it: the least of more would be less.
    let mut least = vec![(Duration::MAX, Duration::MAX); names.len()];
    for _ in 0..repeats {
        for (name, (nothing, feature)) in names.iter().zip(&mut least) {
            *nothing = (*nothing).min(time(NOTHING, &events));
            *feature = (*feature).min(time(name, &events));
        }
    }
    let count = (events.len() - UNTIMED) as f64;
    let mut text = format!(
        "# {}, {}, commit {}, {}; {} events of {span} s of session, the last {count} timed, least of {repeats}\nname\tns_per_event\n",
        processor(),
        output("rustc", &["--version"]),
        output("git", &["rev-parse", "--short", "HEAD"]),
        today(),
        events.len(),
    );
    for (name, (nothing, feature)) in names.iter().zip(&least) {
        let ns = feature.saturating_sub(*nothing).as_nanos() as f64 / count;
        writeln!(text, "{name}\t{ns:.1}").unwrap();
    }
    print!("{text}");
    if writes {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("costs.tsv"), text).unwrap();
    }
}
