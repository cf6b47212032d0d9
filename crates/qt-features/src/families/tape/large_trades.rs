//! Number of large trades.

use qt_flow::contents::{LARGE, part};

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 59,
    name: "large_trade_count_5m",
    definition: "trades of q ≥ 50 in the window, signed or not",
    window: Window::Time(5 * MINUTE),
    unit: "trades",
    range: POSITIVE,
    kind: Kind::Integer,
    warmup: Warmup::Time(5 * MINUTE),
    scale_sizes: Symmetry::Open,
    ..Spec::TAPE
}];

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    super::contents::build(spec, setup, part::CLASSES, |c| c.classes.count[LARGE..].iter().sum::<i64>() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [print(49, 1), print(50, 1), print(99, 0), print(100, -1), print(1, -1)];
        assert_eq!(values(SPECS, build, &prints), [[3.0, 0.0]]);
    }
}
