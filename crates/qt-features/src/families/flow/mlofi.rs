//! Order-flow imbalance over the best five levels.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 14,
    name: "mlofi_w5_1m",
    definition: "Σ_m w_m MLOFI_m / Σ w_m, w_m = 0.5^(m−1), m = 1..5: e_n of the m-th occupied level of each side before and after each packet",
    inputs: &[Input::L2],
    window: Window::Time(MINUTE),
    unit: "contracts",
    warmup: Warmup::Time(MINUTE),
    scale_sizes: Symmetry::Moves,
    source: "Xu-Gould-Howison 2019; weights ours",
    ..Spec::ORDER_FLOW
}];

struct Mlofi(WindowId);

impl Feature for Mlofi {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.has_levels() && flow.measures_touch() { flow.mlofi.value(self.0) } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK | cause::EXIT_BOOK);
    setup.flow.want_mlofi();
    Box::new(Mlofi(setup.flow.mlofi.window(spec.window_ns())))
}
