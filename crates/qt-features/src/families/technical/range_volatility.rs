//! Volatility from open, high, low and close within bars.

use std::f64::consts::LN_2;

use crate::prelude::*;

const RANGE: Spec = Spec {
    window: Window::Bars(30),
    range: POSITIVE,
    warmup: Warmup::Items(30),
    update: "U1",
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 234,
        name: "parkinson_30",
        definition: "√(mean ln²(H/L)/(4 ln 2)) over 30 bars",
        source: "Parkinson 1980",
        ..RANGE
    },
    Spec {
        number: 235,
        name: "garman_klass_30",
        definition: "√max(0, mean(½ln²(H/L)−(2ln2−1)ln²(C/O))) over 30 bars",
        source: "Garman, Klass 1980",
        ..RANGE
    },
    Spec {
        number: 236,
        name: "rogers_satchell_30",
        definition: "√mean(ln(H/C)ln(H/O)+ln(L/C)ln(L/O)) over 30 bars",
        source: "Rogers, Satchell 1991",
        ..RANGE
    },
];

#[derive(Clone)]
struct RangeVolatility {
    variance: fn(&Bar) -> f64,
    terms: Floats<30>,
}

impl Rule for RangeVolatility {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.terms.push((self.variance)(bar));
        let mean = self.terms.mean();
        // Only the estimator of Garman and Klass can be below 0; not `max`, which would turn NaN into 0.
        if mean < 0.0 { 0.0 } else { mean.sqrt() }
    }
}

fn parkinson(b: &Bar) -> f64 {
    let range = log_ratio(b.high, b.low);
    range * range / (4.0 * LN_2)
}

fn garman_klass(b: &Bar) -> f64 {
    let (range, body) = (log_ratio(b.high, b.low), log_ratio(b.close, b.open));
    0.5 * range * range - (2.0 * LN_2 - 1.0) * body * body
}

/// Variance of one bar by Rogers and Satchell (1991): free of the drift.
pub fn rogers_satchell(b: &Bar) -> f64 {
    log_ratio(b.high, b.close) * log_ratio(b.high, b.open) + log_ratio(b.low, b.close) * log_ratio(b.low, b.open)
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let variance = match spec.name {
        "parkinson_30" => parkinson,
        "garman_klass_30" => garman_klass,
        _ => rogers_satchell,
    };
    held(RangeVolatility { variance, terms: Floats::default() }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // H/L = 4, C/O = 2, H/C = 1, H/O = 2, L/C = 1/4, L/O = 1/2.
        let bars = vec![ohlcv(200, 400, 100, 400, 1); 30];
        let value = |variance, n: usize| last(RangeVolatility { variance, terms: Floats::default() }, &bars[..n]);
        assert!(value(parkinson, 29).is_nan());
        let square = LN_2 * LN_2;
        assert!((value(parkinson, 30) - LN_2.sqrt()).abs() < 1e-15);
        assert!((value(garman_klass, 30) - (2.0 * square - (2.0 * LN_2 - 1.0) * square).sqrt()).abs() < 1e-15);
        assert!((value(rogers_satchell, 30) - (2.0 * square).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn bodies_without_wicks_after_wide_ranges_do_not_go_below_zero() {
        // H/L = C/O: ½ − (2 ln 2 − 1) > 0; an inconsistent bar with a body beyond its range gives 0, not NaN.
        let bars = vec![ohlcv(100, 101, 100, 200, 1); 30];
        assert_eq!(last(RangeVolatility { variance: garman_klass, terms: Floats::default() }, &bars), 0.0);
    }
}
