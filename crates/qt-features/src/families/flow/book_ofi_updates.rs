//! Order-flow imbalance over a number of touch updates instead of a time.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 12,
    name: "book_ofi_100e",
    definition: "Σ e_n over the last 100 touch updates of the session (packets after which price or size of a side differs)",
    inputs: &[Input::L1],
    window: Window::Updates(100),
    unit: "contracts",
    kind: Kind::Integer,
    warmup: Warmup::Items(100),
    scale_sizes: Symmetry::Moves,
    source: "Cont-Kukanov-Stoikov 2014",
    ..Spec::ORDER_FLOW
}];

struct BookOfiUpdates;

impl Feature for BookOfiUpdates {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match flow.ofi.last_sum() {
            Some(sum) if flow.measures_touch() => sum as f64,
            _ => f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH);
    setup.flow.want_touch();
    setup.flow.ofi.last_updates(100);
    Box::new(BookOfiUpdates)
}
