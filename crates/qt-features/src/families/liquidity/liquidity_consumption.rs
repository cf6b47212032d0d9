//! Traded volume in units of the depth near the touch.

use qt_flow::steps::Steps;

use super::WINDOW;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 106,
    name: "liquidity_consumption_1m",
    definition: "V / mean of bid_depth_5+ask_depth_5 over the window's time with a good touch, no further back than the session's start",
    window: Window::Time(MINUTE),
    warmup: Warmup::Time(MINUTE),
    source: "design documents",
    ..WINDOW
}];

struct LiquidityConsumption {
    traded: WindowId,
    depth: Steps,
    /// A session has started that `depth` does not know of yet.
    fresh: bool,
}

impl LiquidityConsumption {
    fn begin(&mut self, flow: &Flow) {
        if std::mem::take(&mut self.fresh) {
            self.depth.restart(flow.session.start);
        }
    }
}

impl Feature for LiquidityConsumption {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        self.begin(flow);
        if flow.good_levels().is_none() {
            return f64::NAN;
        }
        let shown = self.depth.area(t);
        if shown.area == 0 {
            return f64::NAN;
        }
        let volume = flow.tape.sums(self.traded).volume;
        float(i128::from(volume) * i128::from(shown.time)) / float(shown.area)
    }

    fn on_levels(&mut self, t: i64, flow: &Flow) {
        self.begin(flow);
        let shown = flow.depth().map(|[bid, ask]| bid.five + ask.five);
        self.depth.set(t, shown);
    }

    fn on_session(&mut self) {
        self.fresh = true;
    }

    fn on_roll(&mut self) {
        self.depth.clear();
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_ladder();
    setup.on_levels();
    let traded = setup.flow.tape.window(spec.window_ns());
    Box::new(LiquidityConsumption { traded, depth: Steps::new(spec.window_ns()), fresh: false })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{book, level, trade, values};

    #[test]
    fn by_hand() {
        let bids = [(100, 10), (99, 10), (98, 10), (97, 10), (96, 10), (95, 999)];
        let packets = [
            (0, book(&bids, &[(101, 10)])), // 60, the sixth level apart
            (10_000, vec![trade(101, 30, 1)]),
            (20_000, vec![level(-1, 101, 40)]),   // 90
            (40_000, vec![level(-1, 100, 1)]),    // locked
            (50_000, vec![level(-1, 100, 0)]),    // 90 again
            (65_000, vec![trade(101, 15, 0)]),    // window from 5 s on
        ];
        let got = values("liquidity_consumption_1m", &packets);
        assert!(got[0].is_nan(), "no time has passed");
        assert_eq!(got[1..3], [0.5, 0.5]);
        assert!(got[3].is_nan());
        assert_eq!(got[4], 30.0 / 75.0); // 20 s at 60, 20 s at 90
        assert_eq!(got[5], 45.0 * 50.0 / (15.0 * 60.0 + 35.0 * 90.0));
    }
}
