//! Trade imbalance on the volume clock.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 32,
    name: "flow_ofi_1000v",
    definition: "(B−S)/(B+S) over the last 1,000 contracts of the session, signed or not; the oldest trade is split",
    window: Window::Contracts(1000),
    range: (-1.0, 1.0),
    warmup: Warmup::Items(1000),
    zero: Zero::Zero,
    scale_sizes: Symmetry::Open,
    source: "volume clock, Easley-López de Prado-O'Hara 2012",
    ..Spec::ORDER_FLOW
}];

struct ContractImbalance;

impl Feature for ContractImbalance {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.tape.contract_sums().map_or(f64::NAN, |(buy, sell)| ratio_or_zero(buy - sell, buy + sell))
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.flow.tape.contract_window(1000);
    Box::new(ContractImbalance)
}
