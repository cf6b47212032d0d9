//! Probability of informed trading, fitted off the hot path.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 133,
    name: "pin_60",
    family: Family::Microstructure,
    definition: "αμ/(αμ+ε_b+ε_s), maximum likelihood of the Poisson mixture of Easley et al. on the bought and sold trade counts of 60 blocks of 5 min; the last value of the fitted series that may be used by t (`quantumtrader fit pin`); NaN without one",
    inputs: &[Input::T],
    window: Window::Time(300 * MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::State,
    reset: Reset::Book,
    swap_sides: Symmetry::Keeps,
    update: "slow lane",
    source: "Easley-Kiefer-O'Hara-Paperman 1996; Lin-Ke 2011 form",
    ..Spec::BOOK
}];

struct Pin {
    series: Vec<(i64, f64)>,
    /// Values whose time has come.
    passed: usize,
}

impl Feature for Pin {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        while self.series.get(self.passed).is_some_and(|(from, _)| *from <= t) {
            self.passed += 1;
        }
        self.passed.checked_sub(1).map_or(f64::NAN, |last| self.series[last].1)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    Box::new(Pin { series: std::mem::take(&mut setup.fitted.pin), passed: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_whose_time_has_come() {
        let mut flow = Flow::default();
        let mut setup = Setup::new(&mut flow);
        setup.fitted.pin = vec![(10, 0.2), (20, 0.3)];
        let mut pin = build(&SPECS[0], &mut setup);
        assert!(pin.value(&flow, 9).is_nan());
        assert_eq!([10, 19, 20, 99].map(|t| pin.value(&flow, t)), [0.2, 0.2, 0.3, 0.3]);
    }
}
