//! Buyer-initiated less seller-initiated volume in a time window.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition: "B−S of the window",
        window: Window::Time(ns),
        unit: "contracts",
        kind: Kind::Integer,
        warmup: Warmup::Time(ns),
        scale_sizes: Symmetry::Moves,
        ..Spec::ORDER_FLOW
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[spec(17, "delta_1m", MINUTE), spec(18, "delta_5m", 5 * MINUTE)];

struct Delta(WindowId);

impl Feature for Delta {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.tape.sums(self.0).delta() as f64
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    Box::new(Delta(setup.flow.tape.window(spec.window_ns())))
}
