//! Market orders as a share of all orders that add to or take from the book.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 27,
    name: "flow_aggression_ratio",
    definition: "M/(M+A); M = B+S, A = increases of displayed size by Level and Order records outside snapshots at rows among the best 5 occupied levels of their side after the packet",
    inputs: &[Input::T, Input::L2],
    window: Window::Time(MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Zero,
    swap_sides: Symmetry::Keeps,
    source: "design documents",
    ..Spec::ORDER_FLOW
}];

struct AggressionRatio {
    traded: WindowId,
    added: WindowId,
}

impl Feature for AggressionRatio {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if !(flow.has_levels() && flow.measures_touch()) {
            return f64::NAN;
        }
        let market = flow.tape.sums(self.traded).signed();
        ratio_or_zero(market, market + flow.added.sum(self.added))
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::BOOK | cause::EXIT);
    setup.flow.want_levels();
    let traded = setup.flow.tape.window(spec.window_ns());
    Box::new(AggressionRatio { traded, added: setup.flow.added.window(spec.window_ns()) })
}
