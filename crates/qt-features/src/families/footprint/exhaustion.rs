//! Exhaustion: aggressors dry up at the extreme.

use qt_flow::detect::DetectorSettings;

use super::{flag, held};
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 83,
        name: "fp_exhaustion_high",
        definition: "1 if b(H) > 0 and b(H) ≤ b(H−2 ticks)/3 (threshold exhaustion_factor) in the last closed 5 min bar, else 0",
        range: (0.0, 1.0),
        kind: Kind::Flag,
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 84,
        name: "fp_exhaustion_low",
        definition: "1 if s(L) > 0 and s(L) ≤ s(L+2 ticks)/3 (threshold exhaustion_factor) in the last closed 5 min bar, else 0",
        range: (0.0, 1.0),
        kind: Kind::Flag,
        ..Spec::FOOTPRINT
    },
];

pub(super) fn high(f: &Footprint, s: &DetectorSettings) -> bool {
    let top = i64::from(f.bar.high);
    let buy = f.at(top).buy;
    buy > 0 && s.exhaustion_factor * buy as f64 <= f.at(top - 2).buy as f64
}

pub(super) fn low(f: &Footprint, s: &DetectorSettings) -> bool {
    let bottom = i64::from(f.bar.low);
    let sell = f.at(bottom).sell;
    sell > 0 && s.exhaustion_factor * sell as f64 <= f.at(bottom + 2).sell as f64
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(setup, if spec.name == SPECS[0].name { |f, s| flag(high(f, s)) } else { |f, s| flag(low(f, s)) })
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, mirrored, value};

    #[test]
    fn by_hand() {
        for (rows, expected) in [
            (&[(104, 4, 9), (103, 1, 0), (102, 12, 0)][..], 1.0), // 4 ≤ 12/3
            (&[(104, 4, 9), (103, 99, 0), (102, 11, 0)], 0.0),
            (&[(104, 0, 9), (103, 1, 0), (102, 12, 0)], 0.0), // nobody bought at the high
            (&[(104, 4, 0), (103, 12, 0)], 0.0),              // no row two ticks lower
        ] {
            assert_eq!(value("fp_exhaustion_high", &footprint(rows, 103)), expected);
            assert_eq!(value("fp_exhaustion_low", &footprint(&mirrored(rows), -103)), expected);
        }
        assert_eq!(value("fp_exhaustion_high", &empty()), 0.0);
        assert_eq!(value("fp_exhaustion_low", &empty()), 0.0);
    }
}
