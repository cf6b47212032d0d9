//! What holds for every feature of the catalogue, found through the catalogue.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod common;

use common::{MINUTE, SECOND, T0, all_names, anything, bits, close, engine, long_session, run, same, trade};
use proptest::prelude::*;
use qt_core::Event;
use qt_core::event::{Kind, PX_NONE, phase};
use qt_features::catalogue::catalogue;
use qt_features::spec::{Family, Kind as ValueKind, Symmetry, Warmup, Window};

const CLOCKS: [&str; 5] = ["event", "1s", "250ms", "3trades", "bar"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batch_equals_stream_for_any_chunking(
        events in anything(300), cuts in prop::collection::vec(0usize..300, 0..8), clock in 0usize..5,
    ) {
        let names = all_names();
        let batch = run(&names, CLOCKS[clock], "full", &events);

        let mut one_by_one = engine(&names, CLOCKS[clock], "full");
        let mut due = 0;
        for e in &events {
            let before = one_by_one.samples().times.len();
            let flag = one_by_one.update(e).unwrap();
            due = one_by_one.samples().times.len();
            prop_assert_eq!(flag, due > before);
        }
        prop_assert_eq!(due, batch.times.len());
        prop_assert!(bits(&one_by_one.take()) == bits(&batch), "rows differ");

        let mut chunked = engine(&names, CLOCKS[clock], "full");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(events.len())).collect();
        cuts.push(events.len());
        cuts.sort_unstable();
        let (mut from, mut rows) = (0, (vec![], vec![], vec![]));
        for to in cuts {
            chunked.update_many(&events[from..to]).unwrap();
            chunked.snapshot(&mut Vec::new()); // looking changes nothing
            let part = bits(&chunked.take());
            rows.0.extend(part.0);
            rows.1.extend(part.1);
            rows.2.extend(part.2);
            from = to;
        }
        prop_assert!(rows == bits(&batch), "rows differ");
    }

    #[test]
    fn a_column_is_read_whenever_something_may_have_changed_it(
        events in anything(300), clock in 0usize..5, partial in any::<bool>(),
    ) {
        let (names, warmup) = (all_names(), if partial { "partial" } else { "full" });
        let skipping = run(&names, CLOCKS[clock], warmup, &events);
        let mut reading = engine(&names, CLOCKS[clock], warmup);
        reading.read_everything();
        reading.update_many(&events).unwrap();
        let reading = reading.take();
        for (k, (a, b)) in skipping.values.iter().zip(&reading.values).enumerate() {
            prop_assert!(a.to_bits() == b.to_bits(), "{} at row {}", names[k % names.len()], k / names.len());
        }
    }

    #[test]
    fn the_future_does_not_change_the_past(events in anything(300), cut in 0usize..300, clock in 0usize..5) {
        let names = all_names();
        let cut = cut.min(events.len());
        let whole = run(&names, CLOCKS[clock], "partial", &events);
        let start = run(&names, CLOCKS[clock], "partial", &events[..cut]);
        let n = start.times.len();
        prop_assert!(whole.counts[..n].iter().all(|c| *c <= cut as i64));
        prop_assert_eq!(&whole.times[..n], &start.times[..]);
        for (a, b) in whole.values.iter().zip(&start.values) {
            prop_assert_eq!(a.to_bits(), b.to_bits());
        }
    }

    #[test]
    fn only_differences_of_times_matter(events in anything(200), shift in -1_000_000_000_000i64..1_000_000_000_000) {
        let names = all_names();
        let moved: Vec<Event> = events
            .iter()
            .map(|e| Event { ts_event: e.ts_event + shift, ts_recv: e.ts_recv + shift, ..*e })
            .collect();
        let (a, b) = (run(&names, "1s", "partial", &events), run(&names, "1s", "partial", &moved));
        prop_assert!(a.times.iter().zip(&b.times).all(|(x, y)| x + shift == *y));
        prop_assert_eq!(bits(&a).2, bits(&b).2);
    }

    #[test]
    fn a_reset_engine_is_a_new_engine(events in anything(150), more in anything(150)) {
        let names = all_names();
        let mut used = engine(&names, "event", "partial");
        used.update_many(&more).unwrap();
        used.reset().unwrap();
        used.update_many(&events).unwrap();
        prop_assert!(bits(&used.take()) == bits(&run(&names, "event", "partial", &events)), "rows differ");
    }

    #[test]
    fn values_stay_in_their_range(events in anything(400)) {
        let names = all_names();
        let rows = run(&names, "event", "partial", &events);
        for row in rows.values.chunks_exact(names.len()) {
            for (v, (spec, _)) in row.iter().zip(catalogue()) {
                let (lo, hi) = spec.range;
                prop_assert!(v.is_nan() || (*v >= lo && *v <= hi), "{} is {v}, not in [{lo}, {hi}]", spec.name);
                if spec.kind != ValueKind::Float {
                    prop_assert!(v.is_nan() || v.fract() == 0.0, "{} is {v}", spec.name);
                }
            }
        }
    }

    #[test]
    fn swapped_sides_with_negated_prices_flip_signed_features(events in anything(300)) {
        compare(&events, mirror, |s| match s.swap_sides {
            Symmetry::Moves => Some(-1.0),
            Symmetry::Keeps => Some(1.0),
            Symmetry::Open => None,
        })?;
    }

    #[test]
    fn scaled_sizes_scale_contracts_and_leave_ratios(events in anything(300)) {
        let tripled = |e: &Event| Event { size: e.size * 3, size_ask: e.size_ask * 3, ..*e };
        compare(&events, tripled, |s| match s.scale_sizes {
            Symmetry::Moves => Some(3.0),
            Symmetry::Keeps => Some(1.0),
            Symmetry::Open => None,
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn footprint_pairs_change_places_when_sides_swap(events in anything(300)) {
        let mirrored: Vec<Event> = events.iter().map(mirror).collect();
        for (name, twin, sign) in [
            ("fp_delta_max", "fp_delta_min", -1.0),
            ("fp_buy_imb_count", "fp_sell_imb_count", 1.0),
            ("fp_stacked_buy", "fp_stacked_sell", 1.0),
            ("fp_absorption_high", "fp_absorption_low", 1.0),
            ("fp_exhaustion_high", "fp_exhaustion_low", 1.0),
            ("fp_unfinished_high", "fp_unfinished_low", 1.0),
        ] {
            let a = run(&[name, twin], "event", "full", &events);
            let b = run(&[twin, name], "event", "full", &mirrored);
            for (x, y) in a.values.iter().zip(&b.values) {
                prop_assert!(same(sign * x, *y), "{name}: {x} became {y}");
            }
        }
    }
}

/// Both sides of the market seen in a mirror: prices and sides change their sign, buyer and seller their places.
fn mirror(e: &Event) -> Event {
    let turned = |px: i32| if px == PX_NONE { px } else { -px };
    let e = Event { side: -e.side, px: turned(e.px), ..*e };
    if e.kind == Kind::Quote as u8 {
        Event { px: turned(e.px_ask), px_ask: e.px, size: e.size_ask, size_ask: e.size, ..e }
    } else if e.kind == Kind::Trade as u8 {
        Event { ref_a: e.ref_b, ref_b: e.ref_a, ..e }
    } else {
        e
    }
}

/// Checks that the values on a transformed stream are the given multiples of those on the stream.
fn compare(
    events: &[Event],
    change: impl Fn(&Event) -> Event,
    factor: impl Fn(&qt_features::spec::Spec) -> Option<f64>,
) -> Result<(), TestCaseError> {
    let names = all_names();
    let changed: Vec<Event> = events.iter().map(change).collect();
    let (a, b) = (run(&names, "event", "partial", events), run(&names, "event", "partial", &changed));
    prop_assert_eq!(&a.times, &b.times);
    for (x, y) in a.values.chunks_exact(names.len()).zip(b.values.chunks_exact(names.len())) {
        for ((x, y), (spec, _)) in x.iter().zip(y).zip(catalogue()) {
            if let Some(f) = factor(spec) {
                prop_assert!(close(x * f, *y), "{}: {x} became {y}", spec.name);
            }
        }
    }
    Ok(())
}

#[test]
fn features_are_nan_exactly_before_their_warm_up() {
    let events = long_session(205);
    let names = all_names();
    let rows = run(&names, "1s", "full", &events);
    for (k, (spec, _)) in catalogue().iter().enumerate() {
        let mut first = None;
        for (t, row) in rows.times.iter().zip(rows.values.chunks_exact(names.len())) {
            if !row[k].is_nan() {
                first = first.or(Some(*t));
            } else if let Some(first) = first {
                // What has a mean or a width in the denominator may be undefined now and then.
                assert!(spec.zero != qt_features::spec::Zero::Never, "{} NaN after {first}", spec.name);
            }
        }
        if matches!(spec.window, Window::Sessions(_)) {
            assert_eq!(first, None, "{} has a value in the first session", spec.name);
            continue;
        }
        let first = first.unwrap_or_else(|| panic!("{} never has a value", spec.name)) - T0;
        match (spec.warmup, spec.family) {
            // The first market record came after two seconds, the first print after two and a half; rows are on
            // the second. POC is sampled on the minute.
            (Warmup::Time(ns), _) if spec.name == "poc_migration_30m" => assert_eq!(first, ns + MINUTE),
            (Warmup::Time(ns), _) if spec.name.starts_with("delta_div") => assert_eq!(first, ns + 3 * SECOND),
            (Warmup::Time(ns), _) => assert_eq!(first, ns + 2 * SECOND, "{}", spec.name),
            // Bars end on the minute, rows on the second: bar n is there at minute n.
            (Warmup::Items(n), Family::Technical) => {
                assert_eq!(first, i64::from(n) * MINUTE, "{}", spec.name);
            }
            (Warmup::Items(_) | Warmup::State | Warmup::None, _) => assert!(first > 0, "{}", spec.name),
        }
    }
}

#[test]
fn features_that_count_sessions_begin_with_the_first_bar_of_the_session_after() {
    let counting: Vec<_> = catalogue()
        .iter()
        .filter_map(|(s, _)| match s.window {
            Window::Sessions(n) => Some((s.name, n)),
            _ => None,
        })
        .collect();
    assert!(!counting.is_empty());
    let day = |k: usize| {
        let at = k as f64 * 86_400.0;
        let prints = (0..9).map(move |i| (at + f64::from(i) * 20.0, trade(1000 + k as i32, 1 + i, 1)));
        std::iter::once((at, common::marker(phase::OPEN)))
            .chain(prints)
            .chain([(at + 180.0, common::marker(phase::CLOSED))])
    };
    let events = common::stamped((0..25).flat_map(day));
    let names: Vec<_> = counting.iter().map(|(name, _)| *name).collect();
    let rows = run(&names, "bar", "full", &events);
    for (k, (name, sessions)) in counting.iter().enumerate() {
        for (t, row) in rows.times.iter().zip(rows.values.chunks_exact(names.len())) {
            let session = (t - T0) / (24 * 60 * MINUTE);
            assert_eq!(row[k].is_nan(), session < i64::from(*sessions), "{name} in session {session}");
        }
    }
}

#[test]
fn partial_warm_up_lifts_the_wait_for_a_window_only() {
    let events = long_session(3);
    let full = run(&["delta_1m", "ret_1"], "1s", "full", &events);
    let partial = run(&["delta_1m", "ret_1"], "1s", "partial", &events);
    assert!(full.values[0].is_nan() && !partial.values[0].is_nan());
    let last = full.values.len() - 2;
    assert!(same(full.values[last], partial.values[last]));
    assert!(partial.values[1].is_nan(), "bars are still missing");
}

#[test]
fn memory_is_bounded_by_the_windows() {
    let names = all_names();
    let mut e = engine(&names, "1s", "full");
    let events = long_session(30);
    for day in 0..3 {
        let shift = day * 24 * 60 * MINUTE;
        let moved: Vec<Event> = events
            .iter()
            .map(|e| Event {
                ts_event: e.ts_event + shift,
                ts_recv: e.ts_recv + shift,
                sequence: e.sequence + shift,
                ..*e
            })
            .collect();
        e.update_many(&moved).unwrap();
        let close = common::marker(phase::CLOSED);
        let ts = moved[moved.len() - 1].ts_recv;
        e.update(&Event { ts_event: ts, ts_recv: ts, sequence: shift + 1_000_000, ..close }).unwrap();
        assert_eq!(e.take().times.len(), 30 * 60 - 3, "every day alike");
    }
}
