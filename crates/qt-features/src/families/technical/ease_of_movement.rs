//! Ease of movement of Arms: how far the middle of the bar moves for its volume.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 250,
    name: "eom_14",
    definition: "mean over 14 bars of 100·((hl2−hl2[−1])/tick)·((H−L)/tick)/v; 0 for a bar with v=0",
    window: Window::Bars(15),
    unit: "ticks² per 100 contracts",
    warmup: Warmup::Items(15),
    swap_sides: Symmetry::Moves,
    scale_sizes: Symmetry::Open,
    update: "U1",
    source: "Arms",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct EaseOfMovement {
    /// Twice the middle of the last bar.
    middle: Option<i64>,
    terms: Floats<14>,
}

impl Rule for EaseOfMovement {
    fn close(&mut self, bar: &Bar) -> f64 {
        let (high, low) = (i64::from(bar.high), i64::from(bar.low));
        let middle = high + low;
        if let Some(before) = self.middle.replace(middle) {
            let area = i128::from(middle - before) * i128::from(high - low);
            self.terms.push(if bar.volume == 0 { 0.0 } else { 50.0 * area as f64 / bar.volume as f64 });
        }
        self.terms.mean()
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(EaseOfMovement::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // The middle rises by 3 a bar, the range is 4, the volume 6: 100·3·4/6 = 200.
        let mut bars: Vec<Bar> = (0..15).map(|k| 3 * k).map(|c| ohlcv(c, c + 2, c - 2, c, 6)).collect();
        assert!(last(EaseOfMovement::default(), &bars[..14]).is_nan());
        assert_eq!(last(EaseOfMovement::default(), &bars), 200.0);
        bars.push(ohlcv(99, 99, 90, 99, 0));
        assert_eq!(last(EaseOfMovement::default(), &bars), 200.0 * 13.0 / 14.0);
    }
}
