//! Percentage price oscillator: fast against slow exponential average.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 219,
    name: "ppo_12_26",
    definition: "100·(EMA12−EMA26)/EMA26, each started at its own first bars; NaN where EMA26 is not positive",
    window: Window::Bars(26),
    unit: "%",
    warmup: Warmup::Items(26),
    update: "U7",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct PercentageOscillator {
    fast: Ema,
    slow: Ema,
}

impl Rule for PercentageOscillator {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.fast.push(f64::from(bar.close));
        self.slow.push(f64::from(bar.close));
        let slow = self.slow.value();
        if slow > 0.0 { 100.0 * ((self.fast.value() - slow) / slow) } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(PercentageOscillator { fast: Ema::new(12), slow: Ema::new(26) }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        // Lags of 5.5 and 12.5 behind 125.
        assert!((last(SPECS, build, "ppo_12_26", &rising(26)) - 700.0 / 112.5).abs() < 1e-12);
    }
}
