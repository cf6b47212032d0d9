//! Short against long trade imbalance.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 21,
    name: "flow_momentum",
    definition: "flow_ofi_1m − flow_ofi_5m",
    window: Window::Time(5 * MINUTE),
    range: (-2.0, 2.0),
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Zero,
    update: "U3",
    source: "design documents",
    ..Spec::ORDER_FLOW
}];

struct FlowMomentum {
    short: WindowId,
    long: WindowId,
}

impl Feature for FlowMomentum {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let (short, long) = (flow.tape.sums(self.short), flow.tape.sums(self.long));
        ratio_or_zero(short.delta(), short.signed()) - ratio_or_zero(long.delta(), long.signed())
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    let tape = &mut setup.flow.tape;
    Box::new(FlowMomentum { short: tape.window(MINUTE), long: tape.window(spec.window_ns()) })
}
