//! Realized volatility of the mid.

use super::log_returns::{OfReturns, realized_variance};
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 143,
    name: "rv_1m",
    definition: "10⁴·√Σ r², r = ln mid returns over the last 60 intervals of the 1 s grid from the session start; a return needs a positive mid at both ends; NaN without one",
    window: Window::Time(MINUTE),
    unit: "bps",
    range: POSITIVE,
    warmup: Warmup::Time(MINUTE),
    swap_sides: Symmetry::Open,
    source: "Andersen-Bollerslev 1998",
    ..Spec::MICROSTRUCTURE
}];

fn volatility(returns: &[f64]) -> f64 {
    if returns.is_empty() { f64::NAN } else { 1e4 * realized_variance(returns).sqrt() }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    OfReturns::build(setup, SECOND, 60, volatility)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(volatility(&[3e-4, -4e-4, 0.0]), 5.0);
        assert_eq!(volatility(&[0.0]), 0.0);
        assert!(volatility(&[]).is_nan());
    }
}
