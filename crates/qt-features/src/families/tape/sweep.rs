//! Parent orders that walk several rows.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 65,
        name: "sweep_detected",
        definition: "side of the last sweep, held 5 s from the instant at which its end is certain; a sweep is a parent order on ≥ 3 rows that never steps against its direction; 0 without one, NaN before the session's first print",
        window: Window::Event(5 * SECOND),
        range: (-1.0, 1.0),
        kind: Kind::Flag,
        swap_sides: Symmetry::Moves,
        update: "U10",
        source: "design documents; Chakravarty et al. 2012 (intermarket sweep orders)",
        ..Spec::TAPE
    },
    Spec {
        number: 66,
        name: "sweep_levels_1m",
        definition: "rows of the parent order that walked most among those that have ended, never stepped back and whose last print lies in the window, signed by its side; the later of equals; 0 without one",
        window: Window::Time(MINUTE),
        unit: "rows",
        kind: Kind::Integer,
        warmup: Warmup::Time(MINUTE),
        swap_sides: Symmetry::Moves,
        update: "U5",
        source: "Chakravarty et al. 2012",
        ..Spec::TAPE
    },
    Spec {
        number: 67,
        name: "sweep_volume_ratio_5m",
        definition: "volume of the sweeps that began in the window and have ended / V",
        window: Window::Time(5 * MINUTE),
        range: (0.0, 1.0),
        warmup: Warmup::Time(5 * MINUTE),
        zero: Zero::Zero,
        source: "Chakravarty et al. 2012",
        ..Spec::TAPE
    },
];

struct Detected(i64);

impl Feature for Detected {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.tape.session().n == 0 {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.sweep.as_ref()).map_or(f64::NAN, |s| s.signal(t, self.0))
    }
}

struct Levels;

impl Feature for Levels {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.detectors().and_then(|d| d.sweep.as_ref()).map_or(f64::NAN, |s| s.levels() as f64)
    }
}

struct VolumeRatio(WindowId);

impl Feature for VolumeRatio {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let swept = flow.detectors().and_then(|d| d.sweep.as_ref()).map_or(0, qt_flow::detect::Sweep::volume);
        ratio_or_zero(swept, flow.tape.sums(self.0).volume)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_detector(DetectorKind::Sweep);
    match spec.number {
        65 => Box::new(Detected(setup.flow.detector_settings().sweep_hold_ns)),
        66 => Box::new(Levels),
        _ => Box::new(VolumeRatio(setup.flow.tape.window(spec.window_ns()))),
    }
}
