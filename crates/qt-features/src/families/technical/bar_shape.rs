//! Range, body and wicks of the last closed bar.

use crate::prelude::*;

const SHAPE: Spec =
    Spec { window: Window::Bars(1), warmup: Warmup::Items(1), update: "U3", source: "candlestick", ..Spec::TECHNICAL };

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 157,
        name: "bar_range",
        definition: "(H−L)/tick",
        unit: "ticks",
        range: POSITIVE,
        kind: Kind::Integer,
        swap_sides: Symmetry::Keeps,
        source: "standard",
        ..SHAPE
    },
    Spec {
        number: 158,
        name: "body_ratio",
        definition: "(C−O)/(H−L)",
        range: (-1.0, 1.0),
        zero: Zero::Zero,
        swap_sides: Symmetry::Moves,
        ..SHAPE
    },
    Spec {
        number: 159,
        name: "upper_wick",
        definition: "(H−max(O,C))/(H−L)",
        range: (0.0, 1.0),
        zero: Zero::Zero,
        ..SHAPE
    },
    Spec {
        number: 160,
        name: "lower_wick",
        definition: "(min(O,C)−L)/(H−L)",
        range: (0.0, 1.0),
        zero: Zero::Zero,
        ..SHAPE
    },
];

struct BarShape {
    formula: fn(&Bar) -> f64,
    value: f64,
}

impl Feature for BarShape {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.value = (self.formula)(bar);
    }

    fn on_roll(&mut self) {
        self.value = f64::NAN;
    }
}

fn distance(from: i32, to: i32) -> i64 {
    i64::from(to) - i64::from(from)
}

fn range(b: &Bar) -> i64 {
    distance(b.low, b.high)
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    let formula: fn(&Bar) -> f64 = match spec.name {
        "bar_range" => |b| range(b) as f64,
        "body_ratio" => |b| ratio_or_zero(distance(b.open, b.close), range(b)),
        "upper_wick" => |b| ratio_or_zero(distance(b.open.max(b.close), b.high), range(b)),
        _ => |b| ratio_or_zero(distance(b.low, b.open.min(b.close)), range(b)),
    };
    Box::new(BarShape { formula, value: f64::NAN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let bar = Bar { start: 0, end: 0, open: 12, high: 20, low: 10, close: 15, volume: 0, sides: None };
        let mut flow = Flow::default();
        let values: Vec<f64> = SPECS
            .iter()
            .map(|s| {
                let mut f = build(s, &mut Setup::new(&mut flow));
                f.on_bar(&bar);
                f.value(&flow, 0)
            })
            .collect();
        assert_eq!(values, [10.0, 0.3, 0.5, 0.2]);
    }
}
