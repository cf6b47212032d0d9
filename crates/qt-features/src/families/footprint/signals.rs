//! Footprint signals: a refused extreme, and imbalances that price follows.

use std::cmp::Ordering;

use qt_flow::detect::DetectorSettings;

use super::{exhaustion, held, imbalance, sign};
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 89,
        name: "fp_reversal_signal",
        definition: "−1 if (fp_absorption_high ≥ 2 or fp_exhaustion_high), C < (H+L)/2 and B < S; +1 if (fp_absorption_low ≥ 2 or fp_exhaustion_low), C > (H+L)/2 and B > S; else 0 (threshold absorption_bar_min)",
        range: (-1.0, 1.0),
        kind: Kind::Flag,
        swap_sides: Symmetry::Moves,
        update: "U3",
        source: "ours",
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 90,
        name: "fp_continuation_signal",
        definition: "+1 if fp_stacked_buy ≥ 3, C > POC and B > S; −1 if fp_stacked_sell ≥ 3, C < POC and B < S; else 0 (threshold imbalance_stacked)",
        range: (-1.0, 1.0),
        kind: Kind::Flag,
        scale_sizes: Symmetry::Open,
        update: "U3",
        source: "ours",
        ..Spec::FOOTPRINT
    },
];

fn reversal(f: &Footprint, s: &DetectorSettings) -> f64 {
    let absorbed = |(part, whole): (i128, i128)| part as f64 >= s.absorption_bar_min * whole as f64;
    let twice = 2 * i64::from(f.bar.close);
    let side = twice.cmp(&(i64::from(f.bar.high) + i64::from(f.bar.low)));
    let down = (absorbed(f.absorbed_high()) || exhaustion::high(f, s)) && side == Ordering::Less;
    let up = (absorbed(f.absorbed_low()) || exhaustion::low(f, s)) && side == Ordering::Greater;
    sign(up && f.delta() > 0, down && f.delta() < 0)
}

fn continuation(f: &Footprint, s: &DetectorSettings) -> f64 {
    let Some(poc) = f.poc() else { return 0.0 };
    let up = f.bar.close > poc.px && f.delta() > 0 && imbalance::buys(f, s).longest >= s.imbalance_stacked;
    let down = f.bar.close < poc.px && f.delta() < 0 && imbalance::sells(f, s).longest >= s.imbalance_stacked;
    sign(up, down)
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(setup, if spec.name == SPECS[0].name { reversal } else { continuation })
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, mirrored, value};

    #[test]
    fn reversal_by_hand() {
        // Five rows, 50 contracts, mean 10: (20 + 20)/(2·10) = 2.
        let absorbed = [(104, 20, 0), (103, 20, 0), (102, 0, 2), (101, 0, 3), (100, 0, 5)];
        assert_eq!(value("fp_absorption_high", &footprint(&absorbed, 101)), 2.0);
        assert_eq!(value("fp_reversal_signal", &footprint(&absorbed, 101)), 0.0); // bought 40, sold 10
        let exhausted = [(104, 1, 0), (103, 2, 0), (102, 3, 9), (101, 0, 3), (100, 0, 5)];
        for (close, expected) in [(101, -1.0), (102, 0.0), (103, 0.0)] {
            assert_eq!(value("fp_reversal_signal", &footprint(&exhausted, close)), expected);
            let m = footprint(&mirrored(&exhausted), -close);
            assert_eq!(value("fp_reversal_signal", &m), -expected);
        }
        // Nine rows, 84 contracts: 40·9/(2·84) = 2.14, and 44 sold.
        let absorbed = [(108, 20, 0), (107, 20, 0), (102, 0, 30), (101, 0, 4), (100, 0, 10)];
        assert_eq!(value("fp_absorption_high", &footprint(&absorbed, 101)), 360.0 / 168.0);
        assert_eq!(value("fp_reversal_signal", &footprint(&absorbed, 101)), -1.0);
        assert_eq!(value("fp_reversal_signal", &empty()), 0.0);
    }

    #[test]
    fn continuation_by_hand() {
        let stacked = [(104, 5, 0), (103, 10, 0), (102, 11, 0), (101, 12, 0), (100, 0, 3)];
        assert_eq!(value("fp_stacked_buy", &footprint(&stacked, 103)), 3.0);
        for (close, expected) in [(103, 1.0), (102, 1.0), (101, 0.0), (100, 0.0)] {
            let f = footprint(&stacked, close);
            assert_eq!(value("fp_continuation_signal", &f), expected);
            let m = footprint(&mirrored(&stacked), -close);
            assert_eq!(value("fp_continuation_signal", &m), -expected);
        }
        // More was sold than bought, at 106.
        let sold = [(106, 0, 60), (103, 10, 0), (102, 11, 0), (101, 12, 0)];
        assert_eq!(value("fp_continuation_signal", &footprint(&sold, 103)), 0.0);
        assert_eq!(value("fp_continuation_signal", &empty()), 0.0);
    }
}
