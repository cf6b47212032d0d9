//! Spread at the touch.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 111,
    name: "spread_ticks",
    family: Family::Microstructure,
    definition: "(P_a−P_b)/tick",
    unit: "ticks",
    range: (1.0, f64::INFINITY),
    kind: Kind::Integer,
    swap_sides: Symmetry::Keeps,
    ..Spec::BOOK
}];

struct Spread;

impl Feature for Spread {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.quote().map_or(f64::NAN, |t| (i64::from(t.ask_px) - i64::from(t.bid_px)) as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH);
    setup.flow.want_touch();
    Box::new(Spread)
}
