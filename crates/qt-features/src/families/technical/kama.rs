//! Adaptive moving average of Kaufman.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 201,
    name: "kama_dist_10",
    definition: "(C−KAMA10)/ATR14; efficiency |C−C[−10]|/Σ|ΔC|, 1 where nothing moved; weight (e·(2/3−2/31)+2/31)²; \
                 starts from C[−1] at bar 11",
    window: Window::Bars(11),
    warmup: Warmup::Items(15), // the ATR needs 15
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "Kaufman 1995; TA-Lib KAMA",
    ..Spec::TECHNICAL
}];

const SLOW: f64 = 2.0 / 31.0;
const FAST: f64 = 2.0 / 3.0;

#[derive(Clone, Default)]
struct KamaDistance {
    closes: Last<i32, 11>,
    /// Σ|ΔC| over the last 10 changes.
    path: Total<10>,
    average: Option<f64>,
}

impl Rule for KamaDistance {
    fn close(&mut self, bar: &Bar) -> f64 {
        let before = self.closes.back(0);
        self.closes.push(bar.close);
        let Some(before) = before else { return f64::NAN };
        self.path.push((i64::from(bar.close) - i64::from(before)).abs());
        let (Some(path), Some(first)) = (self.path.value(), self.closes.back(10)) else { return f64::NAN };
        let net = (i64::from(bar.close) - i64::from(first)).abs();
        let efficiency = if path == 0 { 1.0 } else { net as f64 / path as f64 };
        let weight = efficiency * (FAST - SLOW) + SLOW;
        let (close, last) = (f64::from(bar.close), self.average.unwrap_or(f64::from(before)));
        let average = (close - last) * (weight * weight) + last;
        self.average = Some(average);
        close - average
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held_in_atr(KamaDistance::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        // A line is perfectly efficient: weight 4/9, and the distance goes d ← (d + 1)·5/9 from 5/9 at bar 11.
        let mut distance = 0.0;
        for _ in 11..=15 {
            distance = (distance + 1.0) * 5.0 / 9.0;
        }
        assert!((last(SPECS, build, "kama_dist_10", &rising(15)) - distance / 2.0).abs() < 1e-12);
    }
}
