//! Spread over time: each spread counts for as long as it was in force.

use crate::prelude::*;
use qt_flow::spread::SpreadWindow;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        window: Window::Time(ns),
        warmup: Warmup::Time(ns),
        zero: Zero::Nan,
        ..Spec::MICROSTRUCTURE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        definition: "Σ s·Δt / Σ Δt, s = (P_a−P_b)/tick, over the window's time with a good touch of both sides; exact ns; NaN without such time",
        unit: "ticks",
        range: (1.0, f64::INFINITY),
        ..spec(113, "spread_mean_1m", MINUTE)
    },
    Spec {
        definition: "√(Σ s²Δt / ΣΔt − (Σ sΔt / ΣΔt)²), s = (P_a−P_b)/tick, over the window's time with a good touch of both sides; exact ns, integers up to the root; NaN without such time",
        unit: "ticks",
        range: POSITIVE,
        update: "U6",
        ..spec(114, "spread_std_5m", 5 * MINUTE)
    },
    Spec {
        definition: "share with a spread of one tick of the window's time with a good touch of both sides; NaN without such time",
        range: (0.0, 1.0),
        source: "design documents (formula ours)",
        ..spec(115, "spread_quality", MINUTE)
    },
];

struct SpreadTime {
    window: SpreadWindow,
    number: u16,
}

impl Feature for SpreadTime {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        // Each arm takes the sums by itself, so that only those it uses are computed.
        let spreads = &flow.spreads;
        match self.number {
            113 => {
                let s = spreads.sums(self.window, t);
                if s.time == 0 { f64::NAN } else { float(s.first) / s.time as f64 }
            }
            114 => {
                let s = spreads.sums(self.window, t);
                // Five minutes are below 2^39 ns: spreads below 2^24 ticks leave these products exact.
                let n = i128::from(s.time);
                let spread = n.wrapping_mul(s.second) - s.first.wrapping_mul(s.first);
                if s.time == 0 { f64::NAN } else { float(spread).max(0.0).sqrt() / s.time as f64 }
            }
            _ => {
                let s = spreads.sums(self.window, t);
                ratio_or_nan(s.tight, s.time)
            }
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_touch();
    Box::new(SpreadTime { window: setup.flow.spreads.window(spec.window_ns()), number: spec.number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Quote;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f: Vec<_> = SPECS.iter().map(|s| build(s, &mut Setup::new(&mut flow))).collect();
        flow.now = 0;
        flow.start_session();
        // One tick for half a minute, three ticks for the other half.
        for (at, ask_px) in [(0, 101), (30, 103)] {
            let quote =
                Event::from(Quote { bid_px: 100, ask_px, bid_sz: 1, ask_sz: 1, ..Quote::default() });
            flow.now = at * SECOND;
            flow.apply(&quote);
            flow.settle(&quote);
        }
        flow.prepare(MINUTE);
        let values: Vec<f64> = f.iter_mut().map(|f| f.value(&flow, MINUTE)).collect();
        assert_eq!(values, [2.0, 1.0, 0.5]);
        flow.prepare(2 * MINUTE);
        assert_eq!(f[0].value(&flow, 2 * MINUTE), 3.0);
        assert_eq!(f[2].value(&flow, 2 * MINUTE), 0.0);
    }
}
