//! Depth, spread and cost of the book against what is usual, as one score.

use super::impact::cost_and_reach;
use super::{STATE, WINDOW};
use crate::prelude::*;
use qt_flow::levels::Edit;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 104,
    name: "liquidity_score",
    definition: "100·(0.4·D/(D+D̄) + 0.3/spread_ticks + 0.3·k̄/(k+k̄)); D = total_depth_10, k = (impact_buy_50+impact_sell_50)/2, the last term 0 while the book is too thin for k; D̄, k̄ = means over the session's time with weight exp(−age/τ), D̄ while the touch is good, k̄ while k exists; before any such time has passed, the value now",
    inputs: STATE.inputs,
    window: Window::Decay(30 * MINUTE),
    range: (0.0, 100.0),
    warmup: Warmup::Time(30 * MINUTE),
    zero: Zero::Never,
    scale_sizes: Symmetry::Open,
    update: "U4",
    source: "design documents; formula ours",
    ..WINDOW
}];

const TAU: f64 = (30 * MINUTE) as f64;

/// Mean of a piecewise constant signal with weight exp(−age/τ).
#[derive(Clone, Copy, Default)]
struct FadingMean {
    value: f64,
    /// ∫ exp(−age/τ) d age / τ over the time that counted.
    weight: f64,
}

impl FadingMean {
    /// The signal was `x`, if there was one, for a time that takes the share `gone` of all weights.
    #[inline(always)]
    fn hold(&mut self, gone: f64, x: Option<i64>) {
        self.weight *= 1.0 - gone;
        if let Some(x) = x
            && gone > 0.0
        {
            self.weight += gone;
            self.value += (x as f64 - self.value) * (gone / self.weight);
        }
    }

    /// The mean, or the signal now while no time has counted.
    fn or(self, now: f64) -> f64 {
        if self.weight > 0.0 { self.value } else { now }
    }
}

/// A cost that is not known yet: it depends on everything.
const UNKNOWN: (Option<i64>, usize) = (None, usize::MAX);

struct LiquidityScore {
    /// D in force, while the touch is good.
    depth: Option<i64>,
    /// k in force, as the sum of both costs, where the book is thick enough.
    cost: Option<i64>,
    /// Cost of selling and of buying, each with the number of levels that it depends on.
    costs: [(Option<i64>, usize); 2],
    usual_depth: FadingMean,
    usual_cost: FadingMean,
    /// Until when the means are made.
    since: i64,
    /// A session has started that the means do not know of yet.
    fresh: bool,
}

impl LiquidityScore {
    fn new() -> Self {
        let (usual_depth, usual_cost) = <_>::default();
        Self { depth: None, cost: None, costs: [UNKNOWN; 2], usual_depth, usual_cost, since: 0, fresh: false }
    }

    fn begin(&mut self, flow: &Flow) {
        if std::mem::take(&mut self.fresh) {
            (self.usual_depth, self.usual_cost) = <_>::default();
            self.since = flow.session.start;
        }
    }

    /// The sum of both costs after a packet that did this to the levels.
    fn taking(&mut self, levels: &Levels, edited: Edit) -> Option<i64> {
        match edited {
            Edit::Size { side, rank, .. } if rank >= self.costs[side].1 => {}
            Edit::Size { side, .. } if self.costs[side ^ 1] != UNKNOWN => {
                self.costs[side] = cost_and_reach(levels, if side == 0 { -1 } else { 1 });
            }
            _ => self.costs = [-1, 1].map(|side| cost_and_reach(levels, side)),
        }
        Some(self.costs[0].0? + self.costs[1].0?)
    }

    /// The means at `t`.
    #[inline]
    fn usual(&self, t: i64) -> (FadingMean, FadingMean) {
        let (mut depth, mut cost) = (self.usual_depth, self.usual_cost);
        if t != self.since {
            let gone = -(-((t - self.since) as f64) / TAU).exp_m1();
            depth.hold(gone, self.depth);
            cost.hold(gone, self.cost);
        }
        (depth, cost)
    }
}

