//! Trade imbalance by number of trades.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition: "(n_B−n_S)/(n_B+n_S) of the window",
        window: Window::Time(ns),
        range: (-1.0, 1.0),
        warmup: Warmup::Time(ns),
        zero: Zero::Zero,
        source: "Chordia-Subrahmanyam 2004",
        ..Spec::ORDER_FLOW
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[spec(29, "flow_count_imb_1m", MINUTE), spec(30, "flow_count_imb_5m", 5 * MINUTE)];

struct CountImbalance(WindowId);

impl Feature for CountImbalance {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let s = flow.tape.sums(self.0);
        ratio_or_zero(s.n_buy - s.n_sell, s.n_buy + s.n_sell)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    Box::new(CountImbalance(setup.flow.tape.window(spec.window_ns())))
}
