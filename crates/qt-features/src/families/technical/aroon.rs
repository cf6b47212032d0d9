//! Aroon oscillator of Chande: how long ago the extremes were.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 193,
    name: "aroon_osc_25",
    definition: "100·(bars since LL − bars since HH)/25 over 26 bars; the most recent extreme on ties",
    window: Window::Bars(26),
    range: (-100.0, 100.0),
    kind: Kind::Integer,
    warmup: Warmup::Items(26),
    swap_sides: Symmetry::Moves,
    source: "Chande 1995; TA-Lib AROONOSC",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct Aroon(Last<(i32, i32), 26>);

impl Rule for Aroon {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push((bar.low, bar.high));
        if !self.0.full() {
            return f64::NAN;
        }
        let (mut low, mut high) = ((bar.low, 0), (bar.high, 0));
        for k in 1..26i32 {
            if let Some((l, h)) = self.0.back(k as usize) {
                low = if l < low.0 { (l, k) } else { low };
                high = if h > high.0 { (h, k) } else { high };
            }
        }
        f64::from(4 * (low.1 - high.1))
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Aroon::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{bar, closes, falling, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "aroon_osc_25", &rising(26)), 100.0);
        assert_eq!(last(SPECS, build, "aroon_osc_25", &falling(40)), -100.0);
        assert_eq!(last(SPECS, build, "aroon_osc_25", &closes([5; 30])), 0.0);
        // High 3 bars ago, low 10 bars ago.
        let mut bars = vec![bar(5, 5, 5); 30];
        bars[26].high = 6;
        bars[19].low = 4;
        assert_eq!(last(SPECS, build, "aroon_osc_25", &bars), 28.0);
    }
}
