//! Order-flow imbalance in units of the average depth at the touch.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 13,
    name: "book_ofi_norm_1m",
    definition: "book_ofi_1m / AD; AD = mean over the window's touch updates of (q_b+q_a)/2",
    inputs: &[Input::L1],
    window: Window::Time(MINUTE),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    source: "Cont-Kukanov-Stoikov 2014",
    ..Spec::ORDER_FLOW
}];

struct BookOfiNorm {
    flow: WindowId,
    depth: WindowId,
}

impl Feature for BookOfiNorm {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if !flow.measures_touch() {
            return f64::NAN;
        }
        let shown = flow.ofi.depth(self.depth);
        ratio_or_nan(2 * flow.ofi.sum(self.flow) * shown.n, shown.depth)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH | cause::EXIT_BOOK);
    setup.flow.want_touch();
    let ofi = &mut setup.flow.ofi;
    Box::new(BookOfiNorm { flow: ofi.window(spec.window_ns()), depth: ofi.depth_window(spec.window_ns()) })
}
