//! Commodity channel index of Lambert.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 211,
    name: "cci_20",
    definition: "(tp−mean)/(0.015·mean absolute deviation) over 20 bars",
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    zero: Zero::Zero,
    swap_sides: Symmetry::Moves,
    update: "ring O(20)",
    source: "Lambert 1980; TA-Lib CCI",
    ..Spec::TECHNICAL
}];

/// Three times the typical price of the last bars.
#[derive(Clone, Default)]
struct CommodityChannel(Last<i64, 20>);

impl Rule for CommodityChannel {
    fn close(&mut self, bar: &Bar) -> f64 {
        let price = i64::from(bar.high) + i64::from(bar.low) + i64::from(bar.close);
        self.0.push(price);
        if !self.0.full() {
            return f64::NAN;
        }
        let sum: i64 = self.0.values().iter().sum();
        let deviation: i64 = self.0.values().iter().map(|x| (20 * x - sum).abs()).sum();
        // The thirds and twentieths of both cancel, but for the mean of the deviations.
        if deviation == 0 { 0.0 } else { (20 * (20 * price - sum)) as f64 / (0.015 * deviation as f64) }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(CommodityChannel::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, rising};

    #[test]
    fn by_hand() {
        // 9.5 above the mean; mean absolute deviation of 0..19 is 5.
        assert!((last(SPECS, build, "cci_20", &rising(20)) - 9.5 / (0.015 * 5.0)).abs() < 1e-12);
        assert_eq!(last(SPECS, build, "cci_20", &closes([100; 20])), 0.0);
    }
}
