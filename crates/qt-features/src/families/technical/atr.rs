//! Average true range of Wilder (1978), in ticks.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 225,
    name: "atr_14",
    definition: "ATR14/tick; true range from the second bar on, mean of the first 14, then Wilder smoothing",
    window: Window::Bars(15),
    unit: "ticks",
    range: POSITIVE,
    warmup: Warmup::Items(15),
    swap_sides: Symmetry::Keeps,
    update: "U7",
    source: "Wilder 1978; TA-Lib",
    ..Spec::TECHNICAL
}];

struct AverageRange(Atr);

impl Feature for AverageRange {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.0.value()
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.0.push(bar);
    }

    fn on_roll(&mut self) {
        self.0 = Atr::new(14);
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(AverageRange(Atr::new(14)))
}
