//! Order of three exponential averages.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 183,
    name: "ema_alignment",
    definition: "+1 if EMA9>EMA20>EMA50, −1 if EMA9<EMA20<EMA50, else 0",
    window: Window::Bars(50),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    warmup: Warmup::Items(50),
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "project design: trend regime",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct EmaAlignment([Ema; 3]);

impl Rule for EmaAlignment {
    fn close(&mut self, bar: &Bar) -> f64 {
        for ema in &mut self.0 {
            ema.push(f64::from(bar.close));
        }
        let [fast, middle, slow] = self.0.each_ref().map(Ema::value);
        if slow.is_nan() {
            f64::NAN
        } else {
            f64::from(i8::from(fast > middle && middle > slow) - i8::from(fast < middle && middle < slow))
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(EmaAlignment([9, 20, 50].map(Ema::new)), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, falling, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "ema_alignment", &rising(50)), 1.0);
        assert_eq!(last(SPECS, build, "ema_alignment", &falling(50)), -1.0);
        assert_eq!(last(SPECS, build, "ema_alignment", &closes([7; 60])), 0.0);
        // One fall after a rise: only the fastest average turns.
        let turned: Vec<_> = rising(50).into_iter().chain(closes([60])).collect();
        assert_eq!(last(SPECS, build, "ema_alignment", &turned), 0.0);
    }
}
