//! Place of the relative strength index within its own range, of Chande and Kroll.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 209,
    name: "stochrsi_14",
    definition: "100·(RSI14−min)/(max−min) over 14 values; RSI stays exactly as it is while C does not change",
    window: Window::Bars(28),
    range: (0.0, 100.0),
    warmup: Warmup::Items(28),
    zero: Zero::Zero,
    source: "Chande, Kroll 1994; TA-Lib STOCHRSI",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct StochasticRsi {
    rsi: Rsi,
    last: Last<f64, 14>,
}

impl Rule for StochasticRsi {
    fn close(&mut self, bar: &Bar) -> f64 {
        let rsi = self.rsi.push(bar.close.into());
        if rsi.is_nan() {
            return rsi;
        }
        self.last.push(rsi);
        if !self.last.full() {
            return f64::NAN;
        }
        let (min, max) = self.last.values().iter().fold((rsi, rsi), |(min, max), x| (min.min(*x), max.max(*x)));
        if min == max { 0.0 } else { 100.0 * ((rsi - min) / (max - min)) }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(StochasticRsi { rsi: Rsi::new(14), last: Last::default() }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, values};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "stochrsi_14", &closes(100..128)), 0.0); // RSI 100 throughout
        // A fall at bar 27 brings the index to its low, a rise at bar 28 part of the way back: u and d go from 1 and 0
        // to 13/14 and 1/14·5, then 13/14·13/14 + 1/14 and 13/14·5/14.
        let bars = closes((100..126).chain([120, 121]));
        let low = 100.0 * 13.0 / 18.0;
        let up: f64 = 169.0 / 196.0 + 1.0 / 14.0;
        let now = 100.0 * up / (up + 65.0 / 196.0);
        assert!((last(SPECS, build, "stochrsi_14", &bars) - 100.0 * (now - low) / (100.0 - low)).abs() < 1e-11);
        // No change for 14 bars: no range.
        let calm = closes((100..126).chain([120; 40]));
        assert!(values(SPECS, build, "stochrsi_14", &calm)[40..].iter().all(|v| *v == 0.0));
    }
}
