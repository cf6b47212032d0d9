//! Trend of on-balance volume.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 244,
    name: "obv_slope_20",
    definition: "OLS slope per bar of the last 20 values of OBV over SMA20(v); OBV adds v when C>C[−1] and takes it away \
                 when C<C[−1]",
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U6",
    source: "Granville",
    ..Spec::TECHNICAL
}];

const BARS: usize = 20;

#[derive(Clone, Default)]
struct ObvSlope {
    close: Option<i32>,
    obv: i64,
    values: Total<BARS>,
    /// Σ i·OBV over the window, i = 0 for the oldest bar.
    weighted: i64,
    volumes: Total<BARS>,
}

impl Rule for ObvSlope {
    fn close(&mut self, bar: &Bar) -> f64 {
        if let Some(before) = self.close.replace(bar.close) {
            self.obv += (i64::from(bar.close) - i64::from(before)).signum() * bar.volume;
        }
        // Every value moves one place towards the oldest, which leaves from place 0; places before the first bar
        // hold 0.
        self.weighted -= self.values.sum() - self.values.oldest();
        self.weighted += (BARS as i64 - 1) * self.obv;
        self.values.push(self.obv);
        self.volumes.push(bar.volume);
        if !self.values.full() {
            return f64::NAN;
        }
        // Σ(2i−19)·OBV is twice the covariance sum, Σ(i−9.5)² = 665, and the mean volume is a sum over 20.
        let covariance = 2 * self.weighted - 19 * self.values.sum();
        quotient(2.0 * covariance as f64, 133.0 * self.volumes.sum() as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(ObvSlope::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn rising_closes_add_their_volume() {
        let bars: Vec<Bar> = (0..30).map(|k| ohlcv(k, k, k, k, 7)).collect();
        assert!(last(ObvSlope::default(), &bars[..19]).is_nan());
        assert_eq!(last(ObvSlope::default(), &bars[..20]), 1.0); // 7 per bar over 7
        assert_eq!(last(ObvSlope::default(), &bars), 1.0);
    }

    #[test]
    fn one_step_by_hand() {
        // Flat, then a rise of 5 contracts in the last bar: OBV 0, …, 0, 5; slope 9.5·5/665.
        let mut bars = vec![ohlcv(1, 1, 1, 1, 0); 24];
        bars.push(ohlcv(1, 2, 1, 2, 5));
        let expected = 9.5 * 5.0 / 665.0 / 0.25;
        assert!((last(ObvSlope::default(), &bars) - expected).abs() < 1e-15);
        assert!(last(ObvSlope::default(), &bars[..24]).is_nan());
    }
}
