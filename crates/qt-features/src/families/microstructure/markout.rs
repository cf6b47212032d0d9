//! What the spread left the maker, and how far the mid followed the taker.

use crate::prelude::*;
use qt_flow::markout::{AGE, SPAN};

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        inputs: &[Input::T, Input::L1],
        window: Window::Time(AGE + SPAN),
        unit: "ticks",
        warmup: Warmup::Time(AGE + SPAN),
        zero: Zero::Nan,
        source: "Huang-Stoll 1996",
        ..Spec::MICROSTRUCTURE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(
        121,
        "realized_spread_1m",
        "Σ q·2·side·(p−mid₅)/Σ q in ticks over signed trades aged 5 s (inclusive) to 65 s that have a mid⁻ and a mid₅; mid⁻ = mid before the trade, mid₅ = mid in force 5 s after it, events of that time included",
    ),
    spec(
        122,
        "price_impact_1m",
        "Σ q·2·side·(mid₅−mid⁻)/Σ q in ticks over the trades of realized_spread_1m",
    ),
];

struct Markout {
    realized: bool,
}

impl Feature for Markout {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        let s = flow.markouts.sums(t);
        let sum = if self.realized { s.realized } else { s.impact };
        if s.size == 0 { f64::NAN } else { float(sum) / s.size as f64 }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::TOUCH | cause::EXIT);
    setup.flow.want_touch();
    setup.flow.markouts.enable();
    Box::new(Markout { realized: spec.number == 121 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::{Quote, Trade};

    #[test]
    fn the_two_add_up_to_the_effective_spread() {
        let mut flow = Flow::default();
        let mut f: Vec<_> = SPECS.iter().map(|s| build(s, &mut Setup::new(&mut flow))).collect();
        let mut apply = |at: i64, e: &Event| {
            flow.now = at;
            flow.apply(e);
            flow.settle(e);
            flow.prepare(at);
            [f[0].value(&flow, at), f[1].value(&flow, at)]
        };
        let quote = |bid_px| {
            Event::from(Quote { bid_px, ask_px: bid_px + 2, bid_sz: 1, ask_sz: 1, ..Quote::default() })
        };
        apply(0, &quote(100));
        apply(1, &Event::from(Trade { px: 102, size: 2, side: 1, ..Trade::default() }));
        apply(1, &Event::from(Trade { px: 100, size: 1, side: -1, ..Trade::default() }));
        assert!(apply(AGE, &quote(101))[0].is_nan());
        // The mid went from 101 to 103: the buyers were right by 2, the seller wrong by 2.
        let [realized, impact] = apply(1 + AGE, &quote(102));
        assert_eq!((realized, impact), ((2.0 * -2.0 + 6.0) / 3.0, (2.0 * 4.0 - 4.0) / 3.0));
        assert_eq!(realized + impact, 2.0);
        assert_eq!(apply(2 + AGE, &quote(90)), [realized, impact]);
    }
}
