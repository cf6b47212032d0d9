//! Slow stochastic of Lane.

use crate::prelude::*;

const LANE: Spec = Spec {
    window: Window::Bars(18),
    range: (0.0, 100.0),
    warmup: Warmup::Items(18),
    zero: Zero::Zero,
    source: "Lane; TA-Lib STOCH",
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 207,
        name: "stoch_k_14",
        definition: "SMA3 of 100·(C−LL)/(HH−LL) over 14 bars, a term with HH = LL being 0; appears with %D",
        ..LANE
    },
    Spec { number: 208, name: "stoch_d_14", definition: "%D = SMA3 of slow %K (stoch_k_14)", ..LANE },
];

#[derive(Clone, Default)]
struct Stochastic {
    smooth_again: bool,
    bars: Last<(i32, i32), 14>,
    fast: Last<f64, 3>,
    slow: Last<f64, 3>,
}

/// Mean from the oldest on; `None` before three values.
fn mean(last: &Last<f64, 3>) -> Option<f64> {
    Some((last.back(2)? + last.back(1)? + last.back(0)?) / 3.0)
}

impl Rule for Stochastic {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.bars.push((bar.low, bar.high));
        if !self.bars.full() {
            return f64::NAN;
        }
        let (low, high) = self.bars.values().iter().fold((bar.low, bar.high), |(low, high), &(l, h)| (low.min(l), high.max(h)));
        let part = i64::from(bar.close) - i64::from(low);
        self.fast.push(100.0 * ratio_or_zero(part, i64::from(high) - i64::from(low)));
        let Some(slow) = mean(&self.fast) else { return f64::NAN };
        self.slow.push(slow);
        mean(&self.slow).map_or(f64::NAN, |smoothed| if self.smooth_again { smoothed } else { slow })
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Stochastic { smooth_again: spec.name == "stoch_d_14", ..Stochastic::default() }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, rising};

    #[test]
    fn by_hand() {
        // 14 bars of the line reach from C−14 to C+1.
        for name in ["stoch_k_14", "stoch_d_14"] {
            assert!((last(SPECS, build, name, &rising(18)) - 100.0 * 14.0 / 15.0).abs() < 1e-12);
            assert_eq!(last(SPECS, build, name, &closes([9; 18])), 0.0);
        }
        // Then a bar that closes at its low, 99 + 19 − 14 = 104: %K loses a third, %D a ninth.
        let mut bars = rising(20);
        bars[19].low = 104;
        bars[19].close = 104;
        assert!((last(SPECS, build, "stoch_k_14", &bars) - 100.0 * 28.0 / 45.0).abs() < 1e-12);
        assert!((last(SPECS, build, "stoch_d_14", &bars) - 100.0 * 112.0 / 135.0).abs() < 1e-12);
    }
}
