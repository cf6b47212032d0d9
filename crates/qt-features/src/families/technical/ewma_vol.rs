//! Exponentially weighted volatility of RiskMetrics.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 238,
    name: "ewma_vol",
    definition: "√σ², σ² ← 0.94σ²+0.06r² over one-bar log returns r, seeded with the mean of the first 20 r²; a bar \
                 without a return gives NaN and leaves σ² as it is",
    window: Window::Recursion,
    range: POSITIVE,
    warmup: Warmup::Items(21),
    update: "U7",
    source: "RiskMetrics 1996",
    ..Spec::TECHNICAL
}];

const SEED: u32 = 20;

#[derive(Clone, Default)]
struct EwmaVolatility {
    close: Option<i32>,
    seen: u32,
    variance: f64,
}

impl Rule for EwmaVolatility {
    fn close(&mut self, bar: &Bar) -> f64 {
        let r = self.close.replace(bar.close).map_or(f64::NAN, |before| log_ratio(bar.close, before));
        if r.is_nan() {
            return f64::NAN;
        }
        if self.seen < SEED {
            self.seen += 1;
            self.variance += r * r / f64::from(SEED);
        } else {
            self.variance = 0.94 * self.variance + 0.06 * (r * r);
        }
        if self.seen < SEED { f64::NAN } else { self.variance.sqrt() }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(EwmaVolatility::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // Twenty returns of ±ln 2, then one of 0.
        let mut closes: Vec<i32> = (0..21).map(|k| 100 << (k % 2)).collect();
        closes.push(closes[20]);
        let bars: Vec<Bar> = closes.iter().map(|&c| ohlcv(c, c, c, c, 1)).collect();
        assert!(last(EwmaVolatility::default(), &bars[..20]).is_nan());
        assert!((last(EwmaVolatility::default(), &bars[..21]) - 2.0f64.ln()).abs() < 1e-15);
        assert!((last(EwmaVolatility::default(), &bars) - 2.0f64.ln() * 0.94f64.sqrt()).abs() < 1e-15);
    }
}
