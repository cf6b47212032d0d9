//! Concentration of volume in single trades.

use qt_flow::contents::part;

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 52,
    name: "trade_size_hhi_1m",
    definition: "Σ(q/V)² over the window's trades = Σq²/V²",
    window: Window::Time(MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    source: "Herfindahl",
    ..Spec::TAPE
}];

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    super::contents::build(spec, setup, part::POWERS, |c| c.powers.concentration())
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [print(1, 1), print(2, 0), print(2, -1)];
        assert_eq!(values(SPECS, build, &prints), [[9.0 / 25.0, 1.0]]);
        assert!(values(SPECS, build, &[])[0][0].is_nan());
    }
}
