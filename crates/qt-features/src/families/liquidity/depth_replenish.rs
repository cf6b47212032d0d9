//! How fast the book refills: what is added near the touch against what is removed there.

use super::WINDOW;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 105,
    name: "depth_replenish_10s",
    definition: "added / removed volume; added = increases of displayed size by records outside snapshots at rows among the best 5 occupied levels of their side after the packet; removed = decreases, traded or cancelled, at rows among the best 5 before it",
    window: Window::Time(10 * SECOND),
    warmup: Warmup::Time(10 * SECOND),
    source: "resilience, Large 2007",
    ..WINDOW
}];

struct DepthReplenish {
    added: WindowId,
    removed: WindowId,
}

impl Feature for DepthReplenish {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.good_levels().is_none() {
            return f64::NAN;
        }
        ratio_or_nan(flow.added.sum(self.added), flow.removed.sum(self.removed))
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK | cause::EXIT);
    let removed = setup.flow.removed_window(spec.window_ns());
    Box::new(DepthReplenish { added: setup.flow.added.window(spec.window_ns()), removed })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{book, level, values};

    #[test]
    fn by_hand() {
        let bids = [(100, 9), (99, 9), (98, 9), (97, 9), (96, 9), (95, 9)];
        let packets = [
            (0, book(&bids, &[(101, 9)])),     // adds 54; bid 95 is the sixth level
            (1_000, vec![level(1, 95, 20)]),   // still the sixth
            (2_000, vec![level(1, 100, 0)]),   // removes 9; bid 95 scrolls in
            (3_000, vec![level(1, 95, 4)]),    // removes 16
            (4_000, vec![level(1, 100, 7)]),   // adds 7; bid 95 scrolls out
            (10_000, vec![level(1, 95, 1)]),   // sixth again; what was added at 0 is out
            (12_000, vec![level(-1, 102, 1)]), // adds 1; 9 of the removed are out
            (13_500, vec![level(-1, 101, 0)]), // removes 9
            (13_500, vec![level(1, 101, 5)]),  // adds 5
        ];
        let got = values("depth_replenish_10s", &packets);
        assert!(got[0].is_nan() && got[1].is_nan());
        let expected = [54.0 / 9.0, 54.0 / 25.0, 61.0 / 25.0, 7.0 / 25.0, 8.0 / 16.0, 8.0 / 9.0, 13.0 / 9.0];
        assert_eq!(got[2..], expected);
    }
}
