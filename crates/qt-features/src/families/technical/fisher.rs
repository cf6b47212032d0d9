//! Fisher transform of the place in the range, of Ehlers (2002).

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 221,
    name: "fisher_10",
    definition: "F ← ½·ln((1+v)/(1−v)) + ½·F, v ← 0.33·p + 0.67·v clipped to ±0.999, p = 2·(hl2−min)/(max−min) − 1 over \
                 the hl2 of 10 bars, 0 where max = min; v and F are 0 before bar 10",
    window: Window::Bars(10),
    warmup: Warmup::Items(10),
    zero: Zero::Zero,
    swap_sides: Symmetry::Moves,
    source: "Ehlers 2002",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct Fisher {
    /// H + L.
    prices: Last<i64, 10>,
    smoothed: f64,
    value: f64,
}

impl Rule for Fisher {
    fn close(&mut self, bar: &Bar) -> f64 {
        let price = i64::from(bar.high) + i64::from(bar.low);
        self.prices.push(price);
        if !self.prices.full() {
            return f64::NAN;
        }
        let (min, max) =
            self.prices.values().iter().fold((price, price), |(min, max), x| (min.min(*x), max.max(*x)));
        let place = ratio_or_zero(2 * price - min - max, max - min);
        self.smoothed = (0.33 * place + 0.67 * self.smoothed).clamp(-0.999, 0.999);
        self.value = 0.5 * ((1.0 + self.smoothed) / (1.0 - self.smoothed)).ln() + 0.5 * self.value;
        self.value
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Fisher::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, falling, last, rising};

    #[test]
    fn by_hand() {
        let first = 0.5 * (1.33f64 / 0.67).ln();
        let second = 0.5 * ((1.0 + 0.5511) / (1.0 - 0.5511f64)).ln() + 0.5 * first;
        assert!((last(SPECS, build, "fisher_10", &rising(10)) - first).abs() < 1e-14);
        assert!((last(SPECS, build, "fisher_10", &rising(11)) - second).abs() < 1e-14);
        assert!((last(SPECS, build, "fisher_10", &falling(11)) + second).abs() < 1e-14);
        // Always at the top: v stays at 0.999, F tends to ln 1999.
        assert!((last(SPECS, build, "fisher_10", &rising(200)) - 1999f64.ln()).abs() < 1e-9);
        assert_eq!(last(SPECS, build, "fisher_10", &closes([5; 10])), 0.0);
    }
}
