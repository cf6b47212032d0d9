//! Patterns of the last two closed bars.

use crate::prelude::*;

const PATTERN: Spec = Spec {
    window: Window::Bars(2),
    kind: Kind::Flag,
    warmup: Warmup::Items(2),
    update: "U3",
    source: "candlestick",
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 161,
        name: "inside_bar",
        definition: "1 if H<H[−1] and L>L[−1], else 0",
        range: (0.0, 1.0),
        swap_sides: Symmetry::Keeps,
        ..PATTERN
    },
    Spec {
        number: 162,
        name: "engulfing",
        definition: "±1 if the body strictly contains the previous body, of opposite colour, on both ends: sign of \
                     C−O; 0 otherwise and where either bar has no body",
        range: (-1.0, 1.0),
        swap_sides: Symmetry::Moves,
        ..PATTERN
    },
];

#[derive(Clone)]
struct Pattern {
    formula: fn(&Bar, &Bar) -> i32,
    before: Option<Bar>,
}

impl Rule for Pattern {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.before.replace(*bar).map_or(f64::NAN, |before| f64::from((self.formula)(&before, bar)))
    }
}

fn inside(before: &Bar, bar: &Bar) -> i32 {
    i32::from(bar.high < before.high && bar.low > before.low)
}

fn engulfing(before: &Bar, bar: &Bar) -> i32 {
    let colour = |b: &Bar| (i64::from(b.close) - i64::from(b.open)).signum();
    let contains = bar.open.max(bar.close) > before.open.max(before.close)
        && bar.open.min(bar.close) < before.open.min(before.close);
    if contains && colour(bar) * colour(before) < 0 { colour(bar) as i32 } else { 0 }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let formula = if spec.name == "inside_bar" { inside } else { engulfing };
    held(Pattern { formula, before: None }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    fn pattern(formula: fn(&Bar, &Bar) -> i32, bars: &[Bar]) -> f64 {
        last(Pattern { formula, before: None }, bars)
    }

    #[test]
    fn an_inside_bar_is_strictly_inside() {
        let first = ohlcv(15, 20, 10, 16, 1);
        assert!(pattern(inside, &[first]).is_nan());
        assert_eq!(pattern(inside, &[first, ohlcv(12, 19, 11, 12, 1)]), 1.0);
        assert_eq!(pattern(inside, &[first, ohlcv(12, 20, 11, 12, 1)]), 0.0);
    }

    #[test]
    fn an_engulfing_body_contains_one_of_the_other_colour() {
        let fall = ohlcv(15, 20, 10, 12, 1);
        assert_eq!(pattern(engulfing, &[fall, ohlcv(11, 16, 11, 16, 1)]), 1.0);
        assert_eq!(pattern(engulfing, &[fall, ohlcv(12, 16, 11, 16, 1)]), 0.0); // shares an end
        assert_eq!(pattern(engulfing, &[fall, ohlcv(16, 16, 11, 11, 1)]), 0.0); // same colour
        let rise = ohlcv(12, 20, 10, 15, 1);
        assert_eq!(pattern(engulfing, &[rise, ohlcv(16, 16, 11, 11, 1)]), -1.0);
        let none = ohlcv(15, 20, 10, 15, 1);
        assert_eq!(pattern(engulfing, &[none, ohlcv(16, 16, 11, 11, 1)]), 0.0);
    }
}
