//! Bursts that move the mid and are given back.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 149,
    name: "momentum_ignition",
    family: Family::Microstructure,
    definition: "sign of the last reversal, held 30 s from its confirmation, else 0; onset: a second of the grid from the session start whose volume and trade count both exceed mean + 4 population sd of the 300 before it, and over which the mid moves ≥ 3 ticks with the dominant aggressor; confirmed by the first touch within 10 s at which the mid has given back ≥ 50 % of the move",
    inputs: &[Input::T, Input::L1],
    window: Window::Event(30 * SECOND),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    warmup: Warmup::Time(5 * MINUTE),
    reset: Reset::Session,
    update: "U10",
    source: "SEC 2010 concept release",
    ..Spec::BOOK
}];

struct Ignition(i64);

impl Feature for Ignition {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.ignition.as_ref()).map_or(f64::NAN, |d| d.signal(t, self.0))
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_detector(DetectorKind::Ignition);
    Box::new(Ignition(setup.flow.detector_settings().ignition_hold_ns))
}
