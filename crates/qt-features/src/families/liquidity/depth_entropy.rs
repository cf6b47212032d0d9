//! How evenly size is spread over the rows near the touch.

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 101,
    name: "depth_entropy_10",
    definition: "−Σ w ln w / ln 20, w = share of each of the 20 sizes in their sum, occupied levels 1–10 of both sides; a missing level has w = 0 and counts 0; NaN while the sum is 0",
    range: (0.0, 1.0),
    zero: Zero::Nan,
    swap_sides: Symmetry::Keeps,
    source: "Shannon",
    ..STATE
}];

/// One side of the book.
#[derive(Clone, Copy, Default)]
struct Side {
    sizes: [i64; DEPTH],
    /// q ln q of each size: a packet mostly changes one, so mostly one logarithm is taken.
    terms: [f64; DEPTH],
    depth: i64,
    /// Σ q ln q.
    sum: f64,
}

impl Side {
    fn take(&mut self, sizes: impl Iterator<Item = i64>) {
        for ((known, term), size) in self.sizes.iter_mut().zip(&mut self.terms).zip(sizes) {
            if *known != size {
                *known = size;
                *term = if size > 0 { size as f64 * (size as f64).ln() } else { 0.0 };
            }
        }
        self.depth = self.sizes.iter().sum();
        let (upper, lower) = self.terms.split_at(DEPTH / 2);
        self.sum = upper.iter().sum::<f64>() + lower.iter().sum::<f64>();
    }
}

struct DepthEntropy {
    /// Versions of the sides of the levels that `value` was made of.
    versions: [u64; 2],
    bid: Side,
    ask: Side,
    value: f64,
    /// The greatest entropy, ln 20.
    greatest: f64,
}

impl Feature for DepthEntropy {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let Some(levels) = flow.good_levels() else { return f64::NAN };
        let versions = flow.levels_versions();
        if self.versions == versions {
            return self.value;
        }
        if self.versions[0] != versions[0] {
            self.bid.take(levels.iter().map(|l| l.bid_sz));
        }
        if self.versions[1] != versions[1] {
            self.ask.take(levels.iter().map(|l| l.ask_sz));
        }
        self.versions = versions;
        let depth = (self.bid.depth + self.ask.depth) as f64;
        // −Σ w ln w = ln D − Σ q ln q / D. Rounding may step over the ends of the range.
        let nats = depth.ln() - (self.bid.sum + self.ask.sum) / depth;
        self.value = if depth > 0.0 { (nats / self.greatest).clamp(0.0, 1.0) } else { f64::NAN };
        self.value
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_depth();
    let (bid, ask) = (Side::default(), Side::default());
    Box::new(DepthEntropy { versions: [0; 2], bid, ask, value: f64::NAN, greatest: (2.0 * DEPTH as f64).ln() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{level, on_book, values};

    #[test]
    fn by_hand() {
        let ten: Vec<(i32, i32)> = (0..10).map(|m| (m, 7)).collect();
        let bids: Vec<(i32, i32)> = ten.iter().map(|(m, q)| (100 - m, *q)).collect();
        let asks: Vec<(i32, i32)> = ten.iter().map(|(m, q)| (101 + m, *q)).collect();
        assert!((on_book("depth_entropy_10", &bids, &asks) - 1.0).abs() < 1e-15);
        let half = -(0.5 * 0.5f64.ln() + 0.5 * 0.25f64.ln()) / 20f64.ln(); // shares 1/2, 1/4, 1/4
        let shares = on_book("depth_entropy_10", &[(100, 2), (98, 1)], &[(101, 1)]);
        assert!((shares - half).abs() < 1e-15);
        assert_eq!(on_book("depth_entropy_10", &[(100, 9)], &[]), 0.0, "one row holds everything");
        let emptied = values("depth_entropy_10", &[(0, vec![level(1, 9, 3)]), (1, vec![level(1, 9, 0)])]);
        assert!(emptied[0] == 0.0 && emptied[1].is_nan());
    }
}
