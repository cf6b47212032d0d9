//! Spread at the touch.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 111,
        name: "spread_ticks",
        family: Family::Microstructure,
        definition: "(P_a−P_b)/tick",
        unit: "ticks",
        range: (1.0, f64::INFINITY),
        kind: Kind::Integer,
        swap_sides: Symmetry::Keeps,
        ..Spec::BOOK
    },
    Spec {
        number: 112,
        name: "spread_bps",
        family: Family::Microstructure,
        definition: "10⁴(P_a−P_b)/mid; NaN where the mid is not positive",
        unit: "bps",
        range: POSITIVE,
        zero: Zero::Nan,
        swap_sides: Symmetry::Open,
        ..Spec::BOOK
    },
];

struct Spread;

impl Feature for Spread {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.quote().map_or(f64::NAN, |t| t.spread() as f64)
    }
}

struct RelativeSpread;

impl Feature for RelativeSpread {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match flow.quote() {
            Some(t) if t.mid2() > 0 => (20_000 * t.spread()) as f64 / t.mid2() as f64,
            _ => f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH);
    setup.flow.want_touch();
    if spec.number == 111 { Box::new(Spread) } else { Box::new(RelativeSpread) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Quote;

    #[test]
    fn spread_by_hand() {
        let mut flow = Flow::default();
        let mut f: Vec<_> = SPECS.iter().map(|s| build(s, &mut Setup::new(&mut flow))).collect();
        for (bid_px, ask_px, ticks, bps) in [(9_999, 10_001, 2.0, 2.0), (-3, 1, 4.0, f64::NAN)] {
            let quote = Event::from(Quote { bid_px, ask_px, bid_sz: 1, ask_sz: 1, ..Quote::default() });
            flow.apply(&quote);
            flow.settle(&quote);
            assert_eq!(f[0].value(&flow, 0), ticks);
            let got = f[1].value(&flow, 0);
            assert!(got == bps || bps.is_nan() && got.is_nan());
        }
    }
}
