//! Point of control and value area of the last footprint.

use super::held;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 74,
        name: "fp_poc_pos",
        definition: "(POC−L)/(H−L) of the last closed 5 min bar; POC and its ties as in the session profile",
        range: (0.0, 1.0),
        zero: Zero::Nan,
        source: "Steidlmayer",
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 75,
        name: "fp_poc_share",
        definition: "volume at the POC / V of the last closed 5 min bar",
        range: (0.0, 1.0),
        zero: Zero::Nan,
        swap_sides: Symmetry::Keeps,
        source: "Steidlmayer",
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 76,
        name: "fp_va_close_pos",
        definition: "(C−VAL)/(VAH−VAL), unclipped, of the last closed 5 min bar's own profile",
        zero: Zero::Nan,
        source: "Steidlmayer",
        ..Spec::FOOTPRINT
    },
];

fn position(x: i32, low: i32, high: i32) -> f64 {
    ratio_or_nan(i64::from(x) - i64::from(low), i64::from(high) - i64::from(low))
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(
        setup,
        match spec.name {
            "fp_poc_pos" => |f, _| f.poc().map_or(f64::NAN, |poc| position(poc.px, f.bar.low, f.bar.high)),
            "fp_poc_share" => |f, _| f.poc().map_or(f64::NAN, |poc| ratio_or_nan(poc.total, f.bar.volume)),
            _ => |f, _| f.area().map_or(f64::NAN, |area| position(f.bar.close, area.low, area.high)),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, value};

    #[test]
    fn by_hand() {
        // 50 in all, POC 101 with 20. 35 needed: above 9+4 = 13 < below 5+10 = 15, so the area is 99 to 101.
        let f = footprint(
            &[(100, 5, 0), (101, 12, 8), (102, 0, 9), (103, 4, 0), (99, 4, 6), (98, 1, 0), (97, 0, 1)],
            102,
        );
        assert_eq!(value("fp_poc_pos", &f), 4.0 / 6.0);
        assert_eq!(value("fp_poc_share", &f), 0.4);
        assert_eq!(value("fp_va_close_pos", &f), 1.5);
        let one_row = footprint(&[(100, 5, 1)], 100);
        assert!(value("fp_poc_pos", &one_row).is_nan());
        assert_eq!(value("fp_poc_share", &one_row), 1.0);
        assert!(value("fp_va_close_pos", &one_row).is_nan());
        for name in ["fp_poc_pos", "fp_poc_share", "fp_va_close_pos"] {
            assert!(value(name, &empty()).is_nan());
        }
    }
}
