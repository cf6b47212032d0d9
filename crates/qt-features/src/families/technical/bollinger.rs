//! Bollinger bands of 20 bars and two population standard deviations.

use crate::prelude::*;

const BANDS: Spec = Spec {
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    update: "U6",
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 228,
        name: "bb_pctb_20",
        definition: "(C−lower)/(upper−lower), 20 bars, 2 population sd",
        zero: Zero::Nan,
        source: "Bollinger; TA-Lib",
        ..BANDS
    },
    Spec {
        number: 229,
        name: "bb_width_20",
        definition: "(upper−lower)/middle, 20 bars, 2 population sd; NaN where the mean price is not positive",
        range: POSITIVE,
        source: "Bollinger",
        ..BANDS
    },
];

#[derive(Clone)]
struct Bands {
    closes: Moments<20>,
    width: bool,
}

impl Rule for Bands {
    fn close(&mut self, bar: &Bar) -> f64 {
        let close = i64::from(bar.close);
        self.closes.push(close);
        if !self.closes.full() {
            return f64::NAN;
        }
        // With n·sd and n·(C − mean), n cancels in both.
        let spread = self.closes.spread();
        if !self.width {
            return quotient(self.closes.distance(close), 4.0 * spread) + 0.5;
        }
        let sum = self.closes.sum();
        if sum > 0 { 4.0 * spread / sum as f64 } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Bands { closes: Moments::default(), width: spec.name == "bb_width_20" }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // Half the closes at 90, half at 110: mean 100, sd 10, bands 80 and 120.
        let bars: Vec<Bar> = (0..20).map(|k| if k % 2 == 0 { 90 } else { 110 }).map(|c| ohlcv(c, c, c, c, 1)).collect();
        let rule = |width| Bands { closes: Moments::default(), width };
        assert!(last(rule(false), &bars[..19]).is_nan());
        assert_eq!(last(rule(false), &bars), 0.75);
        assert_eq!(last(rule(true), &bars), 0.4);
        assert!(last(rule(false), &vec![ohlcv(1, 1, 1, 1, 1); 20]).is_nan());
    }
}
