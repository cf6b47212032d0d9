//! Order-flow imbalance of Cont, Kukanov and Stoikov (2014) at the touch.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition: "Σ e_n over the touch updates of the window; e_n = 1[P_b≥P_b⁻]q_b − 1[P_b≤P_b⁻]q_b⁻ − 1[P_a≤P_a⁻]q_a + 1[P_a≥P_a⁻]q_a⁻",
        inputs: &[Input::L1],
        window: Window::Time(ns),
        unit: "contracts",
        kind: Kind::Integer,
        warmup: Warmup::Time(ns),
        scale_sizes: Symmetry::Moves,
        source: "Cont-Kukanov-Stoikov 2014",
        ..Spec::ORDER_FLOW
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(6, "book_ofi_1m", MINUTE),
    spec(7, "book_ofi_5m", 5 * MINUTE),
    spec(8, "book_ofi_15m", 15 * MINUTE),
    spec(9, "book_ofi_30m", 30 * MINUTE),
    spec(10, "book_ofi_60m", 60 * MINUTE),
    spec(11, "book_ofi_10s", 10 * SECOND),
];

struct BookOfi(WindowId);

impl Feature for BookOfi {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.measures_touch() { flow.ofi.sum(self.0) as f64 } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH | cause::EXIT_BOOK);
    setup.flow.want_touch();
    Box::new(BookOfi(setup.flow.ofi.window(spec.window_ns())))
}
