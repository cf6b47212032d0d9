//! Divergence of closes and relative strength.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 206,
    name: "rsi_divergence_20",
    definition: "−1 if C is above the 19 closes before it and RSI14 is below its value at the last bar of which that was \
                 true, however long ago; +1 if C is below them and RSI14 above its value at the last such bar; else 0",
    window: Window::Bars(20),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    warmup: Warmup::Items(20),
    swap_sides: Symmetry::Moves,
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct RsiDivergence {
    rsi: Rsi,
    /// The 19 closes before this bar.
    closes: Last<i32, 19>,
    /// RSI at the last bar that was the highest, and the lowest.
    at_high: Option<f64>,
    at_low: Option<f64>,
}

impl Rule for RsiDivergence {
    fn close(&mut self, bar: &Bar) -> f64 {
        let rsi = self.rsi.push(bar.close.into());
        let mut out = f64::NAN;
        if self.closes.full() {
            out = 0.0;
            if self.closes.values().iter().all(|c| *c < bar.close) {
                out = if self.at_high.is_some_and(|before| rsi < before) { -1.0 } else { 0.0 };
                self.at_high = Some(rsi);
            } else if self.closes.values().iter().all(|c| *c > bar.close) {
                out = if self.at_low.is_some_and(|before| rsi > before) { 1.0 } else { 0.0 };
                self.at_low = Some(rsi);
            }
        }
        self.closes.push(bar.close);
        out
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(RsiDivergence { rsi: Rsi::new(14), closes: Last::default(), at_high: None, at_low: None }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, values};

    #[test]
    fn by_hand() {
        // A straight rise to 119 (RSI 100), a fall to 110, then a little above 119: a new high with a lower RSI.
        let prices: Vec<i32> = (100..120).chain((110..119).rev()).chain([120, 121]).collect();
        let up = values(SPECS, build, "rsi_divergence_20", &closes(prices.clone()));
        assert_eq!(up[19], 0.0, "there is no high before the first");
        assert!(up[20..29].iter().all(|v| *v == 0.0));
        assert_eq!(up[29], -1.0);
        assert_eq!(up[30], 0.0, "the next high is stronger than the one before");
        let down = values(SPECS, build, "rsi_divergence_20", &closes(prices.iter().map(|p| -p)));
        assert_eq!(down[29], 1.0);
    }
}
