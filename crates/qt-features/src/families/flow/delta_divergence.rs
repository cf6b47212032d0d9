//! Price that moves against the delta.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition: "sgn(delta) if Δlast·delta < 0 else 0; Δlast = last(t) − last(t−W), last(t−W) = price of the last print at or before t−W in the session, NaN without one",
        window: Window::Time(ns),
        range: (-1.0, 1.0),
        kind: Kind::Flag,
        warmup: Warmup::Time(ns),
        ..Spec::ORDER_FLOW
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] =
    &[spec(23, "delta_divergence_5m", 5 * MINUTE), spec(24, "delta_divergence_15m", 15 * MINUTE)];

struct DeltaDivergence(WindowId);

impl Feature for DeltaDivergence {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let Some(before) = flow.tape.before(self.0) else { return f64::NAN };
        let moved = (i64::from(flow.tape.last_px) - i64::from(before.px)).signum();
        let delta = flow.tape.sums(self.0).delta().signum();
        if moved * delta < 0 { delta as f64 } else { 0.0 }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    Box::new(DeltaDivergence(setup.flow.tape.window(spec.window_ns())))
}
