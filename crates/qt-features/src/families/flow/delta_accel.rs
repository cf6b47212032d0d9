//! Change of the one-minute delta over a minute.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 22,
    name: "delta_accel_1m",
    definition: "delta_1m(t) − delta_1m(t−60 s)",
    window: Window::Time(2 * MINUTE),
    unit: "contracts",
    kind: Kind::Integer,
    warmup: Warmup::Time(2 * MINUTE),
    scale_sizes: Symmetry::Moves,
    ..Spec::ORDER_FLOW
}];

struct DeltaAccel {
    minute: WindowId,
    two: WindowId,
}

impl Feature for DeltaAccel {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        // The minute before is the two-minute window without the last minute.
        (2 * flow.tape.sums(self.minute).delta() - flow.tape.sums(self.two).delta()) as f64
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    let tape = &mut setup.flow.tape;
    Box::new(DeltaAccel { minute: tape.window(MINUTE), two: tape.window(spec.window_ns()) })
}
