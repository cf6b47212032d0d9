//! Sessions, packets, clocks and the odd things that feeds do.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod common;

use common::{MINUTE, SECOND, T0, column, engine, kind, level, marker, quote, run, stamped, trade};
use qt_core::Event;
use qt_core::event::{Bar, Kind, PX_NONE, action, flag, phase, side};
use qt_features::Error;

fn with(e: Event, flags: u16) -> Event {
    Event { flags, ..e }
}

fn nan(values: &[f64]) -> Vec<bool> {
    values.iter().map(|v| v.is_nan()).collect()
}

#[test]
fn events_of_one_time_count_together() {
    let events = stamped([(0.0, trade(10, 1, 1)), (60.0, trade(10, 2, 1)), (60.0, trade(10, 4, 1))]);
    // The first trade is exactly one minute old at 60 s: out.
    assert_eq!(column("delta_1m", "event", "partial", &events), [1.0, 2.0, 6.0]);
}

#[test]
fn an_empty_window_is_zero_or_nan_as_the_catalogue_says() {
    let events = stamped([(0.0, quote(10, 5, 11, 5)), (1.0, trade(10, 1, 1)), (100.0, kind(Kind::Timer))]);
    let last = |name| *column(name, "event", "full", &events).last().unwrap();
    assert_eq!(last("flow_ofi_1m"), 0.0);
    assert_eq!(last("book_ofi_1m"), 0.0);
    assert!(last("book_ofi_norm_1m").is_nan());
}

#[test]
fn which_trades_are_signed() {
    let t = |flags| with(trade(10, 1, 1), flags);
    let events = stamped([
        (0.0, t(0)),
        (0.0, t(flag::CROSS)),
        (0.0, t(flag::AUCTION)),
        (0.0, t(flag::CANCELLED)),
        (0.0, t(flag::EDITED)),
        (0.0, t(flag::SIDE_INFERRED)),
    ]);
    assert_eq!(column("cvd_session", "event", "full", &events), [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]);
    // Signed or not, what printed counts in VWAP and volume: four prints.
    let mut e = engine(&["vwap_distance"], "2trades", "full");
    assert_eq!(e.update_many(&events).unwrap(), 2);
}

