//! Slope of an exponential average, in average true ranges per bar.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 184,
    name: "ema20_slope_5",
    definition: "(EMA20−EMA20[−5])/(5·ATR14)",
    window: Window::Bars(25),
    unit: "1/bar",
    warmup: Warmup::Items(25),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U7",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct EmaSlope {
    ema: Ema,
    last: Last<f64, 6>,
}

impl Rule for EmaSlope {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.ema.push(f64::from(bar.close));
        self.last.push(self.ema.value());
        self.last.back(5).map_or(f64::NAN, |before| (self.ema.value() - before) / 5.0)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held_in_atr(EmaSlope { ema: Ema::new(20), last: Last::default() }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        assert!((last(SPECS, build, "ema20_slope_5", &rising(25)) - 0.5).abs() < 1e-14);
    }
}
