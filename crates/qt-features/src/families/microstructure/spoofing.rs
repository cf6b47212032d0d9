//! Large orders that are withdrawn unexecuted, alone and in layers.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str, source: &'static str) -> Spec {
    Spec {
        number,
        name,
        family: Family::Microstructure,
        definition,
        inputs: &[Input::T, Input::L2],
        window: Window::Event(10 * SECOND),
        range: (-1.0, 1.0),
        reset: Reset::Session,
        update: "U10",
        source,
        ..Spec::BOOK
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(
        147,
        "spoof_score",
        "±a·c·o of the last candidate (+ for bids), held 10 s from withdrawal + 500 ms; candidate: an addition ≥ 5 × the row's usual size (EWMA, τ = 5 min, over the time it displays something), 1–5 levels from the touch (0–5 by order), withdrawn ≥ 90 % unexecuted within 2 s; a = min(1, size/(10 × usual)), c = withdrawn share, o = share of buy (bid candidate) or sell aggressors in what was printed since the addition, only those against the candidate's broker where it is known",
        "Tao et al. 2020; Lee-Eom-Park 2013",
    ),
    spec(
        148,
        "layering_score",
        "±min(1, rows/5) × withdrawn share × o of the last layering (+ for bids), held 10 s from its last withdrawal + 500 ms; layering: candidates (≥ 2 × usual each) of one side and one broker (known or not) on ≥ 3 rows, added within 1 s of each other and withdrawn so too",
        "Tao et al. 2020; Lee-Eom-Park 2013",
    ),
];

struct Score {
    hold: i64,
    layers: bool,
}

impl Feature for Score {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if !flow.has_levels() || flow.touch().is_none() {
            return f64::NAN;
        }
        flow.detectors().and_then(|d| d.spoofing.as_ref()).map_or(f64::NAN, |s| {
            if self.layers { s.layering.signal(t, self.hold) } else { s.signal(t, self.hold) }
        })
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_detector(DetectorKind::Spoofing);
    Box::new(Score { hold: setup.flow.detector_settings().spoof_hold_ns, layers: spec.number == 148 })
}
