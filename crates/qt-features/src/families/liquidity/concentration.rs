//! How much of a side's depth lies at its best row.

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 98,
        name: "bid_concentration",
        definition: "q_b / bid depth of occupied levels 1–10",
        ..CONCENTRATION
    },
    Spec {
        number: 99,
        name: "ask_concentration",
        definition: "q_a / ask depth of occupied levels 1–10",
        ..CONCENTRATION
    },
];

const CONCENTRATION: Spec =
    Spec { range: (0.0, 1.0), zero: Zero::Nan, swap_sides: Symmetry::Open, ..STATE };

struct Concentration {
    bid: bool,
}

impl Feature for Concentration {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let (Some(touch), Some([bid, ask])) = (flow.touch(), flow.depth()) else { return f64::NAN };
        if self.bid { ratio_or_nan(touch.bid_sz, bid.ten) } else { ratio_or_nan(touch.ask_sz, ask.ten) }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_ladder();
    Box::new(Concentration { bid: spec.name == "bid_concentration" })
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_book;

    #[test]
    fn by_hand() {
        let bids = [(10, 3), (9, 5)];
        assert_eq!(on_book("bid_concentration", &bids, &[(11, 8)]), 0.375);
        assert_eq!(on_book("ask_concentration", &bids, &[(11, 8)]), 1.0);
        assert_eq!(on_book("bid_concentration", &bids, &[]), 0.375, "the other side does not matter");
        assert!(on_book("ask_concentration", &bids, &[]).is_nan());
    }
}
