//! Distance of the close from the volume-weighted mean close, in units of the average true range.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 248,
    name: "vwma_dist_20",
    definition: "(C−Σcv/Σv)/ATR14 over 20 bars; NaN where nothing traded or the ATR is 0",
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U1",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct VwmaDistance {
    volumes: Total<20>,
    /// c·v.
    values: Last<i128, 20>,
    atr: Atr,
}

impl Rule for VwmaDistance {
    fn close(&mut self, bar: &Bar) -> f64 {
        let close = i128::from(bar.close);
        self.volumes.push(bar.volume);
        self.values.push(close * i128::from(bar.volume));
        self.atr.push(bar);
        if !self.volumes.full() {
            return f64::NAN;
        }
        let volume = self.volumes.sum();
        let above = close * i128::from(volume) - self.values.values().iter().sum::<i128>();
        quotient(quotient(above as f64, volume as f64), self.atr.value())
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(VwmaDistance { volumes: Total::default(), values: Last::default(), atr: Atr::new(14) }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::ohlcv;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        for k in 0..20 {
            assert!(f.value(&flow, 0).is_nan());
            // Closes of 104 weigh three times as much as closes of 100; every true range is 8.
            f.on_bar(&if k % 2 == 0 { ohlcv(100, 106, 98, 100, 1) } else { ohlcv(104, 106, 98, 104, 3) });
        }
        assert_eq!(f.value(&flow, 0), (104.0 - 103.0) / 8.0);
    }

    #[test]
    fn no_sum_is_too_great() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        let (top, most) = (i32::MAX - 4, i64::from(i32::MAX));
        for k in 0..20 {
            f.on_bar(&ohlcv(top - k % 2, top + 4, top - 4, top - k % 2, most));
        }
        assert_eq!(f.value(&flow, 0), -0.5 / 8.0);
    }
}
