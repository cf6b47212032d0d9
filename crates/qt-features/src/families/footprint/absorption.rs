//! Absorption: heavy volume of aggressors at an extreme that price then left.

use super::held;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 81,
        name: "fp_absorption_high",
        definition: "(b(H)+b(H−1 tick))/(2·mean row volume) of the last closed 5 min bar if C ≤ H−2 ticks, else 0; mean over every row from L to H, empty ones too: V·tick/(H−L+tick)",
        range: POSITIVE,
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 82,
        name: "fp_absorption_low",
        definition: "(s(L)+s(L+1 tick))/(2·mean row volume) of the last closed 5 min bar if C ≥ L+2 ticks, else 0; mean over every row from L to H, empty ones too: V·tick/(H−L+tick)",
        range: POSITIVE,
        ..Spec::FOOTPRINT
    },
];

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(
        setup,
        if spec.name == SPECS[0].name {
            |f, _| {
                let (part, whole) = f.absorbed_high();
                part as f64 / whole as f64
            }
        } else {
            |f, _| {
                let (part, whole) = f.absorbed_low();
                part as f64 / whole as f64
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, mirrored, value};

    #[test]
    fn by_hand() {
        // Five rows from 100 to 104, 101 empty, 60 contracts: mean 12. (20 + 16)/(2·12)
        let rows = [(104, 20, 3), (103, 16, 1), (102, 5, 5), (100, 4, 6)];
        let f = footprint(&rows, 102);
        assert_eq!(value("fp_absorption_high", &f), 1.5);
        assert_eq!(value("fp_absorption_low", &f), 6.0 / 24.0);
        assert_eq!(value("fp_absorption_high", &footprint(&rows, 103)), 0.0);
        assert_eq!(value("fp_absorption_low", &footprint(&rows, 100)), 0.0);
        assert_eq!(value("fp_absorption_low", &footprint(&mirrored(&rows), -102)), 1.5);
        assert_eq!(value("fp_absorption_high", &empty()), 0.0);
        assert_eq!(value("fp_absorption_low", &empty()), 0.0);
    }
}
