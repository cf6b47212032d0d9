//! Limit orders added against limit orders cancelled at the touch.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 16,
    name: "limit_flow_imb_1m",
    definition: "N/G; N = (LO_b−C_b)−(LO_a−C_a), G = LO_b+C_b+LO_a+C_a at the touch; removals within 50 ms of prints at that price and side are trades, not cancels",
    inputs: &[Input::T, Input::L1],
    window: Window::Time(MINUTE),
    range: (-1.0, 1.0),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Zero,
    source: "Cont-Kukanov-Stoikov 2014 decomposition",
    ..Spec::ORDER_FLOW
}];

struct LimitFlow;

impl Feature for LimitFlow {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if !flow.measures_touch() {
            return f64::NAN;
        }
        let (net, gross) = flow.limit.net_and_gross();
        ratio_or_zero(net, gross)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::TOUCH | cause::EXIT_BOOK);
    setup.flow.want_touch();
    setup.flow.limit.enable();
    Box::new(LimitFlow)
}
