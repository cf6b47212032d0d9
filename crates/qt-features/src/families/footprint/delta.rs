//! Delta of the last footprint, and how far it ran on either side.

use super::held;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 71,
        name: "fp_delta",
        definition: "(B−S)/(B+S) of the last closed 5 min bar; 0 where nobody was an aggressor",
        range: (-1.0, 1.0),
        zero: Zero::Zero,
        swap_sides: Symmetry::Moves,
        source: "standard",
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 72,
        name: "fp_delta_max",
        definition: "max over the last closed 5 min bar of the running B−S, which starts at 0, / V; unsigned volume counts in V",
        range: (0.0, 1.0),
        zero: Zero::Zero,
        update: "U2",
        source: "standard",
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 73,
        name: "fp_delta_min",
        definition: "min over the last closed 5 min bar of the running B−S, which starts at 0, / V; unsigned volume counts in V",
        range: (-1.0, 0.0),
        zero: Zero::Zero,
        update: "U2",
        source: "standard",
        ..Spec::FOOTPRINT
    },
];

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(
        setup,
        match spec.name {
            "fp_delta" => |f, _| ratio_or_zero(f.delta(), f.buy + f.sell),
            "fp_delta_max" => |f, _| ratio_or_zero(f.delta_max, f.bar.volume),
            _ => |f, _| ratio_or_zero(f.delta_min, f.bar.volume),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, mirrored, value};

    #[test]
    fn by_hand() {
        // In the order of the prints: +6, −14, +10 and at last −2 at 99; running 6, −8, 2, 0.
        let rows = [(100, 6, 0), (99, 0, 2), (98, 0, 14), (101, 10, 0)];
        let f = footprint(&rows, 99);
        assert_eq!(value("fp_delta", &f), 0.0);
        assert_eq!(value("fp_delta_max", &f), 6.0 / 32.0);
        assert_eq!(value("fp_delta_min", &f), -8.0 / 32.0);
        assert_eq!(value("fp_delta", &footprint(&[(100, 9, 3)], 100)), 0.5);
        for name in ["fp_delta", "fp_delta_max", "fp_delta_min"] {
            assert_eq!(value(name, &empty()), 0.0);
        }
        let m = footprint(&mirrored(&rows), -99);
        assert_eq!(value("fp_delta_max", &m), -value("fp_delta_min", &f));
        assert_eq!(value("fp_delta_min", &m), -value("fp_delta_max", &f));
    }
}
