//! %R of Williams: close below the high of the last bars.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 210,
    name: "willr_14",
    definition: "−100·(HH−C)/(HH−LL) over 14 bars",
    window: Window::Bars(14),
    range: (-100.0, 0.0),
    warmup: Warmup::Items(14),
    zero: Zero::Zero,
    source: "Williams; TA-Lib WILLR",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct WilliamsR(Last<(i32, i32), 14>);

impl Rule for WilliamsR {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push((bar.low, bar.high));
        if !self.0.full() {
            return f64::NAN;
        }
        let (low, high) = self.0.values().iter().fold((bar.low, bar.high), |(low, high), &(l, h)| (low.min(l), high.max(h)));
        100.0 * ratio_or_zero(i64::from(bar.close) - i64::from(high), i64::from(high) - i64::from(low))
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(WilliamsR::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, falling, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "willr_14", &rising(14)), -100.0 / 15.0);
        assert_eq!(last(SPECS, build, "willr_14", &falling(20)), -100.0 * (14.0 / 15.0));
        assert_eq!(last(SPECS, build, "willr_14", &closes([3; 14])), 0.0);
    }
}
