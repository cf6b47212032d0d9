//! Momentum oscillator of Chande, with Wilder averages.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 218,
    name: "cmo_14",
    definition: "100·(u−d)/(u+d), Wilder averages of the rises and falls of C over 14 changes, as in rsi_14",
    window: Window::Bars(15),
    range: (-100.0, 100.0),
    warmup: Warmup::Items(15),
    zero: Zero::Zero,
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "Chande; TA-Lib CMO",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct ChandeMomentum {
    close: Option<i32>,
    up: Wilder,
    down: Wilder,
}

impl Rule for ChandeMomentum {
    fn close(&mut self, bar: &Bar) -> f64 {
        let Some(before) = self.close.replace(bar.close) else { return f64::NAN };
        let change = (i64::from(bar.close) - i64::from(before)) as f64;
        self.up.push(change.max(0.0));
        self.down.push((-change).max(0.0));
        let (up, down) = (self.up.value(), self.down.value());
        if up + down == 0.0 { 0.0 } else { 100.0 * ((up - down) / (up + down)) }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(ChandeMomentum { close: None, up: Wilder::new(14), down: Wilder::new(14) }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, falling, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "cmo_14", &rising(15)), 100.0);
        assert_eq!(last(SPECS, build, "cmo_14", &falling(15)), -100.0);
        assert_eq!(last(SPECS, build, "cmo_14", &closes([7; 15])), 0.0);
        // 7 rises of 2, 7 falls of 1.
        let zigzag = closes((0..15).map(|k| 100 + (k / 2) + 2 * (k % 2)));
        assert!((last(SPECS, build, "cmo_14", &zigzag) - 100.0 / 3.0).abs() < 1e-12);
    }
}
