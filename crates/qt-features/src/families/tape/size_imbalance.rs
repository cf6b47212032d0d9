//! Trade imbalance of large and of small trades.

use qt_flow::contents::{Contents, part};

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Time(5 * MINUTE),
        range: (-1.0, 1.0),
        warmup: Warmup::Time(5 * MINUTE),
        zero: Zero::Zero,
        swap_sides: Symmetry::Moves,
        scale_sizes: Symmetry::Open,
        ..Spec::TAPE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(57, "large_trade_imb_5m", "(B−S)/(B+S) of the window's trades of q ≥ 50"),
    spec(58, "small_trade_imb_5m", "(B−S)/(B+S) of the window's trades of q < 20"),
];

fn imbalance<const FROM: usize, const TO: usize>(contents: &Contents) -> f64 {
    let c = &contents.classes;
    ratio_or_zero(c.net[FROM..TO].iter().sum(), c.gross[FROM..TO].iter().sum())
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let large = spec.name == SPECS[0].name;
    super::contents::build(spec, setup, part::CLASSES, if large { imbalance::<3, 5> } else { imbalance::<0, 2> })
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints =
            [(19, 1), (20, 1), (49, -1), (50, -1), (150, 1), (500, 0), (1, -1)].map(|(q, side)| print(q, side));
        assert_eq!(values(SPECS, build, &prints), [[0.5, 0.0], [0.9, -1.0]]);
        assert_eq!(values(SPECS, build, &[print(70, 0)]), [[0.0; 2]; 2]);
    }
}
