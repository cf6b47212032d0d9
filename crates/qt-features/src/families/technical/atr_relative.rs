//! Average true range against the price and against a longer one.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 226,
        name: "natr_14",
        definition: "100·ATR14/C; NaN where C is not positive",
        window: Window::Bars(15),
        unit: "%",
        range: POSITIVE,
        warmup: Warmup::Items(15),
        update: "U7",
        source: "TA-Lib",
        ..Spec::TECHNICAL
    },
    Spec {
        number: 227,
        name: "atr_ratio_7_28",
        definition: "ATR7/ATR28",
        window: Window::Bars(29),
        range: POSITIVE,
        warmup: Warmup::Items(29),
        zero: Zero::Nan,
        swap_sides: Symmetry::Keeps,
        update: "U7",
        ..Spec::TECHNICAL
    },
];

#[derive(Clone)]
struct Normalised(Atr);

impl Rule for Normalised {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar);
        if bar.close > 0 { 100.0 * self.0.value() / f64::from(bar.close) } else { f64::NAN }
    }
}

#[derive(Clone)]
struct Ratio {
    short: Atr,
    long: Atr,
}

impl Rule for Ratio {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.short.push(bar);
        self.long.push(bar);
        quotient(self.short.value(), self.long.value())
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    if spec.name == "natr_14" {
        held(Normalised(Atr::new(14)), setup)
    } else {
        held(Ratio { short: Atr::new(7), long: Atr::new(28) }, setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // True ranges: 2 for 21 bars, then 6 for 7: ATR28 is the mean, ATR7 the last of six Wilder steps from 6.
        let mut bars = vec![ohlcv(50, 51, 49, 50, 1); 22];
        bars.resize(29, ohlcv(50, 53, 47, 50, 1));
        let rule = || Ratio { short: Atr::new(7), long: Atr::new(28) };
        assert!(last(rule(), &bars[..28]).is_nan());
        let short = 6.0 - 4.0 * (6.0f64 / 7.0).powi(7);
        assert!((last(rule(), &bars) - short / 3.0).abs() < 1e-14);
        assert_eq!(last(Normalised(Atr::new(14)), &bars[..15]), 4.0);
        assert!(last(Normalised(Atr::new(14)), &bars[..14]).is_nan());
    }
}
