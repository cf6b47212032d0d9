//! Diagonal imbalances: rows where one side took far more than the other side did one tick further on.

use qt_flow::PriceRow;
use qt_flow::detect::DetectorSettings;

use super::held;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 77,
        name: "fp_buy_imb_count",
        definition: "# rows k of the last closed 5 min bar with b(k) ≥ 10 and b(k) ≥ 3·max(s(k−1 tick), 1) (thresholds imbalance_*); rows beyond the range are empty",
        scale_sizes: Symmetry::Open,
        unit: "rows",
        range: POSITIVE,
        kind: Kind::Integer,
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 78,
        name: "fp_sell_imb_count",
        definition: "# rows k of the last closed 5 min bar with s(k) ≥ 10 and s(k) ≥ 3·max(b(k+1 tick), 1) (thresholds imbalance_*); rows beyond the range are empty",
        scale_sizes: Symmetry::Open,
        unit: "rows",
        range: POSITIVE,
        kind: Kind::Integer,
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 79,
        name: "fp_stacked_buy",
        definition: "longest run of vertically adjacent rows with a buy imbalance (fp_buy_imb_count) in the last closed 5 min bar",
        scale_sizes: Symmetry::Open,
        unit: "rows",
        range: POSITIVE,
        kind: Kind::Integer,
        ..Spec::FOOTPRINT
    },
    Spec {
        number: 80,
        name: "fp_stacked_sell",
        definition: "longest run of vertically adjacent rows with a sell imbalance (fp_sell_imb_count) in the last closed 5 min bar",
        scale_sizes: Symmetry::Open,
        unit: "rows",
        range: POSITIVE,
        kind: Kind::Integer,
        ..Spec::FOOTPRINT
    },
];

/// How many rows have an imbalance, and how many of them lie side by side at most.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Imbalances {
    pub(super) count: i64,
    pub(super) longest: i64,
}

/// Rows with a buy imbalance.
pub(super) fn buys(footprint: &Footprint, s: &DetectorSettings) -> Imbalances {
    find(footprint.rows().iter(), |row| row.buy, |row| row.sell, s)
}

/// Rows with a sell imbalance.
pub(super) fn sells(footprint: &Footprint, s: &DetectorSettings) -> Imbalances {
    find(footprint.rows().iter().rev(), |row| row.sell, |row| row.buy, s)
}

/// Walks the rows so that the diagonal opposite of each is in the row before it.
fn find<'a>(
    rows: impl Iterator<Item = &'a PriceRow>,
    own: fn(&PriceRow) -> i64,
    opposite: fn(&PriceRow) -> i64,
    s: &DetectorSettings,
) -> Imbalances {
    let mut found = Imbalances::default();
    let mut run = 0;
    let mut before: Option<&PriceRow> = None;
    for row in rows {
        let neighbour = before.filter(|b| b.px.abs_diff(row.px) == 1);
        let against = neighbour.map_or(0, opposite).max(1);
        if neighbour.is_none() {
            run = 0;
        }
        if own(row) >= s.imbalance_min && own(row) as f64 >= s.imbalance_times * against as f64 {
            run += 1;
            found.count += 1;
            found.longest = found.longest.max(run);
        } else {
            run = 0;
        }
        before = Some(row);
    }
    found
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(
        setup,
        match spec.name {
            "fp_buy_imb_count" => |f, s| buys(f, s).count as f64,
            "fp_sell_imb_count" => |f, s| sells(f, s).count as f64,
            "fp_stacked_buy" => |f, s| buys(f, s).longest as f64,
            _ => |f, s| sells(f, s).longest as f64,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::drawn::{empty, footprint, mirrored, value};

    #[test]
    fn by_hand() {
        let rows = [
            (106, 10, 0), // 105 is empty: 10 ≥ 3·max(0, 1), alone
            (104, 15, 2), // 15 ≥ 3·5: imbalance
            (103, 12, 5), // 12 ≥ 3·4: imbalance
            (102, 30, 4), // 30 < 3·11: none
            (101, 9, 11), // fewer than 10: none
            (100, 40, 0), // 40 ≥ 3·13: imbalance
            (99, 10, 13), // nothing below: imbalance
        ];
        let f = footprint(&rows, 103);
        assert_eq!(value("fp_buy_imb_count", &f), 5.0);
        assert_eq!(value("fp_stacked_buy", &f), 2.0);
        // Sold 13 at 99 against 40 at 100, 11 at 101 against 30 at 102, the others fewer than 10.
        assert_eq!(value("fp_sell_imb_count", &f), 0.0);
        assert_eq!(value("fp_stacked_sell", &f), 0.0);
        let m = footprint(&mirrored(&rows), -103);
        assert_eq!(value("fp_sell_imb_count", &m), 5.0);
        assert_eq!(value("fp_stacked_sell", &m), 2.0);
        assert_eq!(value("fp_buy_imb_count", &m), 0.0);
        for name in ["fp_buy_imb_count", "fp_sell_imb_count", "fp_stacked_buy", "fp_stacked_sell"] {
            assert_eq!(value(name, &empty()), 0.0);
        }
    }
}
