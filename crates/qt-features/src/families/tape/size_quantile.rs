//! Quantiles of trade sizes.

use qt_flow::contents::{Contents, part};

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Time(5 * MINUTE),
        unit: "contracts",
        range: (1.0, f64::INFINITY),
        kind: Kind::Integer,
        warmup: Warmup::Time(5 * MINUTE),
        zero: Zero::Nan,
        scale_sizes: Symmetry::Moves,
        update: "U12",
        ..Spec::TAPE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(47, "trade_size_median_5m", "lower median of q in the window"),
    spec(50, "trade_size_p95_5m", "smallest q with at least 95 % of the window's trades at or below it"),
];

/// The size that `percent` of the trades, rounded up to whole trades, are at or below.
fn quantile(contents: &Contents, percent: u64) -> f64 {
    let n = u64::from(contents.sizes.len());
    if n == 0 {
        return f64::NAN;
    }
    f64::from(contents.sizes.select(((percent * n).div_ceil(100) - 1) as u32))
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let median = spec.name == SPECS[0].name;
    super::contents::build(spec, setup, part::SIZES, if median { |c| quantile(c, 50) } else { |c| quantile(c, 95) })
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [print(9, 1), print(300, 0), print(1, -1), print(2, -1)];
        assert_eq!(values(SPECS, build, &prints), [[2.0, 2.0], [300.0, 2.0]]);
        let twenty: Vec<Print> = (1..=20).map(|q| print(q * q, 1)).collect();
        assert_eq!(values(SPECS, build, &twenty), [[100.0, 400.0], [361.0, 400.0]]);
        assert!(values(SPECS, build, &[])[1][0].is_nan());
    }
}
