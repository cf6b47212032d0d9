//! How fast depth grows with the distance from the mid.

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 100,
    name: "book_slope_10",
    definition: "mean over sides of the OLS slope, with intercept, of cumulative size on |p−mid|/tick over occupied levels 1–10; NaN while a side has fewer than 2",
    unit: "contracts/tick",
    range: POSITIVE,
    zero: Zero::Nan,
    swap_sides: Symmetry::Keeps,
    scale_sizes: Symmetry::Moves,
    source: "Næs-Skjeltorp 2006",
    ..STATE
}];

struct BookSlope {
    /// Versions of the sides of the levels that `slopes` were made of.
    versions: [u64; 2],
    /// Of the bid and of the ask.
    slopes: [f64; 2],
}

impl Feature for BookSlope {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let Some(levels) = flow.good_levels() else { return f64::NAN };
        let versions = flow.levels_versions();
        if self.versions[0] != versions[0] {
            self.slopes[0] =
                slope(levels.iter().map(|l| (l.bid_px, l.bid_sz)).take_while(|row| row.0 != NO_BID));
        }
        if self.versions[1] != versions[1] {
            self.slopes[1] =
                slope(levels.iter().map(|l| (l.ask_px, l.ask_sz)).take_while(|row| row.0 != NO_ASK));
        }
        self.versions = versions;
        0.5 * (self.slopes[0] + self.slopes[1])
    }
}

/// Distances and cumulative sizes below these keep all sums of ten rows within 64 bits.
const NEAR: (i64, i64) = (1 << 20, 1 << 35);

/// Slope of one side. Distances count from its best row: the mid lies a constant further, which moves no slope.
fn slope(rows: impl Iterator<Item = (i32, i64)>) -> f64 {
    let (mut x, mut y) = ([0i64; DEPTH], [0i64; DEPTH]);
    let (mut best, mut shown, mut n) = (0, 0, 0);
    for (px, size) in rows {
        if n == 0 {
            best = px;
        }
        shown += size;
        (x[n], y[n]) = ((i64::from(px) - i64::from(best)).abs(), shown);
        n += 1;
    }
    if n < 2 {
        return f64::NAN;
    }
    let (x, y, n) = (&x[..n], &y[..n], n as i64);
    let (sum_x, sum_y): (i64, i64) = (x.iter().sum(), y.iter().sum());
    if x[x.len() - 1] < NEAR.0 && shown < NEAR.1 {
        let xy: i64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
        let xx: i64 = x.iter().map(|x| x * x).sum();
        return (n * xy - sum_x * sum_y) as f64 / (n * xx - sum_x * sum_x) as f64;
    }
    let wide = i128::from;
    let xy: i128 = x.iter().zip(y).map(|(x, y)| wide(*x) * wide(*y)).sum();
    let xx: i128 = x.iter().map(|x| wide(*x) * wide(*x)).sum();
    let covariance = wide(n) * xy - wide(sum_x) * wide(sum_y);
    covariance as f64 / (wide(n) * xx - wide(sum_x) * wide(sum_x)) as f64
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_depth();
    Box::new(BookSlope { versions: [0; 2], slopes: [f64::NAN; 2] })
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_book;

    #[test]
    fn by_hand() {
        // Bids: 10 at distance 0.5, 30 at 2.5: slope 10. Asks: 4, 8, 12 in steps of one tick: slope 4.
        let (bids, asks) = ([(100, 10), (98, 20)], [(101, 4), (102, 4), (103, 4)]);
        assert_eq!(on_book("book_slope_10", &bids, &asks), 7.0);
        // A side of (0, 1), (1, 2), (3, 6): Σx 4, Σy 9, Σxy 20, Σx² 10, slope (60 − 36)/(30 − 16).
        let bids = [(100, 1), (99, 1), (97, 4)];
        assert_eq!(on_book("book_slope_10", &bids, &asks), 0.5 * (24.0 / 14.0 + 4.0));
        assert!(on_book("book_slope_10", &bids, &asks[..1]).is_nan());
    }

    #[test]
    fn rows_that_lie_far_apart() {
        let far = [(i32::MAX / 2, 1 << 30), (1 - i32::MAX / 2, 1 << 30)];
        let slope = f64::from(1 << 30) / f64::from(i32::MAX - 2);
        assert_eq!(on_book("book_slope_10", &far, &[(i32::MAX - 2, 1), (i32::MAX - 1, 1)]), 0.5 * (slope + 1.0));
    }
}
