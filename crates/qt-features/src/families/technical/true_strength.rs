//! True strength index of Blau (1991).

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 216,
    name: "tsi_25_13",
    definition: "100·EMA13(EMA25 ΔC)/EMA13(EMA25 |ΔC|)",
    window: Window::Bars(38),
    range: (-100.0, 100.0),
    warmup: Warmup::Items(38),
    zero: Zero::Zero,
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "Blau 1991",
    ..Spec::TECHNICAL
}];

/// An exponential average of one.
#[derive(Clone)]
struct Double(Ema, Ema);

impl Double {
    fn new() -> Self {
        Self(Ema::new(25), Ema::new(13))
    }

    fn push(&mut self, x: f64) -> f64 {
        self.0.push(x);
        if !self.0.value().is_nan() {
            self.1.push(self.0.value());
        }
        self.1.value()
    }
}

#[derive(Clone)]
struct TrueStrength {
    close: Option<i32>,
    change: Double,
    size: Double,
}

impl Rule for TrueStrength {
    fn close(&mut self, bar: &Bar) -> f64 {
        let Some(before) = self.close.replace(bar.close) else { return f64::NAN };
        let change = (i64::from(bar.close) - i64::from(before)) as f64;
        let (net, gross) = (self.change.push(change), self.size.push(change.abs()));
        if gross == 0.0 { 0.0 } else { (100.0 * (net / gross)).clamp(-100.0, 100.0) }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(TrueStrength { close: None, change: Double::new(), size: Double::new() }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, falling, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "tsi_25_13", &rising(38)), 100.0);
        assert_eq!(last(SPECS, build, "tsi_25_13", &falling(60)), -100.0);
        assert_eq!(last(SPECS, build, "tsi_25_13", &closes([7; 38])), 0.0);
        // 37 rises of 1, then a fall of 1: EMA25 goes to 1 − 2·2/26, EMA13 to 1 − 2·2/26·2/14; |ΔC| stays 1.
        let bars = closes((100..138).chain([136]));
        assert!((last(SPECS, build, "tsi_25_13", &bars) - 100.0 * (1.0 - 8.0 / 364.0)).abs() < 1e-12);
    }
}
