//! Share of volume that trades of a size make.

use qt_flow::contents::{Contents, part};

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Time(5 * MINUTE),
        range: (0.0, 1.0),
        warmup: Warmup::Time(5 * MINUTE),
        zero: Zero::Zero,
        scale_sizes: Symmetry::Open,
        source: "design documents",
        ..Spec::TAPE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(53, "small_trade_ratio_5m", "share of V in trades of q < 20"),
    spec(54, "medium_trade_ratio_5m", "share of V in trades of 20 ≤ q < 50"),
    spec(55, "flow_large_trade_ratio", "share of V in trades of q ≥ 50"),
    spec(56, "whale_trade_ratio_5m", "share of V in trades of q ≥ 100"),
];

fn share<const FROM: usize, const TO: usize>(contents: &Contents) -> f64 {
    let volume = &contents.classes.volume;
    ratio_or_zero(volume[FROM..TO].iter().sum(), volume.iter().sum())
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let compute = match spec.number {
        53 => share::<0, 2>,
        54 => share::<2, 3>,
        55 => share::<3, 5>,
        _ => share::<4, 5>,
    };
    super::contents::build(spec, setup, part::CLASSES, compute)
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [4, 19, 20, 49, 50, 99, 100, 159].map(|q| print(q, 0));
        let expected =
            [[23.0 / 500.0, 0.0], [69.0 / 500.0, 0.0], [408.0 / 500.0, 1.0], [259.0 / 500.0, 1.0]];
        assert_eq!(values(SPECS, build, &prints), expected);
        assert_eq!(values(SPECS, build, &[]), [[0.0; 2]; 4]);
    }
}
