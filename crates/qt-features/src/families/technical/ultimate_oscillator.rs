//! Ultimate oscillator of Williams: buying pressure over three spans.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 217,
    name: "ultosc",
    definition: "100·(4·r7+2·r14+r28)/7; r_n = Σ(C−min(L,C[−1]))/Σ true range over n bars, 0 where that is 0",
    window: Window::Bars(29),
    range: (0.0, 100.0),
    warmup: Warmup::Items(29),
    zero: Zero::Zero,
    update: "U6",
    source: "Williams 1985; TA-Lib ULTOSC",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct Pressure<const N: usize> {
    buying: Total<N>,
    range: Total<N>,
}

impl<const N: usize> Pressure<N> {
    fn push(&mut self, buying: i64, range: i64) -> f64 {
        self.buying.push(buying);
        self.range.push(range);
        match (self.buying.value(), self.range.value()) {
            (Some(buying), Some(range)) => ratio_or_zero(buying, range),
            _ => f64::NAN,
        }
    }
}

#[derive(Clone, Default)]
struct UltimateOscillator {
    close: Option<i32>,
    short: Pressure<7>,
    middle: Pressure<14>,
    long: Pressure<28>,
}

impl Rule for UltimateOscillator {
    fn close(&mut self, bar: &Bar) -> f64 {
        let Some(before) = self.close.replace(bar.close) else { return f64::NAN };
        let low = i64::from(bar.low.min(before));
        let (buying, range) = (i64::from(bar.close) - low, i64::from(bar.high.max(before)) - low);
        let short = self.short.push(buying, range);
        let middle = self.middle.push(buying, range);
        let long = self.long.push(buying, range);
        100.0 * ((4.0 * short + 2.0 * middle + long) / 7.0)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(UltimateOscillator::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{bar, closes, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "ultosc", &rising(29)), 50.0);
        assert_eq!(last(SPECS, build, "ultosc", &closes([7; 29])), 0.0);
        // Seven bars that close at the high of a range of 2: r7 = 1, r14 = 3/4, r28 = 5/8.
        let mut bars = rising(29);
        let flat: Vec<_> = bars.drain(..22).chain((0..7).map(|k| bar(121 + 2 * (k + 1), 121 + 2 * k, 123 + 2 * k))).collect();
        assert!((last(SPECS, build, "ultosc", &flat) - 100.0 * (4.0 + 1.5 + 0.625) / 7.0).abs() < 1e-12);
    }
}
