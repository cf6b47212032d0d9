//! Imbalance-weighted mid against the mid.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 118,
    name: "weighted_mid_dev",
    family: Family::Microstructure,
    definition: "(wm−mid)/tick, wm = (P_b q_a + P_a q_b)/(q_a+q_b)",
    unit: "ticks",
    zero: Zero::Nan,
    source: "design documents (\"micro-price\"); Gatheral-Oomen 2010",
    ..Spec::BOOK
}];

struct WeightedMid;

impl Feature for WeightedMid {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let Some(t) = flow.quote().filter(|t| t.sized()) else { return f64::NAN };
        let spread = i64::from(t.ask_px) - i64::from(t.bid_px);
        // wm − mid = spread/2 · (q_b − q_a)/(q_b + q_a): no large numbers to cancel.
        0.5 * spread as f64 * ratio_or_nan(t.bid_sz - t.ask_sz, t.bid_sz + t.ask_sz)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH);
    setup.flow.want_touch();
    Box::new(WeightedMid)
}
