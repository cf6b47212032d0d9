//! Contracts displayed near the touch.

use qt_flow::ladder::SideDepth;

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 91,
        name: "bid_depth_5",
        definition: "Σ bid sizes, occupied levels 1–5; 0 when there is no bid",
        swap_sides: Symmetry::Open,
        ..DEPTH_SPEC
    },
    Spec {
        number: 92,
        name: "ask_depth_5",
        definition: "Σ ask sizes, occupied levels 1–5; 0 when there is no ask",
        swap_sides: Symmetry::Open,
        ..DEPTH_SPEC
    },
    Spec {
        number: 93,
        name: "total_depth_10",
        definition: "Σ sizes of both sides, occupied levels 1–10",
        ..DEPTH_SPEC
    },
];

const DEPTH_SPEC: Spec = Spec {
    unit: "contracts",
    range: POSITIVE,
    kind: Kind::Integer,
    swap_sides: Symmetry::Keeps,
    scale_sizes: Symmetry::Moves,
    ..STATE
};

struct Depth(fn(&[SideDepth; 2]) -> i64);

impl Feature for Depth {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.depth().map_or(f64::NAN, |sides| (self.0)(sides) as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_ladder();
    Box::new(Depth(match spec.name {
        "bid_depth_5" => |[bid, _]| bid.five,
        "ask_depth_5" => |[_, ask]| ask.five,
        _ => |[bid, ask]| bid.ten + ask.ten,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_book;

    #[test]
    fn by_hand() {
        let bids = [(100, 1), (99, 2), (97, 4), (96, 8), (95, 16), (94, 32)];
        let asks = [(101, 64)];
        assert_eq!(on_book("bid_depth_5", &bids, &asks), 31.0);
        assert_eq!(on_book("ask_depth_5", &bids, &asks), 64.0);
        assert_eq!(on_book("total_depth_10", &bids, &asks), 127.0);
        assert_eq!(on_book("ask_depth_5", &bids, &[]), 0.0, "no ask");
        assert!(on_book("bid_depth_5", &bids, &[(100, 1)]).is_nan(), "locked");
    }
}
