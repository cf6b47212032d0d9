//! Share of the variance of the mid that came in jumps.

use super::log_returns::{OfReturns, realized_variance};
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 144,
    name: "jump_ratio_30m",
    definition: "max(0, 1−BV/RV), RV = Σ r², BV = (π/2)·n/(n−1)·Σ|r_i r_{i−1}|; r = ln mid returns over the last 180 intervals of the 10 s grid from the session start that have a positive mid at both ends, in order, n their number; NaN with n < 2",
    window: Window::Time(30 * MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(30 * MINUTE),
    zero: Zero::Zero,
    swap_sides: Symmetry::Open,
    source: "Barndorff-Nielsen-Shephard 2004",
    ..Spec::MICROSTRUCTURE
}];

fn jump_ratio(r: &[f64]) -> f64 {
    if r.len() < 2 {
        return f64::NAN;
    }
    let n = r.len() as f64;
    let all = realized_variance(r);
    if all == 0.0 {
        return 0.0;
    }
    let smooth = r.windows(2).fold(0.0, |sum, w| sum + (w[0] * w[1]).abs());
    (1.0 - std::f64::consts::FRAC_PI_2 * (n / (n - 1.0)) * smooth / all).max(0.0)
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    OfReturns::build(setup, 10 * SECOND, 180, jump_ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert!(jump_ratio(&[1.0]).is_nan());
        assert_eq!(jump_ratio(&[0.0, 0.0]), 0.0);
        assert_eq!(jump_ratio(&[0.0, 3.0, 0.0]), 1.0);
        assert_eq!(jump_ratio(&[1.0, 1.0, 1.0]), 0.0);
        assert!((jump_ratio(&[1.0, 9.0, 1.0]) - (1.0 - std::f64::consts::FRAC_PI_2 * 1.5 * 18.0 / 83.0)).abs() < 1e-15);
    }
}
