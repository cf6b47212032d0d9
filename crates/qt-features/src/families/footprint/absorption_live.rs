//! One-sided aggression that does not move the mid.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 88,
    name: "fp_absorption_live",
    definition: "−sgn(d) if d ≠ 0, |d| ≥ 3m and the mid moved ≤ 1 tick in the direction of d, else 0; at the last point of the 1 s grid from the session start: d = delta of the 10 s up to it, m = EWMA (τ = 15 min, one step per point, begun with the first |d| of a whole window) of |d| at the points before it; 0 where a mid is missing",
    inputs: &[Input::T, Input::L1],
    window: Window::Time(10 * SECOND),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    warmup: Warmup::Time(10 * SECOND),
    reset: Reset::Session,
    swap_sides: Symmetry::Moves,
    update: "U1",
    ..Spec::FOOTPRINT
}];

struct Absorption;

impl Feature for Absorption {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.absorption.as_ref()).map_or(f64::NAN, qt_flow::detect::Absorption::signal)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_detector(DetectorKind::Absorption);
    Box::new(Absorption)
}