#[test]
fn rlp_trades_are_signed_by_quote_on_demand() {
    let rlp = |px| with(trade(px, 1, 0), flag::RLP);
    let events = stamped([
        (0.0, quote(10, 5, 12, 5)),
        (0.0, rlp(12)), // above the mid
        (0.0, rlp(10)), // below
        (0.0, rlp(11)), // at the mid, after a fall to 10 and a rise to 11
        (0.0, quote(PX_NONE, 0, 12, 5)),
        (0.0, rlp(9)), // no mid: a fall
    ]);
    assert_eq!(column("cvd_session", "event", "full", &events)[1..], [1.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn a_missing_side_is_flow_but_no_mid() {
    let events = stamped([
        (0.0, trade(10, 1, 1)),
        (0.0, quote(10, 5, 11, 7)),
        (0.0, quote(PX_NONE, 0, 11, 7)),
        (0.0, quote(10, 6, 11, 7)),
    ]);
    assert_eq!(column("book_ofi_10s", "event", "partial", &events)[1..], [0.0, -5.0, 1.0]);
    assert_eq!(nan(&column("poc_distance", "event", "full", &events)), [true, false, true, false]);
    assert_eq!(nan(&column("spread_ticks", "event", "full", &events)), [true, false, true, false]);
}

#[test]
fn a_crossed_or_locked_touch_is_undefined_and_breaks_the_chain() {
    let events = stamped([
        (0.0, quote(10, 5, 11, 7)),
        (0.0, quote(11, 9, 11, 7)),
        (0.0, quote(10, 20, 11, 7)),
        (0.0, quote(10, 21, 11, 7)),
    ]);
    let ofi = column("book_ofi_10s", "event", "partial", &events);
    assert!(ofi[1].is_nan());
    assert_eq!([ofi[0], ofi[2], ofi[3]], [0.0, 0.0, 1.0]);
}

#[test]
fn sizes_that_a_source_does_not_know_are_not_zero() {
    let events =
        stamped([(0.0, quote(10, 0, 11, 0)), (0.0, quote(10, 5, 11, 7)), (0.0, quote(10, 6, 11, 7))]);
    assert_eq!(nan(&column("book_ofi_10s", "event", "partial", &events)), [true, false, false]);
    assert_eq!(column("book_ofi_10s", "event", "partial", &events)[1..], [0.0, 1.0]);
    assert_eq!(column("spread_ticks", "event", "full", &events), [1.0; 3]);
    assert!(column("weighted_mid_dev", "event", "full", &events)[0].is_nan());
}

#[test]
fn state_of_the_book_by_hand() {
    let mut events: Vec<(f64, Event)> = Vec::new();
    for d in 0..7 {
        events.push((0.0, level(side::BUY, 100 - 2 * d, 10 + d)));
        events.push((0.0, level(side::SELL, 102 + d, 20)));
    }
    let events = stamped(events);
    let last = |name| *column(name, "event", "partial", &events).last().unwrap();
    // Bids 10+11+12+13+14 = 60 over five occupied levels, asks 100.
    assert_eq!(last("book_imbalance_5"), -0.25);
    assert_eq!(last("spread_ticks"), 2.0);
    assert_eq!(last("weighted_mid_dev"), -1.0 / 3.0); // (100·20 + 102·10)/30 − 101
}

#[test]
fn a_book_takes_over_from_quotes() {
    let events = stamped([
        (0.0, quote(10, 5, 11, 7)),
        (0.0, level(side::BUY, 8, 5)),
        (0.0, level(side::SELL, 12, 5)),
        (0.0, quote(10, 5, 11, 7)),
    ]);
    let spread = column("spread_ticks", "event", "full", &events);
    assert_eq!([spread[0], spread[2], spread[3]], [1.0, 4.0, 4.0]);
    assert!(spread[1].is_nan());
}

#[test]
fn a_packet_shows_when_it_has_ended() {
    let events = stamped([
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
        (1.0, with(level(side::BUY, 10, 0), flag::MORE)),
        (1.0, with(level(side::BUY, 9, 3), flag::MORE)),
        (1.0, level(side::BUY, 10, 6)),
    ]);
    let rows = run(&["book_ofi_10s", "book_imbalance_5"], "event", "partial", &events);
    assert_eq!(rows.counts, [1, 2, 5]);
    // The ask that appeared counts −5; then 5 → 6 at an unmoved touch: +1, one update.
    assert_eq!(rows.values[4..], [-4.0, 4.0 / 14.0]);
    // A grid point inside the packet sees the book before it.
    let late = stamped([
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
        (0.9, with(level(side::BUY, 10, 50), flag::MORE)),
        (1.1, level(side::BUY, 9, 3)),
    ]);
    assert_eq!(column("book_imbalance_5", "1s", "partial", &late), [0.0]);
}

#[test]
fn after_a_gap_nothing_is_known_until_an_image() {
    let bound = |a| Event { action: a, ..kind(Kind::Level) };
    let events = stamped([
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
        (0.0, kind(Kind::Gap)),
        (0.0, level(side::BUY, 10, 9)),
        (0.0, bound(action::SNAPSHOT_BEGIN)),
        (0.0, with(level(side::BUY, 10, 7), flag::SNAPSHOT)),
        (0.0, with(level(side::SELL, 11, 7), flag::SNAPSHOT)),
        (0.0, bound(action::SNAPSHOT_END)),
        (0.0, level(side::BUY, 10, 8)),
    ]);
    let names = ["book_ofi_10s", "flow_aggression_ratio", "limit_flow_imb_1m", "mlofi_w5_1m", "spread_ticks"];
    let rows = run(&names, "event", "partial", &events);
    for k in 2..7 {
        assert!(rows.values[k * 5..(k + 1) * 5].iter().all(|v| v.is_nan()), "row {k}");
    }
    // The ask that appeared at first sold 5. What the image shows is no flow. The addition after it bought 1.
    let last = &rows.values[8 * 5..];
    assert_eq!(last[0], -4.0);
    assert_eq!(last[1], 0.0);
    assert_eq!(last[2], -4.0 / 6.0);
    assert_eq!(last[3], 16.0 * -4.0 / 31.0);
}

#[test]
fn a_session_starts_windows_anew_and_keeps_the_book() {
    let events = stamped([
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
        (1.0, trade(11, 3, 1)),
        (2.0, marker(phase::OPEN)),
        (3.0, level(side::BUY, 10, 6)),
    ]);
    let rows = run(&["cvd_session", "book_ofi_10s", "spread_ticks"], "event", "partial", &events);
    assert_eq!(rows.values[2 * 3..3 * 3], [3.0, -5.0, 1.0]);
    assert!(rows.values[3 * 3].is_nan());
    assert_eq!(rows.values[3 * 3 + 1..4 * 3], [0.0, 1.0]);
    assert_eq!(rows.values[4 * 3 + 1], 1.0);
}

#[test]
fn nothing_is_sampled_between_sessions() {
    let events = stamped([
        (0.0, marker(phase::OPEN)),
        (1.5, trade(10, 1, 1)),
        (2.0, marker(phase::CLOSED)),
        (9.0, trade(10, 1, 1)),
        (10.0, marker(phase::AUCTION)),
        (10.5, with(trade(10, 1, 1), flag::AUCTION)),
        (12.0, marker(phase::OPEN)),
        (12.1, trade(10, 1, 1)),
    ]);
    let rows = run(&["cvd_session"], "1s", "full", &events);
    let at: Vec<i64> = rows.times.iter().map(|t| (t - T0) / SECOND).collect();
    // Rows begin with the first market record; the auction opened the second session at 10 s.
    assert_eq!(at, [11, 12]);
    assert_eq!(rows.counts, [6, 7]);
    assert_eq!(rows.values, [0.0, 0.0]);
}

#[test]
fn bars_are_anchored_at_the_session_and_flat_without_trades() {
    let events = stamped([
        (0.0, marker(phase::OPEN)),
        (70.0, trade(10, 1, 1)),
        (110.0, trade(14, 3, -1)),
        (120.0, trade(11, 1, 1)),
        (300.0, marker(phase::CLOSED)),
    ]);
    let rows = run(&["bar_range", "flow_volume_imbalance", "ret_1"], "bar", "full", &events);
    let at: Vec<i64> = rows.times.iter().map(|t| (t - T0) / SECOND).collect();
    assert_eq!(at, [120, 180, 240, 300]);
    assert_eq!(rows.counts, [3, 4, 4, 4]);
    assert_eq!(rows.values[..2], [4.0, -0.5]);
    assert_eq!(rows.values[3..6], [0.0, 1.0, (11.0f64 / 14.0).ln()]);
    assert_eq!(rows.values[6..], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_session_that_ends_early_closes_its_bar() {
    let events = stamped([(0.0, trade(10, 1, 1)), (30.0, marker(phase::CLOSED))]);
    let rows = run(&["bar_range"], "bar", "full", &events);
    assert_eq!((rows.times, rows.values), (vec![T0 + 30 * SECOND], vec![0.0]));
}

#[test]
fn bars_of_the_source_replace_bars_from_trades() {
    let bar = |close: i32, volume| {
        Event::from(Bar { open: 10, high: 20, low: 5, close, volume, ts_open: T0, ..Bar::default() })
    };
    let events = stamped([
        (0.0, bar(12, 7)),
        (300.0, bar(15, 9)),
        (300.0, trade(10, 1, 1)),
        (900.0, kind(Kind::Timer)),
    ]);
    let rows = run(&["bar_range", "ret_1", "flow_volume_imbalance"], "bar", "full", &events);
    assert_eq!(rows.times, [T0, T0 + 5 * MINUTE]);
    assert_eq!(rows.values[3..5], [15.0, (15.0f64 / 12.0).ln()]);
    assert!(rows.values[5].is_nan(), "a bar record knows no sides");
}

#[test]
fn bar_features_carry_over_sessions_but_not_over_rolls() {
    let day = |start: f64, last: u8| {
        [
            (start, marker(phase::OPEN)),
            (start + 1.0, trade(10, 1, 1)),
            (start + 60.0, marker(phase::CLOSED)),
            (start + 61.0, marker(last)),
        ]
    };
    let carried = stamped(day(0.0, phase::CLOSED).into_iter().chain(day(100.0, phase::CLOSED)));
    assert_eq!(column("ret_1", "bar", "full", &carried)[1], 0.0);
    let rolled = stamped(day(0.0, phase::ROLL).into_iter().chain(day(100.0, phase::CLOSED)));
    assert!(column("ret_1", "bar", "full", &rolled)[1].is_nan());
}

#[test]
fn a_roll_forgets_the_book_and_starts_the_session_again() {
    let events = stamped([
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
        (0.0, trade(11, 3, 1)),
        (1.0, marker(phase::ROLL)),
        (1.0, level(side::BUY, 50, 5)),
        (1.0, level(side::SELL, 52, 5)),
    ]);
    let rows = run(&["cvd_session", "spread_ticks"], "event", "full", &events);
    assert_eq!(rows.values[2 * 2..3 * 2], [3.0, 1.0]);
    assert!(rows.values[3 * 2].is_nan() && rows.values[3 * 2 + 1].is_nan());
    assert!(rows.values[4 * 2 + 1].is_nan());
    assert_eq!(rows.values[5 * 2 + 1], 2.0);
}

#[test]
fn late_events_count_at_engine_time() {
    let mut events = stamped([(0.0, trade(10, 1, 1)), (30.0, trade(10, 2, 1)), (90.0, kind(Kind::Timer))]);
    events[1].ts_event = T0 - 5 * SECOND; // stamped long ago by the exchange, seen only now
    let rows = run(&["delta_1m"], "event", "partial", &events);
    assert_eq!(rows.times, [T0, T0, T0 + 90 * SECOND]);
    assert_eq!(rows.values, [1.0, 3.0, 0.0]);
}

#[test]
fn a_stream_that_runs_backwards_is_an_error_with_the_index() {
    let mut events = stamped([(0.0, trade(10, 1, 1)), (1.0, trade(10, 1, 1)), (2.0, trade(10, 1, 1))]);
    events[2].sequence = 0;
    let mut e = engine(&["cvd_session"], "event", "full");
    assert_eq!(
        e.update_many(&events),
        Err(Error::Unsorted { field: "sequence", index: 2, value: 0, before: 1 })
    );
    assert!(e.take().values.is_empty(), "nothing is applied");
    assert_eq!(e.update_many(&events[..2]), Ok(2));
    events[1].ts_recv = T0 - 1;
    let mut e = engine(&["cvd_session"], "event", "full");
    assert!(matches!(e.update_many(&events), Err(Error::Unsorted { field: "ts_recv", index: 1, .. })));
}

#[test]
fn a_session_warms_up_from_its_first_market_record() {
    let events = stamped([
        (0.0, marker(phase::OPEN)),
        (3600.0, trade(10, 1, 1)),
        (3660.0, kind(Kind::Timer)),
        (3661.0, kind(Kind::Timer)),
    ]);
    let rows = run(&["delta_1m", "cvd_slope_5m"], "7s", "full", &events);
    // 515 · 7 s is the first point of the session's grid at or after the first record.
    assert_eq!(rows.times[0], T0 + 515 * 7 * SECOND);
    let warm = rows.times.iter().zip(rows.values.chunks_exact(2)).find(|(_, row)| !row[0].is_nan());
    assert_eq!(warm.map(|(t, row)| (*t, row[0])), None, "the last row is at 3661 − 3 s");
    assert_eq!(column("delta_1m", "event", "full", &events)[2..], [0.0, 0.0]);
    assert!(column("delta_1m", "event", "full", &events)[1].is_nan());
}

#[test]
fn a_gap_before_the_book_counts() {
    let events = stamped([
        (0.0, kind(Kind::Gap)),
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
        (0.0, Event { action: action::CLEAR, ..kind(Kind::Level) }),
        (0.0, level(side::BUY, 10, 5)),
        (0.0, level(side::SELL, 11, 5)),
    ]);
    let spread = column("spread_ticks", "event", "full", &events);
    assert_eq!(nan(&spread), [true, true, true, true, true, false]);
}

#[test]
fn a_wild_time_stamp_is_an_error_and_not_a_million_rows() {
    let mut events = stamped([(0.0, trade(10, 1, 1)), (1.0, trade(10, 2, 1)), (2.0, trade(10, 4, 1))]);
    events[1].ts_event += 400 * 24 * 3600 * SECOND;
    let mut e = engine(&["cvd_session"], "1s", "full");
    let error = e.update_many(&events).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event 1: time jumps 34560001 s ahead, which makes 34560000 samples of \"1s\""
    );
    let mut row = Vec::new();
    e.snapshot(&mut row);
    assert_eq!((row, e.now_ns()), (vec![1.0], T0), "the event is not applied");
    let mut e = engine(&["ret_1"], "event", "full");
    events[1].ts_event += 4000 * 24 * 3600 * SECOND;
    assert!(e.update_many(&events).unwrap_err().to_string().ends_with("one-minute bars"));
}

#[test]
fn a_book_that_takes_over_from_quotes_is_read_after_its_first_packet() {
    let events = stamped([
        (0.0, quote(10, 5, 11, 5)),
        (0.5, with(level(1, 10, 7), flag::MORE)),
        (0.9, with(level(1, 10, 2), flag::MORE)),
        (1.5, level(-1, 11, 3)),
    ]);
    assert_eq!(nan(&column("total_depth_10", "1s", "full", &events)), [true], "a row inside the packet");
    assert_eq!(column("total_depth_10", "event", "full", &events)[1..], [5.0]);
    assert!(column("depth_replenish_10s", "event", "partial", &events)[1].is_nan(), "nothing was removed");
}

#[test]
fn a_roll_between_sessions_leaves_time_alone() {
    let events = stamped([
        (0.0, marker(phase::CLOSED)),
        (1.0, marker(phase::ROLL)),
        (2.0, trade(10, 1, 1)),
        (1e6, kind(Kind::Timer)),
    ]);
    assert!(run(&["cvd_slope_5m", "book_ofi_z_1m"], "event", "full", &events).times.is_empty());
}

#[test]
fn a_row_of_the_bar_that_a_marker_closes_does_not_hide_the_new_session() {
    let events = [(0.0, marker(phase::OPEN)), (1.0, trade(10, 3, 1)), (2.0, marker(phase::OPEN))];
    let mut e = engine(&["cvd_session"], "bar", "full");
    e.update_many(&stamped(events)).unwrap();
    let mut row = Vec::new();
    e.snapshot(&mut row);
    assert_eq!(e.take().values, [3.0]);
    assert!(row[0].is_nan());
}

#[test]
fn a_new_engine_knows_nothing() {
    let mut e = engine(&["cvd_session", "flow_ofi_1m"], "1s", "partial");
    let mut row = Vec::new();
    e.snapshot(&mut row);
    assert!(row.len() == 2 && row.iter().all(|v| v.is_nan()));
    assert_eq!(e.take().times, [0i64; 0]);
    e.update_many(&[]).unwrap();
    // A stream that begins between sessions knows as little.
    e.update_many(&stamped([(0.0, marker(phase::CLOSED)), (1.0, trade(10, 1, 1))])).unwrap();
    row.clear();
    e.snapshot(&mut row);
    assert!(row.iter().all(|v| v.is_nan()));
}

#[test]
fn a_footprint_closes_before_the_one_minute_bar_of_its_time() {
    let events = stamped([
        (0.0, marker(phase::OPEN)),
        (250.0, trade(10, 6, 1)),
        (299.0, trade(10, 2, -1)),
        (300.0, trade(10, 1, 1)),
        (601.0, kind(Kind::Timer)),
    ]);
    // Bars end at 300, 360, … 600 s; the rows at 300 and 600 s already see the footprints that end then.
    let rows = run(&["fp_delta"], "bar", "full", &events);
    assert_eq!(rows.times, [300, 360, 420, 480, 540, 600].map(|s| T0 + s * SECOND));
    assert_eq!(rows.values, [0.5, 0.5, 0.5, 0.5, 0.5, 1.0]);
    // The grid point at 300 s is a row after it; the print at 300 s is part of the next footprint.
    assert_eq!(column("fp_delta", "5m", "full", &events), [0.5, 1.0]);
    assert_eq!(nan(&column("fp_delta", "event", "full", &events)), [true, true, true, false, false]);
}

#[test]
fn a_session_end_closes_the_footprint_and_a_roll_forgets_it() {
    let events = stamped([
        (0.0, marker(phase::OPEN)),
        (10.0, trade(10, 6, 1)),
        (20.0, marker(phase::CLOSED)),
        (25.0, trade(10, 9, -1)), // between sessions
        (30.0, marker(phase::OPEN)),
        (31.0, trade(10, 1, -1)),
        (330.0, trade(10, 7, 1)), // anchored at 30 s
        (340.0, marker(phase::ROLL)),
        (700.0, kind(Kind::Timer)),
        (701.0, trade(10, 3, 1)),
        (941.0, trade(10, 3, -1)), // anchored at 340 s, first print in 640 s to 940 s
    ]);
    let values = column("fp_delta", "event", "full", &events);
    assert_eq!(nan(&values), [true, true, false, false, false, true, true, true, false]);
    assert_eq!(values[2..5], [1.0, 1.0, -1.0]);
    assert_eq!(values[8], 1.0);
}

#[test]
fn five_minutes_without_a_print_are_a_flat_footprint() {
    let events = stamped([
        (0.0, trade(10, 6, 1)),
        (1.0, trade(12, 12, -1)),
        (650.0, kind(Kind::Timer)),
        (900.0, kind(Kind::Timer)),
    ]);
    let last = |name| column(name, "event", "full", &events)[2..].to_vec();
    assert_eq!(last("fp_delta"), [0.0, 0.0]);
    assert_eq!(last("fp_sell_imb_count"), [0.0, 0.0]);
    assert!(last("fp_poc_share").iter().all(|v| v.is_nan()));
}

#[test]
fn bars_of_the_source_make_no_footprint_and_stop_none() {
    let bar: Event = Bar { open: 10, high: 12, low: 9, close: 11, volume: 7, ..Bar::default() }.into();
    let bars = stamped((0..12).map(|k| (f64::from(k) * 60.0, bar)));
    assert!(column("fp_buy_imb_count", "event", "full", &bars).iter().all(|v| v.is_nan()));
    let both = stamped([(0.0, trade(10, 6, 1)), (60.0, bar), (300.0, bar)]);
    assert_eq!(column("fp_delta", "event", "full", &both)[2], 1.0);
}

#[test]
fn a_session_start_after_the_row_of_its_last_bar_reads_everything_anew() {
    let events = stamped([(0.0, trade(10, 6, 1)), (10.0, marker(phase::OPEN))]);
    let mut e = engine(&["cvd_session", "bar_range"], "bar", "full");
    e.update_many(&events).unwrap();
    assert_eq!(e.take().values, [6.0, 0.0]);
    let mut row = Vec::new();
    e.snapshot(&mut row);
    assert_eq!(nan(&row), [true, false]);
}
