//! Unfinished auction: both sides printed at the extreme row, so that price may come back to it.

use super::{flag, held};
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 85,
        name: "fp_unfinished_high",
        definition: "1 if both b > 0 and s > 0 at row H of the last closed 5 min bar, else 0",
        range: (0.0, 1.0),
        kind: Kind::Flag,
        source: "auction theory",
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 86,
        name: "fp_unfinished_low",
        definition: "1 if both b > 0 and s > 0 at row L of the last closed 5 min bar, else 0",
        range: (0.0, 1.0),
        kind: Kind::Flag,
        source: "auction theory",
        ..Spec::FOOTPRINT
    },
];

fn two_sided(f: &Footprint, px: i32) -> f64 {
    let row = f.at(px.into());
    flag(row.buy > 0 && row.sell > 0)
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(
        setup,
        if spec.name == SPECS[0].name { |f, _| two_sided(f, f.bar.high) } else { |f, _| two_sided(f, f.bar.low) },
    )
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, value};

    #[test]
    fn by_hand() {
        let f = footprint(&[(102, 7, 1), (101, 3, 3), (100, 0, 9)], 101);
        assert_eq!((value("fp_unfinished_high", &f), value("fp_unfinished_low", &f)), (1.0, 0.0));
        let f = footprint(&[(102, 7, 0), (100, 2, 9)], 100);
        assert_eq!((value("fp_unfinished_high", &f), value("fp_unfinished_low", &f)), (0.0, 1.0));
        let f = empty();
        assert_eq!((value("fp_unfinished_high", &f), value("fp_unfinished_low", &f)), (0.0, 0.0));
    }
}
