//! Rank of the last one-bar return among its predecessors.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 223,
    name: "ret_rank_60",
    definition: "share of the last 60 one-bar returns C/C[−1] that are ≤ the current one, itself included; compared \
                 exactly; NaN where a price is not positive",
    window: Window::Bars(61),
    range: (0.0, 1.0),
    warmup: Warmup::Items(61),
    update: "U12",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct ReturnRank(Last<i32, 61>);

impl Rule for ReturnRank {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar.close);
        if !self.0.full() || self.0.values().iter().any(|c| *c <= 0) {
            return f64::NAN;
        }
        let price = |k: usize| i64::from(self.0.back(k).unwrap_or(0));
        let (last, before) = (price(0), price(1));
        // A ratio is not greater than another when the products across are not.
        let count = (0..60).filter(|k| price(*k) * before <= last * price(k + 1)).count();
        count as f64 / 60.0
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(ReturnRank::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, rising};

    #[test]
    fn by_hand() {
        // On a line returns shrink: the last one is the least.
        assert_eq!(last(SPECS, build, "ret_rank_60", &rising(61)), 1.0 / 60.0);
        assert_eq!(last(SPECS, build, "ret_rank_60", &closes([5; 61])), 1.0);
        assert_eq!(last(SPECS, build, "ret_rank_60", &closes([5; 60].into_iter().chain([4, 5]))), 1.0);
        // 100 → 200 and 7 → 14 are the same return.
        let same = closes([100, 200].into_iter().chain([7; 58]).chain([14]));
        assert_eq!(last(SPECS, build, "ret_rank_60", &same), 1.0);
        assert!(last(SPECS, build, "ret_rank_60", &closes(0..61)).is_nan());
    }
}
