//! Price response per money traded.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 127,
    name: "amihud_30m",
    family: Family::Microstructure,
    definition: "mean of |ln(C/C[−1])|/(traded R$ millions) over those of the last 30 bars that traded; traded R$ = C·v·R$ per tick; NaN while a price of them is not positive",
    window: Window::Bars(30),
    unit: "1/R$ million",
    range: POSITIVE,
    warmup: Warmup::Items(31),
    zero: Zero::Nan,
    swap_sides: Symmetry::Open,
    scale_sizes: Symmetry::Open,
    update: "U1",
    source: "Amihud 2002",
    ..Spec::TECHNICAL
}];

/// In place of the ratio of a bar that did not trade.
const IDLE: f64 = -1.0;
/// Bars whose returns count.
const BARS: usize = 30;

#[derive(Clone)]
struct Amihud {
    tick_value: f64,
    close: Option<i32>,
    /// Ratio of each bar, or [`IDLE`].
    ratios: Last<f64, BARS>,
}

impl Rule for Amihud {
    fn close(&mut self, bar: &Bar) -> f64 {
        if let Some(before) = self.close.replace(bar.close) {
            self.ratios.push(if bar.volume > 0 {
                let millions = f64::from(bar.close) * bar.volume as f64 * self.tick_value / 1e6;
                log_ratio(bar.close, before).abs() / millions
            } else {
                IDLE
            });
        }
        if !self.ratios.full() {
            return f64::NAN;
        }
        // A price that is not positive gives NaN, which is not the mark of an idle bar and stays in the sum.
        let traded = || self.ratios.values().iter().filter(|x| **x != IDLE);
        quotient(traded().sum(), traded().count() as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let rule = Amihud { tick_value: setup.tick_value, close: None, ratios: Last::default() };
    held(rule, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        let rule = || Amihud { tick_value: 5.0, close: None, ratios: Last::default() };
        // Bars 1..=30 alternate 10,000 and 10,100; every third one does not trade.
        let close = |k: i32| 10_000 + 100 * (k % 2);
        let bars: Vec<Bar> = (0..=30)
            .map(|k| ohlcv(close(k), close(k), close(k), close(k), if k % 3 == 0 { 0 } else { 20 }))
            .collect();
        assert!(last(rule(), &bars[..30]).is_nan());
        let ratio = |k: i32| (1.01f64).ln() / (f64::from(close(k)) * 20.0 * 5.0 / 1e6);
        let expected = (1..=30).filter(|k| k % 3 != 0).map(ratio).sum::<f64>() / 20.0;
        assert!((last(rule(), &bars) - expected).abs() < 1e-15);
        let idle = vec![ohlcv(5, 5, 5, 5, 0); 31];
        assert!(last(rule(), &idle).is_nan());
    }
}
