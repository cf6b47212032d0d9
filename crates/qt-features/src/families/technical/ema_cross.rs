//! Fast against slow exponential average, in average true ranges.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, slow: u32, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Bars(slow),
        warmup: Warmup::Items(slow),
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        update: "U7",
        ..Spec::TECHNICAL
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(180, "ema_cross_9_20", 20, "(EMA9−EMA20)/ATR14"),
    spec(181, "ema_cross_20_50", 50, "(EMA20−EMA50)/ATR14"),
    spec(182, "ema_cross_50_200", 200, "(EMA50−EMA200)/ATR14"),
];

#[derive(Clone)]
struct EmaCross {
    fast: Ema,
    slow: Ema,
}

impl Rule for EmaCross {
    fn close(&mut self, bar: &Bar) -> f64 {
        let close = f64::from(bar.close);
        self.fast.push(close);
        self.slow.push(close);
        self.fast.value() - self.slow.value()
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let (fast, slow) = match spec.name {
        "ema_cross_9_20" => (9, 20),
        "ema_cross_20_50" => (20, 50),
        _ => (50, 200),
    };
    held_in_atr(EmaCross { fast: Ema::new(fast), slow: Ema::new(slow) }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        // On a line of slope 1 the average over n lags (n−1)/2 behind; every true range is 2.
        assert!((last(SPECS, build, "ema_cross_9_20", &rising(20)) - 2.75).abs() < 1e-14);
        assert!((last(SPECS, build, "ema_cross_20_50", &rising(50)) - 7.5).abs() < 1e-13);
        assert!((last(SPECS, build, "ema_cross_50_200", &rising(200)) - 37.5).abs() < 1e-12);
    }
}
