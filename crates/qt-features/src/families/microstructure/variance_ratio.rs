//! Variance of five-second moves of the mid against five times that of one-second moves.

use super::log_returns::OfReturns;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 141,
    name: "variance_ratio_5",
    definition: "VR(5) = [Σ_{k≥5}(r_{k−4}+…+r_k−5μ)²/m] / [Σ(r_k−μ)²/(T−1)], m = 5(T−4)(1−5/T): overlapping and bias-corrected; r = ln mid returns over the last 300 intervals of the 1 s grid from the session start that have a positive mid at both ends, in order, T their number, μ their mean; NaN with T < 6 or equal returns",
    window: Window::Time(5 * MINUTE),
    range: POSITIVE,
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Nan,
    swap_sides: Symmetry::Open,
    update: "U6",
    source: "Lo-MacKinlay 1988",
    ..Spec::MICROSTRUCTURE
}];

/// Length of the long moves, in returns.
const Q: usize = 5;

fn variance_ratio(r: &[f64]) -> f64 {
    // Equal returns have no variance, whatever the rounding of their mean says.
    if r.len() <= Q || r.iter().all(|x| *x == r[0]) {
        return f64::NAN;
    }
    let n = r.len() as f64;
    let q = Q as f64;
    let mean = r.iter().fold(0.0, |sum, x| sum + x) / n;
    let (mut short, mut long) = (0.0, 0.0);
    let (first, rest) = r.split_at(Q - 1);
    for x in first {
        short += (x - mean) * (x - mean);
    }
    for (x, window) in rest.iter().zip(r.windows(Q)) {
        let moved = window.iter().fold(0.0, |sum, x| sum + x) - q * mean;
        short += (x - mean) * (x - mean);
        long += moved * moved;
    }
    long / (q * (n - q + 1.0) * (1.0 - q / n)) / (short / (n - 1.0))
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    OfReturns::build(setup, SECOND, 300, variance_ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert!(variance_ratio(&[1.0, 2.0, 3.0, 4.0, 5.0]).is_nan());
        assert!(variance_ratio(&[0.1; 50]).is_nan());
        // Mean 0, variance 10/9; sums of five alternate between 1 and −1: six of them, m = 5·6·½
        let r: Vec<f64> = (0..10).map(|k| if k % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!((variance_ratio(&r) - (6.0 / 15.0) / (10.0 / 9.0)).abs() < 1e-15);
    }
}
