//! Concentration of aggression in brokers.

use qt_flow::contents::part;

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 70,
    name: "agent_concentration_5m",
    definition: "Σ(share)², share = a broker's part of the window's signed volume whose aggressor's broker is known; NaN \
                 without such volume",
    window: Window::Time(5 * MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Nan,
    source: "Herfindahl",
    ..Spec::TAPE
}];

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    super::contents::build(spec, setup, part::BROKERS, |c| c.brokers.concentration())
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [(3, 5, 1), (85, 4, -1), (3, 3, -1), (0, 50, 1), (-2, 8, 1)]
            .map(|(broker, q, side)| Print { broker, ..print(q, side) });
        assert_eq!(values(SPECS, build, &prints), [[0.36, 1.0]]); // (64 + 16 + 64) / 400
        assert!(values(SPECS, build, &[print(5, 1)])[0][0].is_nan());
    }
}
