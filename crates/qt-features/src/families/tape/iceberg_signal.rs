//! Equal prints at one price.

use qt_flow::detect::TapeIceberg;

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 69,
    name: "iceberg_tape_signal",
    definition: "resting side (−aggressor) at the last signed print if ≥ 5 prints of the window had its price and side, with mean size ≤ 20 and population CV ≤ 0.2; 0 otherwise; NaN before the session's first print",
    window: Window::Time(30 * SECOND),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    swap_sides: Symmetry::Moves,
    scale_sizes: Symmetry::Open,
    source: "design documents",
    ..Spec::TAPE
}];

struct Signal;

impl Feature for Signal {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.tape.session().n == 0 {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.tape.as_ref()).map_or(f64::NAN, TapeIceberg::signal)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_detector(DetectorKind::IcebergTape);
    Box::new(Signal)
}