impl Feature for LiquidityScore {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        self.begin(flow);
        let (Some(touch), Some(depth)) = (flow.quote(), self.depth) else { return f64::NAN };
        let (usual_depth, usual_cost) = self.usual(t);
        let (depth, spread) = (depth as f64, (i64::from(touch.ask_px) - i64::from(touch.bid_px)) as f64);
        let both = depth + usual_depth.or(depth);
        let d = if both > 0.0 { depth / both } else { 0.0 };
        let c = self.cost.map_or(0.0, |cost| {
            let usual = usual_cost.or(cost as f64);
            usual / (cost as f64 + usual)
        });
        40.0 * d + 30.0 / spread + 30.0 * c
    }

    fn on_levels(&mut self, t: i64, flow: &Flow) {
        self.begin(flow);
        let (mut depth, mut cost) = (None, None);
        if let (Some([bid, ask]), Some(levels)) = (flow.depth(), flow.good_levels()) {
            depth = Some(bid.ten + ask.ten);
            cost = self.taking(levels, flow.edited());
        } else {
            self.costs = [UNKNOWN; 2];
        }
        if (depth, cost) != (self.depth, self.cost) {
            (self.usual_depth, self.usual_cost) = self.usual(t);
            (self.since, self.depth, self.cost) = (t, depth, cost);
        }
    }

    fn on_session(&mut self) {
        self.fresh = true;
    }

    fn on_roll(&mut self) {
        *self = Self::new();
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_ladder();
    setup.on_levels();
    Box::new(LiquidityScore::new())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{book, level, trade, values};

    const NAME: &str = "liquidity_score";

    #[test]
    fn a_one_tick_book_at_its_usual_depth_and_cost_scores_65() {
        let packets =
            [(0, book(&[(100, 80)], &[(101, 70)])), (1_000, vec![trade(101, 1, 1)]), (9_000, vec![trade(101, 1, 1)])];
        assert_eq!(values(NAME, &packets), [65.0; 3]);
    }

    #[test]
    fn by_hand() {
        let half_hour = 30 * 60_000;
        let packets = [
            (0, book(&[(100, 100)], &[(101, 100)])),     // D 200, k 0.5
            (half_hour, book(&[(100, 50), (98, 50)], &[(101, 0), (103, 50)])), // D 150, mid 101.5, k 1.5
            (2 * half_hour, vec![level(1, 100, 40)]),    // D 140, k (1.5·40 + 3.5·10)/50 = 1.9 and 1.5
            (2 * half_hour, vec![level(1, 98, 5)]),      // D 95, too thin
        ];
        let got = values(NAME, &packets);
        let e = (-1f64).exp();
        let score = |d: f64, s: f64, c: f64| 100.0 * (0.4 * d + 0.3 * s + 0.3 * c);
        let share = |x: f64, usual: f64| x / (x + usual);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(got[1], score(share(150.0, 200.0), 1.0 / 3.0, share(0.5, 1.5)));
        let mean = |old: f64, new: f64| (e * (1.0 - e) * old + (1.0 - e) * new) / (1.0 - e * e);
        let (depth, cost) = (mean(200.0, 150.0), mean(0.5, 1.5));
        close(got[2], score(share(140.0, depth), 1.0 / 3.0, share(cost, 1.7)));
        close(got[3], score(share(95.0, depth), 1.0 / 3.0, 0.0));
    }

    #[test]
    fn time_without_a_good_book_does_not_count() {
        let minute = 60_000;
        let packets = [
            (0, book(&[(100, 80)], &[(101, 80)])),
            (minute, vec![level(1, 101, 500)]), // locked
            (9 * minute, vec![level(1, 101, 0)]),
            (10 * minute, vec![level(-1, 101, 0)]), // one-sided: a depth, but no spread
        ];
        let got = values(NAME, &packets);
        assert!(got[1].is_nan() && got[3].is_nan());
        assert_eq!(got[2], 65.0);
    }
}
