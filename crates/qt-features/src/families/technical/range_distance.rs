//! Distance of the close from the extremes of the last bars, in units of the average true range.

use crate::prelude::*;

const DISTANCE: Spec = Spec {
    window: Window::Bars(60),
    range: POSITIVE,
    warmup: Warmup::Items(60),
    zero: Zero::Nan,
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 164,
        name: "dist_high_60",
        definition: "(HH−C)/ATR14, HH over 60 bars",
        source: "resistance",
        ..DISTANCE
    },
    Spec { number: 165, name: "dist_low_60", definition: "(C−LL)/ATR14, LL over 60 bars", source: "support", ..DISTANCE },
];

#[derive(Clone)]
struct RangeDistance {
    from_high: bool,
    extremes: Extremes<60>,
    atr: Atr,
}

impl Rule for RangeDistance {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.extremes.push(bar.high, bar.low);
        self.atr.push(bar);
        if !self.extremes.full() {
            return f64::NAN;
        }
        let close = i64::from(bar.close);
        let distance = if self.from_high { self.extremes.high() - close } else { close - self.extremes.low() };
        quotient(distance as f64, self.atr.value())
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let from_high = spec.name == "dist_high_60";
    held(RangeDistance { from_high, extremes: Extremes::default(), atr: Atr::new(14) }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // The first bar reaches 130 and 80; then every bar has a range of 4.
        let mut bars = vec![ohlcv(100, 130, 80, 100, 1)];
        bars.resize(60, ohlcv(100, 102, 98, 100, 1));
        let rule = |from_high| RangeDistance { from_high, extremes: Extremes::default(), atr: Atr::new(14) };
        assert!(last(rule(true), &bars[..59]).is_nan());
        assert_eq!(last(rule(true), &bars), 30.0 / 4.0);
        assert_eq!(last(rule(false), &bars), 20.0 / 4.0);
        bars.push(ohlcv(100, 102, 98, 101, 1));
        assert_eq!(last(rule(true), &bars), 1.0 / 4.0);
    }
}
