//! An engine that follows a ring without the interpreter.

use std::sync::{Mutex, PoisonError};

use qt_core::Event;
use qt_core::clock::{Deadline, receive_time};
use qt_core::ring::Reader;
use qt_features::FeatureEngine;

/// Events read at a time: few, so that a row is seen as soon as it is due.
const PIECE: usize = 64;

/// Which events are followed, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Their instrument.
    pub instrument: u16,
    /// A bit for each of their kinds.
    pub kinds: u32,
    /// Most events to apply, apart from those of the last piece.
    pub max: usize,
    /// Longest time to wait for a row.
    pub wait_ns: i64,
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        let of_a_kind = self.kinds.checked_shr(u32::from(event.kind)).is_some_and(|kinds| kinds & 1 == 1);
        of_a_kind && event.instrument == self.instrument
    }
}

/// What came while following.
#[derive(Debug, Default)]
pub struct Followed {
    /// Events applied, in order, with a gap in front of where some were lost.
    pub applied: Vec<Event>,
    /// Receive clock when the first row was ready; 0 without a row.
    pub ready: i64,
    /// Receive time of the event that completed the first row; 0 without a row.
    pub stamp: i64,
    /// Events of the ring, of any instrument, that the reader was too slow for.
    pub lost: u64,
}

/// Applies what comes until a row is due, or the wait is over.
///
/// # Errors
/// As [`FeatureEngine::update`]; the events before the one refused are applied.
pub fn follow(
    engine: &mut FeatureEngine,
    reader: &Mutex<Reader<Event>>,
    wanted: Wanted,
) -> Result<Followed, qt_features::Error> {
    let (mut piece, mut out) = (Vec::with_capacity(PIECE), Followed::default());
    let deadline = Deadline::after(wanted.wait_ns);
    loop {
        piece.clear();
        // Held for a moment only: other threads may ask how far behind the reader is.
        let lost = reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(PIECE.min(wanted.max.saturating_sub(out.applied.len())), &mut piece);
        if let Some(first) = piece.first().filter(|_| lost > 0) {
            out.lost += lost;
            apply(engine, first.gap_before(wanted.instrument, lost), &mut out)?;
        }
        for &event in piece.iter().filter(|e| wanted.has(e)) {
            apply(engine, event, &mut out)?;
        }
        if out.ready != 0 || out.applied.len() >= wanted.max || deadline.passed() {
            return Ok(out);
        }
        if piece.is_empty() {
            std::thread::yield_now();
        }
    }
}

fn apply(engine: &mut FeatureEngine, event: Event, out: &mut Followed) -> Result<(), qt_features::Error> {
    out.applied.push(event);
    if engine.update(&event)? && out.ready == 0 {
        out.ready = receive_time();
        out.stamp = event.ts_recv;
    }
    Ok(())
}
