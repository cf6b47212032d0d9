//! Nothing is allocated per event once the windows have been full.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails
#![allow(unsafe_code)] // an allocator that counts, and hands everything on to that of the system

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{MINUTE, SECOND, T0, all_names, engine, trade};
use qt_core::Event;
use qt_core::event::{Kind, Order, action, phase, side};
use qt_features::FeatureEngine;
use qt_features::catalogue::catalogue;
use qt_features::spec::{Family, Input};
use qt_venue::{SessionSpec, generate_session};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is that of the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Print k of a burst of 300 per second that repeats itself after a minute: sizes of every magnitude, thousands of
/// brokers, parents of a few prints.
fn print(k: i64) -> Event {
    let x = (k % 18_000).cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let size = 1 + (x % (1 << (1 + x % 29))) as i32;
    let ts = T0 + k / 3 * (SECOND / 100) + k % 3 * 1000;
    Event {
        ts_event: ts,
        ts_recv: ts,
        sequence: k,
        ref_a: (x % 5_000) as i32 - 100,
        ref_b: (x % 7_000) as i32 - 100,
        ..trade(1_000 + (x % 3) as i32, size, (x % 5 % 3) as i8 - 1)
    }
}

#[test]
fn sweeps_told_by_position_allocate_nothing_after_warm_up() {
    let names =
        ["iceberg_detected", "iceberg_hidden_est", "spoof_score", "layering_score", "cancel_ratio_1m"];
    let mut e = engine(&names, "event", "partial");
    let mut id = 0;
    let tell = |e: &mut FeatureEngine, ts: i64, record: Event| {
        e.update(&Event { ts_event: ts, ts_recv: ts, ..record }).unwrap();
        e.discard();
    };
    let mut warm = 0;
    for k in 0..40_000 {
        let (ts, side) = (T0 + k * SECOND / 50, [side::BUY, side::SELL][k as usize % 2]);
        let px = |row: i32| if side > 0 { 1000 - row } else { 1001 + row };
        if k == 30_000 {
            warm = ALLOCATIONS.get();
        }
        let order = Order { side, ..Order::default() };
        for row in 0..4 {
            id += 1;
            let size = 3 + (k % 5) as i32;
            let added = Order {
                action: action::ADD,
                position: row,
                order_id: id,
                px: px(row),
                size,
                broker: 3,
                ..order
            };
            tell(&mut e, ts, added.into());
        }
        tell(&mut e, ts + 1000, Event { ref_a: 3, ref_b: 3, ..trade(px(0), 4, -side) });
        tell(
            &mut e,
            ts + 2000,
            Order { action: action::DELETE_FROM, position: (k % 3) as i32, ..order }.into(),
        );
        tell(
            &mut e,
            ts + 3000,
            Order { action: action::DELETE_FROM, position: 3 - (k % 3 + 1) as i32, ..order }.into(),
        );
    }
    assert!(warm > 0);
    assert_eq!(ALLOCATIONS.get(), warm);
}

#[test]
fn an_hour_of_prints_allocates_nothing_after_warm_up() {
    let families = [Family::TapeReading, Family::Footprint];
    let family = catalogue().iter().filter(|(s, _)| families.contains(&s.family) && s.inputs == [Input::T]);
    let names: Vec<&str> = family.map(|(s, _)| s.name).collect();
    let mut e = engine(&names, "event", "full");
    let mut warm = 0;
    for k in 0..3_600 * 300 {
        if print(k).ts_event == T0 + 12 * MINUTE && warm == 0 {
            warm = ALLOCATIONS.get();
        }
        e.update(&print(k)).unwrap();
        e.discard();
    }
    assert!(warm > 0);
    assert_eq!(ALLOCATIONS.get(), warm);
    let mut row = Vec::new();
    e.snapshot(&mut row);
    assert!(row.iter().all(|v| v.is_finite()), "{row:?}");
}

/// A market whose minutes are all alike: for five seconds over 300 trades and 2,000 book records a second, then silence.
fn minutes() -> Vec<Event> {
    let spec = SessionSpec { duration_ns: MINUTE, intensity: 1400, open_ns: T0, ..SessionSpec::default() };
    let mut minute = generate_session(&spec).unwrap();
    minute.retain(|e| e.kind != Kind::Session as u8 || e.action != phase::CLOSED);
    for e in &mut minute {
        e.ts_event = T0 + (e.ts_event - T0) / 12;
        e.ts_recv = e.ts_event;
    }
    minute
}

#[test]
fn a_burst_allocates_nothing_where_the_hour_had_one_before() {
    let minute = minutes();
    let trades = minute.iter().filter(|e| e.kind == Kind::Trade as u8).count();
    assert!(trades > 1_500, "{trades} in five seconds");
    let mut e = engine(&all_names(), "1s", "full");
    let mut warm = 0;
    for k in 0..70 {
        if k == 65 {
            warm = ALLOCATIONS.get();
        }
        for &event in minute.iter().filter(|e| k == 0 || e.kind != Kind::Session as u8) {
            let (ts, sequence) = (event.ts_event + k * MINUTE, event.sequence + k * minute.len() as i64);
            e.update(&Event { ts_event: ts, ts_recv: ts, sequence, ..event }).unwrap();
        }
        e.discard();
    }
    assert_eq!(ALLOCATIONS.get() - warm, 0);
    let mut row = Vec::new();
    e.snapshot(&mut row);
    let missing: Vec<_> =
        all_names().into_iter().zip(&row).filter(|(_, v)| v.is_nan()).map(|(n, _)| n).collect();
    assert!(missing.len() < 25, "{missing:?}");
}
