//! Rate of change of a triple exponential average, of Hutson.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 215,
    name: "trix_15",
    definition: "100·(E/E[−1]−1), E the EMA15 of the EMA15 of the EMA15 of C; NaN where E or E[−1] is not positive",
    window: Window::Bars(44),
    unit: "%",
    range: (-100.0, f64::INFINITY),
    warmup: Warmup::Items(44),
    update: "U7",
    source: "Hutson 1983; TA-Lib TRIX",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct Trix {
    averages: [Ema; 3],
    before: f64,
}

impl Rule for Trix {
    fn close(&mut self, bar: &Bar) -> f64 {
        let mut x = f64::from(bar.close);
        for average in &mut self.averages {
            average.push(x);
            x = average.value();
            if x.is_nan() {
                return x;
            }
        }
        let before = std::mem::replace(&mut self.before, x);
        if before > 0.0 && x > 0.0 { 100.0 * (x / before - 1.0) } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Trix { averages: [15; 3].map(Ema::new), before: f64::NAN }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, rising};

    #[test]
    fn by_hand() {
        // Three lags of 7 behind 143.
        assert!((last(SPECS, build, "trix_15", &rising(44)) - 100.0 / 121.0).abs() < 1e-12);
        assert_eq!(last(SPECS, build, "trix_15", &closes([7; 44])), 0.0);
    }
}
