//! Spread and skewness of trade sizes.

use qt_flow::contents::part;

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Time(5 * MINUTE),
        warmup: Warmup::Time(5 * MINUTE),
        zero: Zero::Nan,
        update: "U6",
        ..Spec::TAPE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        unit: "contracts",
        range: POSITIVE,
        scale_sizes: Symmetry::Moves,
        ..spec(48, "trade_size_std_5m", "population standard deviation of q in the window; NaN without a trade")
    },
    spec(49, "trade_size_skew_5m", "m₃/m₂^1.5 of q in the window (population); NaN while all sizes are equal"),
];

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let deviation = spec.name == SPECS[0].name;
    super::contents::build(
        spec,
        setup,
        part::POWERS,
        if deviation { |c| c.powers.deviation() } else { |c| c.powers.skewness() },
    )
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [print(8, 1), print(2, 0), print(1, -1), print(1, -1)];
        let v = values(SPECS, build, &prints);
        // mean 3: deviations 5, −1, −2, −2: variance 34/4, third moment 108/4
        assert_eq!(v[0], [8.5f64.sqrt(), 0.0]);
        assert!((v[1][0] - 27.0 / 8.5f64.powf(1.5)).abs() < 1e-15 && v[1][1].is_nan());
        assert!(values(SPECS, build, &[])[0][0].is_nan());
    }
}
