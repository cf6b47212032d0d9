//! Bursts of book updates that are undone at once.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 150,
    name: "quote_stuffing",
    family: Family::Microstructure,
    definition: "u if z ≥ 5 and trades/updates < 1 %, else 0, for the last second of the grid from the session start: updates are row changes, z against mean and population sd of the 300 seconds before it (more than the mean where sd is 0), u = share of updates undone within 100 ms: the row's last addition and an equal removal count two",
    inputs: &[Input::T, Input::L2],
    window: Window::Time(SECOND),
    range: (0.0, 1.0),
    warmup: Warmup::Time(5 * MINUTE),
    reset: Reset::Session,
    swap_sides: Symmetry::Keeps,
    update: "U11",
    source: "Egginton et al. 2016",
    ..Spec::BOOK
}];

struct Stuffing;

impl Feature for Stuffing {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if !flow.has_levels() || flow.touch().is_none() {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.stuffing.as_ref()).map_or(f64::NAN, qt_flow::detect::Stuffing::signal)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_detector(DetectorKind::Stuffing);
    Box::new(Stuffing)
}
