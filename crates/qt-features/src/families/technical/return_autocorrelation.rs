//! Autocorrelation of one-bar returns.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 224,
    name: "ret_autocorr_60",
    definition: "Σ(r−m)(r[−1]−m)/Σ(r−m)² of the last 60 r = ln(C/C[−1]), m their mean, 59 products above and 60 squares \
                 below; NaN where a price is not positive",
    window: Window::Bars(61),
    range: (-1.0, 1.0),
    warmup: Warmup::Items(61),
    zero: Zero::Zero,
    update: "ring O(60)",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct ReturnAutocorrelation {
    close: Option<i32>,
    returns: Last<f64, 60>,
}

impl Rule for ReturnAutocorrelation {
    fn close(&mut self, bar: &Bar) -> f64 {
        let Some(before) = self.close.replace(bar.close) else { return f64::NAN };
        let positive = before > 0 && bar.close > 0;
        let current = if positive { (f64::from(bar.close) / f64::from(before)).ln() } else { f64::NAN };
        self.returns.push(current);
        if !self.returns.full() {
            return f64::NAN;
        }
        // From the oldest on. Rounding must not give equal returns a variance.
        let returns = || (0..60).rev().filter_map(|k| self.returns.back(k));
        if returns().all(|r| r == current) {
            return 0.0;
        }
        let mean = returns().sum::<f64>() / 60.0;
        let (mut products, mut squares, mut last) = (0.0, 0.0, 0.0);
        for r in returns() {
            let x = r - mean;
            products += x * last;
            squares += x * x;
            last = x;
        }
        products / squares
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(ReturnAutocorrelation::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "ret_autocorr_60", &closes([7; 61])), 0.0);
        // Up and down in turn: every product is −1 square, and there is one less.
        let zigzag = closes((0..61).map(|k| 100 + k % 2));
        assert!((last(SPECS, build, "ret_autocorr_60", &zigzag) + 59.0 / 60.0).abs() < 1e-12);
        // One return alone, x among zeros: the mean is x/60, so that 59 products give −2·(x/60)(59x/60) + 57·(x/60)².
        let one = closes([7; 30].into_iter().chain([8; 31]));
        let expected = (57.0 - 2.0 * 59.0) / 3600.0 / (59.0 / 60.0);
        assert!((last(SPECS, build, "ret_autocorr_60", &one) - expected).abs() < 1e-12);
        assert!(last(SPECS, build, "ret_autocorr_60", &closes(0..61)).is_nan());
    }
}
