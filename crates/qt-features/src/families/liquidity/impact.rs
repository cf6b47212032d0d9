//! What it costs, against the mid, to take 50 contracts from the displayed book.

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 102,
        name: "impact_buy_50",
        definition: "(mean price of buying 50 contracts from occupied ask levels 1–10 − mid)/tick; NaN while they show fewer than 50 or a side is missing",
        ..IMPACT
    },
    Spec {
        number: 103,
        name: "impact_sell_50",
        definition: "(mid − mean price of selling 50 contracts into occupied bid levels 1–10)/tick; NaN while they show fewer than 50 or a side is missing",
        ..IMPACT
    },
];

const IMPACT: Spec = Spec {
    unit: "ticks",
    range: (0.5, f64::INFINITY),
    zero: Zero::Nan,
    swap_sides: Symmetry::Open,
    scale_sizes: Symmetry::Open,
    ..STATE
};

/// Contracts taken.
const QUANTITY: i64 = 50;
/// Units of [`cost`] in a tick per contract.
pub(super) const UNITS: i64 = 2 * QUANTITY;

/// Σ quantity × distance from the mid, in half ticks, of taking [`QUANTITY`] contracts by a buyer (1) or seller (−1).
pub(super) fn cost(levels: &Levels, side: i8) -> Option<i64> {
    cost_and_reach(levels, side).0
}

/// The same with the number of levels that it depends on.
pub(super) fn cost_and_reach(levels: &Levels, side: i8) -> (Option<i64>, usize) {
    if !levels[0].two_sided() {
        return (None, DEPTH);
    }
    let mid2 = levels[0].mid2();
    let (mut left, mut cost) = (QUANTITY, 0);
    for (rank, l) in levels.iter().enumerate() {
        // A missing level has size 0: what is taken there is nothing.
        let (px, size) = if side > 0 { (l.ask_px, l.ask_sz) } else { (l.bid_px, l.bid_sz) };
        let taken = left.min(size);
        cost += taken * (2 * i64::from(px) - mid2).abs();
        left -= taken;
        if left == 0 {
            return (Some(cost), rank + 1);
        }
    }
    (None, DEPTH)
}

struct Impact(i8);

impl Feature for Impact {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let cost = flow.good_levels().and_then(|levels| cost(levels, self.0));
        cost.map_or(f64::NAN, |cost| cost as f64 / UNITS as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_depth();
    Box::new(Impact(if spec.name == "impact_buy_50" { 1 } else { -1 }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_book;

    #[test]
    fn by_hand() {
        let (bids, asks) = ([(100, 30), (97, 19)], [(101, 10), (102, 20), (105, 90)]);
        // Ten at 0.5, twenty at 1.5, twenty at 4.5 ticks from the mid.
        assert_eq!(on_book("impact_buy_50", &bids, &asks), (5.0 + 30.0 + 90.0) / 50.0);
        assert!(on_book("impact_sell_50", &bids, &asks).is_nan(), "49 are bid");
        assert_eq!(on_book("impact_sell_50", &[(100, 30), (97, 20)], &asks), (15.0 + 70.0) / 50.0);
        assert!(on_book("impact_buy_50", &[], &asks).is_nan(), "no mid");
    }

    #[test]
    fn ten_levels_are_the_displayed_book() {
        let asks: Vec<(i32, i32)> = (0..11).map(|m| (101 + m, 5)).collect();
        assert_eq!(on_book("impact_buy_50", &[(100, 1)], &asks), 5.0);
        let asks: Vec<(i32, i32)> = (0..11).map(|m| (101 + m, if m == 0 { 4 } else { 5 })).collect();
        assert!(on_book("impact_buy_50", &[(100, 1)], &asks).is_nan(), "49 in ten levels");
    }
}
