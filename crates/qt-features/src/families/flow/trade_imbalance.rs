//! Signed share of traded volume in a time window.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition: "(B−S)/(B+S), trade imbalance of the window (the design documents' \"OFI\")",
        window: Window::Time(ns),
        range: (-1.0, 1.0),
        warmup: Warmup::Time(ns),
        zero: Zero::Zero,
        source: "design documents; Chordia-Subrahmanyam 2004",
        ..Spec::ORDER_FLOW
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(1, "flow_ofi_1m", MINUTE),
    spec(2, "flow_ofi_5m", 5 * MINUTE),
    spec(3, "flow_ofi_15m", 15 * MINUTE),
    spec(4, "flow_ofi_30m", 30 * MINUTE),
    spec(5, "flow_ofi_60m", 60 * MINUTE),
];

struct TradeImbalance(WindowId);

impl Feature for TradeImbalance {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let s = flow.tape.sums(self.0);
        ratio_or_zero(s.delta(), s.signed())
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    Box::new(TradeImbalance(setup.flow.tape.window(spec.window_ns())))
}
