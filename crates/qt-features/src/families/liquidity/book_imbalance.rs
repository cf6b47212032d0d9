//! Bid size against ask size over the best levels.

use qt_flow::mlofi::depth;

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 95,
    name: "book_imbalance_5",
    family: Family::Liquidity,
    definition: "(D_b−D_a)/(D_b+D_a), occupied levels 1–5",
    inputs: &[Input::L2],
    range: (-1.0, 1.0),
    zero: Zero::Zero,
    source: "Cartea-Jaimungal-Penalva 2015",
    ..Spec::BOOK
}];

struct BookImbalance;

impl Feature for BookImbalance {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.quote().is_none() {
            return f64::NAN;
        }
        let Some(levels) = flow.levels() else { return f64::NAN };
        let (bid, ask) = depth(&levels[..LEVELS]);
        ratio_or_zero(bid - ask, bid + ask)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_levels();
    Box::new(BookImbalance)
}
