//! Trade imbalance of the last closed bar.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 28,
    name: "flow_volume_imbalance",
    definition: "(B−S)/(B+S) of the last closed 1 min bar; NaN for bars from a source without trades",
    window: Window::Bars(1),
    range: (-1.0, 1.0),
    warmup: Warmup::Items(1),
    zero: Zero::Zero,
    reset: Reset::Roll,
    update: "U2",
    source: "design documents",
    ..Spec::ORDER_FLOW
}];

struct BarImbalance(f64);

impl Feature for BarImbalance {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.0
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.0 = bar.sides.map_or(f64::NAN, |(buy, sell)| ratio_or_zero(buy - sell, buy + sell));
    }

    fn on_roll(&mut self) {
        self.0 = f64::NAN;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(BarImbalance(f64::NAN))
}
