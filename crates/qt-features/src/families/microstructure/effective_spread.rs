//! What taking liquidity cost against the mid.

use crate::prelude::*;
use qt_flow::window::{Row, Sums, Windows};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 120,
    name: "effective_spread_1m",
    definition: "Σ q·2·side·(p−mid⁻)/Σ q in ticks, mid⁻ = mid in force before the trade; unsigned trades and trades without a mid⁻ are left out",
    inputs: &[Input::T, Input::L1],
    window: Window::Time(MINUTE),
    unit: "ticks",
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    source: "Huang-Stoll 1996",
    ..Spec::MICROSTRUCTURE
}];

#[derive(Clone, Copy, Default)]
struct Cost {
    ts: i64,
    sums: CostSums,
}

#[derive(Clone, Copy, Default)]
struct CostSums {
    cost: i128,
    size: i64,
}

impl Sums for CostSums {
    fn minus(&self, o: &Self) -> Self {
        Self { cost: self.cost - o.cost, size: self.size - o.size }
    }
}

impl Row for Cost {
    type Sums = CostSums;
    type Small = [i32; 2];

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut CostSums) {
        s.cost += self.sums.cost;
        s.size += self.sums.size;
    }

    fn merge(&mut self, later: &Self) -> bool {
        later.add_to(&mut self.sums);
        true
    }

    #[inline]
    fn small(&self) -> Option<[i32; 2]> {
        Some([self.sums.cost.try_into().ok()?, self.sums.size.try_into().ok()?])
    }

    #[inline]
    fn whole(ts: i64, [cost, size]: [i32; 2]) -> Self {
        Self { ts, sums: CostSums { cost: cost.into(), size: size.into() } }
    }
}

struct EffectiveSpread {
    window: Windows<Cost>,
    id: WindowId,
}

impl Feature for EffectiveSpread {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        self.window.advance(t);
        let s = self.window.sums(self.id);
        if s.size == 0 { f64::NAN } else { float(s.cost) / s.size as f64 }
    }

    fn on_print(&mut self, p: &Print, flow: &Flow) {
        if p.side != 0
            && let Some(mid2) = flow.mid2()
        {
            let size = i64::from(p.size);
            let cost = i128::from(size * i64::from(p.side)) * i128::from(2 * i64::from(p.px) - mid2);
            self.window.push(Cost { ts: p.ts, sums: CostSums { cost, size } });
        }
    }

    fn on_session(&mut self) {
        self.window.clear();
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::TOUCH | cause::EXIT);
    setup.on_prints();
    setup.flow.want_touch();
    setup.flow.tape.window(spec.window_ns()); // tells when a print leaves
    let mut window = Windows::default();
    let id = window.add(spec.window_ns());
    Box::new(EffectiveSpread { window, id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Quote;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        let print = |ts, px, size, side| Print { ts, px, size, side, ..Print::default() };
        f.on_print(&print(0, 100, 9, 1), &flow); // no mid yet
        let quote =
            Event::from(Quote { bid_px: 100, ask_px: 101, bid_sz: 1, ask_sz: 1, ..Quote::default() });
        flow.apply(&quote);
        flow.settle(&quote);
        assert!(f.value(&flow, 0).is_nan());
        // The mid is 100.5: a buyer pays 1 per contract, the seller below the bid 3, the one inside −1.
        for p in [print(1, 101, 2, 1), print(1, 99, 4, -1), print(2, 101, 1, -1), print(2, 90, 7, 0)] {
            f.on_print(&p, &flow);
        }
        assert_eq!(f.value(&flow, 2), (2.0 + 12.0 - 1.0) / 7.0);
        assert_eq!(f.value(&flow, 1 + MINUTE), -1.0);
    }
}
