//! How much of what is offered near the touch is taken back.

use super::WINDOW;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 107,
    name: "cancel_ratio_1m",
    definition: "cancelled / added volume; both at the best 5 levels as in depth_replenish_10s; removals within 50 ms of prints at that price and side are trades, the rest was cancelled",
    window: Window::Time(MINUTE),
    warmup: Warmup::Time(MINUTE),
    ..WINDOW
}];

struct CancelRatio(WindowId);

impl Feature for CancelRatio {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.good_levels().is_none() {
            return f64::NAN;
        }
        ratio_or_nan(flow.removed.cancelled(), flow.added.sum(self.0))
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::BOOK | cause::EXIT);
    setup.flow.want_cancelled();
    Box::new(CancelRatio(setup.flow.added.window(spec.window_ns())))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{book, level, trade, values};

    #[test]
    fn by_hand() {
        let packets = [
            (0, book(&[(100, 10), (99, 10)], &[(101, 20)])), // adds 40
            (100, vec![trade(100, 4, -1)]),
            (150, vec![level(1, 100, 5)]),   // 5 gone, 4 of them sold 50 ms ago
            (200, vec![level(-1, 101, 12)]), // 8 gone
            (201, vec![trade(101, 6, 1)]),   // 6 of them bought
            (300, vec![level(1, 99, 0)]),    // 10 gone
            (60_000, vec![level(1, 98, 2)]), // adds 2; the first 40 are out
        ];
        let got = values("cancel_ratio_1m", &packets);
        assert_eq!(got, [0.0, 0.0, 1.0 / 40.0, 9.0 / 40.0, 3.0 / 40.0, 13.0 / 40.0, 13.0 / 2.0]);
    }
}
