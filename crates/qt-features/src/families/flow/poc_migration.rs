//! How far the point of control has moved.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 38,
    name: "poc_migration_30m",
    definition: "(POC(t) − POC at the last point ≤ t−30 min of the minute grid from the session start)/tick; NaN where there was no print by then",
    window: Window::Time(30 * MINUTE),
    unit: "ticks",
    kind: Kind::Integer,
    warmup: Warmup::Time(30 * MINUTE),
    swap_sides: Symmetry::Open,
    update: "U8",
    ..Spec::ORDER_FLOW
}];

/// Minutes back.
const BACK: i64 = 30;

struct PocMigration {
    /// POC at the grid points `k` minutes after the session start, at slot `k mod 31`; `None` before a print.
    samples: [Option<i32>; BACK as usize + 1],
}

impl PocMigration {
    fn slot(minute: i64) -> usize {
        (minute % (BACK + 1)) as usize
    }
}

impl Feature for PocMigration {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        let minute = (t - flow.session.start) / MINUTE - BACK;
        if minute < 1 {
            return f64::NAN; // the grid begins one minute after the session start
        }
        match (flow.profile.poc(), self.samples[Self::slot(minute)]) {
            (Some(now), Some(then)) => (i64::from(now) - i64::from(then)) as f64,
            _ => f64::NAN,
        }
    }

    fn on_grid(&mut self, t: i64, flow: &Flow) {
        self.samples[Self::slot((t - flow.session.start) / MINUTE)] = flow.profile.poc();
    }

    fn on_session(&mut self) {
        self.samples = [None; BACK as usize + 1];
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::GRID);
    setup.on_grid(MINUTE, BACK + 1);
    setup.flow.profile.enable();
    setup.flow.moments.enable(); // ties of the point of control
    Box::new(PocMigration { samples: [None; BACK as usize + 1] })
}
