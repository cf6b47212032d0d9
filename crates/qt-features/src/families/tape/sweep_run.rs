//! Quick runs of prints of one side with growing sizes.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 68,
    name: "sweep_run_detected",
    definition: "side of the run of prints of one side that the last print ends, if it has ≥ 5 prints, sizes with a positive OLS slope on their index, and more than 5 trades/s ((k−1)/span, infinite without a span); else 0; an unsigned print ends a run; in force until the next print",
    window: Window::Event(0),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    swap_sides: Symmetry::Moves,
    update: "U10",
    source: "design documents",
    ..Spec::TAPE
}];

struct SweepRun;

impl Feature for SweepRun {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.tape.session().n == 0 {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.run.as_ref()).map_or(f64::NAN, qt_flow::detect::SweepRun::signal)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.flow.want_detector(DetectorKind::SweepRun);
    Box::new(SweepRun)
}
