//! Mid price against the point of control.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 34,
    name: "poc_distance",
    definition: "(mid − POC of the session profile)/tick",
    inputs: &[Input::T, Input::L1],
    unit: "ticks",
    swap_sides: Symmetry::Open,
    update: "U8",
    source: "Steidlmayer",
    ..Spec::ORDER_FLOW
}];

struct PocDistance;

impl Feature for PocDistance {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match (flow.quote(), flow.profile.poc()) {
            (Some(touch), Some(poc)) => (touch.mid2() - 2 * i64::from(poc)) as f64 * 0.5,
            _ => f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::TOUCH);
    setup.flow.want_touch();
    setup.flow.profile.enable();
    setup.flow.moments.enable(); // ties of the point of control
    Box::new(PocDistance)
}
