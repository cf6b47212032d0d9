//! Share of the volume that traded at the ask.

use crate::prelude::*;
use qt_flow::window::{Row, Sums, Windows};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 140,
    name: "trade_at_ask_ratio_1m",
    definition: "volume with p ≥ P_a⁻ / (that + volume with p ≤ P_b⁻); P_a⁻, P_b⁻ = touch before the trade, signed or not; trades without a good touch before them are left out, a missing side has no price",
    inputs: &[Input::T, Input::L1],
    window: Window::Time(MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    swap_sides: Symmetry::Open,
    source: "Lee-Ready 1991",
    ..Spec::MICROSTRUCTURE
}];

#[derive(Clone, Copy, Default)]
struct Volume {
    ts: i64,
    sums: VolumeSums,
}

#[derive(Clone, Copy, Default)]
struct VolumeSums {
    ask: i64,
    bid: i64,
}

impl Sums for VolumeSums {
    fn minus(&self, o: &Self) -> Self {
        Self { ask: self.ask - o.ask, bid: self.bid - o.bid }
    }
}

impl Row for Volume {
    type Sums = VolumeSums;
    type Small = [u32; 2];

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut VolumeSums) {
        s.ask += self.sums.ask;
        s.bid += self.sums.bid;
    }

    fn merge(&mut self, later: &Self) -> bool {
        later.add_to(&mut self.sums);
        true
    }

    #[inline]
    fn small(&self) -> Option<[u32; 2]> {
        Some([self.sums.ask.try_into().ok()?, self.sums.bid.try_into().ok()?])
    }

    #[inline]
    fn whole(ts: i64, [ask, bid]: [u32; 2]) -> Self {
        Self { ts, sums: VolumeSums { ask: ask.into(), bid: bid.into() } }
    }
}

struct TradeAtAsk {
    window: Windows<Volume>,
    id: WindowId,
}

impl Feature for TradeAtAsk {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        self.window.advance(t);
        let s = self.window.sums(self.id);
        ratio_or_nan(s.ask, s.ask + s.bid)
    }

    fn on_print(&mut self, p: &Print, flow: &Flow) {
        let Some(touch) = flow.touch() else { return };
        let size = i64::from(p.size);
        let at_ask = touch.ask_px != NO_ASK && p.px >= touch.ask_px;
        let at_bid = touch.bid_px != NO_BID && p.px <= touch.bid_px;
        if at_ask || at_bid {
            let sums = VolumeSums { ask: size * i64::from(at_ask), bid: size * i64::from(at_bid) };
            self.window.push(Volume { ts: p.ts, sums });
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
    Box::new(TradeAtAsk { window, id })
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
        let print = |ts, px, size| Print { ts, px, size, ..Print::default() };
        f.on_print(&print(0, 102, 50), &flow); // no touch yet
        let quote =
            Event::from(Quote { bid_px: 100, ask_px: 102, bid_sz: 1, ask_sz: 1, ..Quote::default() });
        flow.apply(&quote);
        flow.settle(&quote);
        for p in [print(1, 102, 3), print(1, 101, 9), print(2, 103, 2), print(2, 100, 5)] {
            f.on_print(&p, &flow);
        }
        assert_eq!(f.value(&flow, 2), 0.5);
        assert_eq!(f.value(&flow, 1 + MINUTE), 2.0 / 7.0);
        assert!(f.value(&flow, 2 + MINUTE).is_nan());
    }
}
