//! Hurst exponent from the growth of the standard deviation with the lag.

use std::f64::consts::LN_2;

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 240,
    name: "hurst_120",
    definition: "OLS slope of ln sd(Δ_q ln C) on ln q, q = 1, 2, 4, 8, 16: population sd of the overlapping \
                 differences within the last 121 closes; NaN where one sd is 0. Not clipped; below ½ on a random walk \
                 (about 0.46 in the mean), as few bars show little of the long differences",
    window: Window::Bars(121),
    warmup: Warmup::Items(121),
    zero: Zero::Nan,
    update: "U6",
    source: "Mandelbrot, Van Ness 1968",
    ..Spec::TECHNICAL
}];

const CLOSES: usize = 121;
/// Lags 2⁰ to 2⁴.
const LAGS: usize = 5;

#[derive(Clone)]
struct Hurst {
    /// Logarithms of the last closes, every one twice, `CLOSES` apart: the window is always one slice.
    logs: [f64; 2 * CLOSES],
    seen: usize,
}

impl Hurst {
    const fn new() -> Self {
        Self { logs: [0.0; 2 * CLOSES], seen: 0 }
    }

    fn push(&mut self, x: f64) {
        let slot = self.seen % CLOSES;
        (self.logs[slot], self.logs[slot + CLOSES]) = (x, x);
        self.seen += 1;
    }
}

impl Rule for Hurst {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.push(log_ratio(bar.close, 1));
        if self.seen < CLOSES {
            return f64::NAN;
        }
        let first = self.seen % CLOSES;
        let window = &self.logs[first..first + CLOSES];
        // With ln q = j·ln 2 and j around its mean 2, Σ(j−2)² = 10; ln sd is half of ln variance.
        let mut slope = 0.0;
        for j in 0..LAGS {
            let variance = difference_variance(window, 1 << j);
            if variance == 0.0 {
                return f64::NAN;
            }
            slope += (j as f64 - 2.0) * variance.ln();
        }
        slope / (20.0 * LN_2)
    }
}

/// Population variance of `x[i + lag] − x[i]`.
fn difference_variance(x: &[f64], lag: usize) -> f64 {
    let n = (x.len() - lag) as f64;
    let differences = || x[lag..].iter().zip(x).map(|(b, a)| b - a);
    let mean = differences().sum::<f64>() / n;
    differences().map(|d| (d - mean) * (d - mean)).sum::<f64>() / n
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Hurst::new(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn variances_by_hand() {
        assert_eq!(difference_variance(&[0.0, 1.0, 3.0, 3.0], 1), 2.0 / 3.0); // 1, 2, 0 about 1
        assert_eq!(difference_variance(&[0.0, 1.0, 3.0, 3.0], 2), 0.25); // 3, 2
    }

    #[test]
    fn a_level_that_jumps_once_grows_like_a_trend_within_the_lags() {
        // Δ_q is ln 2 in q of 121 − q places: the variance is p(1 − p)·ln² 2, p = q/(121 − q).
        let bars: Vec<Bar> = (0..121).map(|k| if k < 60 { 100 } else { 200 }).map(|c| ohlcv(c, c, c, c, 1)).collect();
        assert!(last(Hurst::new(), &bars[..120]).is_nan());
        let v = |q: f64| (q / (121.0 - q)) * (1.0 - q / (121.0 - q));
        let expected =
            (-2.0 * v(1.0).ln() - v(2.0).ln() + v(8.0).ln() + 2.0 * v(16.0).ln()) / (20.0 * LN_2);
        assert!((last(Hurst::new(), &bars) - expected).abs() < 1e-12);
        assert!(last(Hurst::new(), &vec![ohlcv(7, 7, 7, 7, 1); 130]).is_nan());
    }
}
