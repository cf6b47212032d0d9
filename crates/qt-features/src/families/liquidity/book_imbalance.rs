//! Bid size against ask size at the touch and over the best levels.

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 94,
        name: "book_imbalance_1",
        definition: "(q_b−q_a)/(q_b+q_a) at the touch; a missing side has size 0; NaN while a size is not known",
        inputs: &[Input::L1],
        source: "Gould-Bonart 2016",
        ..IMBALANCE
    },
    Spec {
        number: 95,
        name: "book_imbalance_5",
        definition: "(D_b−D_a)/(D_b+D_a), occupied levels 1–5; a missing side has size 0",
        source: "Cartea-Jaimungal-Penalva 2015",
        ..IMBALANCE
    },
    Spec {
        number: 96,
        name: "book_imbalance_w10",
        definition: "(D_b−D_a)/(D_b+D_a), sizes of occupied levels m = 1–10 weighted 0.5^(m−1); a missing side has size 0",
        source: "Cao-Hansch-Wang 2009; weights ours",
        ..IMBALANCE
    },
];

const IMBALANCE: Spec = Spec { range: (-1.0, 1.0), zero: Zero::Zero, ..STATE };

struct AtTheTouch;

impl Feature for AtTheTouch {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match flow.touch() {
            Some(t) if t.sized() => imbalance(t.bid_sz, t.ask_sz),
            _ => f64::NAN,
        }
    }
}

struct FiveLevels;

impl Feature for FiveLevels {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.depth().map_or(f64::NAN, |[bid, ask]| imbalance(bid.five, ask.five))
    }
}

struct TenLevels;

impl Feature for TenLevels {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.depth().map_or(f64::NAN, |[bid, ask]| imbalance(bid.weighted, ask.weighted))
    }
}

fn imbalance(bid: i64, ask: i64) -> f64 {
    ratio_or_zero(bid - ask, bid + ask)
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    if spec.name == "book_imbalance_1" {
        setup.changes_with(cause::TOUCH);
        setup.flow.want_touch();
        return Box::new(AtTheTouch);
    }
    setup.changes_with(cause::BOOK);
    setup.flow.want_ladder();
    if spec.name == "book_imbalance_5" { Box::new(FiveLevels) } else { Box::new(TenLevels) }
}

#[cfg(test)]
mod tests {
    use qt_core::event::Quote;

    use super::super::testing::{on_book, values};

    #[test]
    fn by_hand() {
        let bids = [(100, 6), (99, 4), (98, 8), (97, 1), (96, 1), (95, 64)];
        let asks = [(101, 2), (103, 8)];
        assert_eq!(on_book("book_imbalance_1", &bids, &asks), 0.5);
        assert_eq!(on_book("book_imbalance_5", &bids, &asks), 1.0 / 3.0); // (20 − 10)/30
        // Bids 6 + 2 + 2 + 1/8 + 1/16 + 2, asks 2 + 4, in sixteenths.
        assert_eq!(on_book("book_imbalance_w10", &bids, &asks), 99.0 / 291.0);
        assert_eq!(on_book("book_imbalance_1", &[], &asks), -1.0, "no bid");
        assert_eq!(on_book("book_imbalance_w10", &bids, &[]), 1.0, "no ask");
        assert_eq!(on_book("book_imbalance_5", &[], &asks), -1.0, "no bid");
        for name in ["book_imbalance_1", "book_imbalance_5", "book_imbalance_w10"] {
            assert!(on_book(name, &[(101, 1)], &asks).is_nan(), "locked");
        }
    }

    #[test]
    fn quotes_are_enough_at_the_touch() {
        let quote = |bid_sz, ask_sz| {
            vec![Quote { bid_px: 10, bid_sz, ask_px: 11, ask_sz, ..Quote::default() }.into()]
        };
        let values = values("book_imbalance_1", &[(0, quote(1, 3)), (1, quote(0, 3)), (2, quote(3, 1))]);
        assert_eq!((values[0], values[2]), (-0.5, 0.5));
        assert!(values[1].is_nan(), "the bid is there, but not its size");
    }
}
