//! Change of the close over a number of bars.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 212,
        name: "roc_10",
        definition: "100·(C/C[−10]−1); NaN where a price is not positive",
        window: Window::Bars(11),
        unit: "%",
        range: (-100.0, f64::INFINITY),
        warmup: Warmup::Items(11),
        source: "TA-Lib ROC",
        ..Spec::TECHNICAL
    },
    Spec {
        number: 213,
        name: "roc_30",
        definition: "100·(C/C[−30]−1); NaN where a price is not positive",
        window: Window::Bars(31),
        unit: "%",
        range: (-100.0, f64::INFINITY),
        warmup: Warmup::Items(31),
        source: "TA-Lib ROC",
        ..Spec::TECHNICAL
    },
    Spec {
        number: 214,
        name: "mom_10",
        definition: "(C−C[−10])/tick",
        window: Window::Bars(11),
        unit: "ticks",
        kind: Kind::Integer,
        warmup: Warmup::Items(11),
        swap_sides: Symmetry::Moves,
        source: "TA-Lib MOM",
        ..Spec::TECHNICAL
    },
];

#[derive(Clone)]
struct Change {
    lag: usize,
    closes: Last<i32, 31>,
    read: fn(i64, i64) -> f64,
}

impl Rule for Change {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.closes.push(bar.close);
        match self.closes.back(self.lag) {
            Some(before) => (self.read)(i64::from(before), i64::from(bar.close)),
            None => f64::NAN,
        }
    }
}

fn percent(before: i64, close: i64) -> f64 {
    if before > 0 && close > 0 { 100.0 * ((close - before) as f64 / before as f64) } else { f64::NAN }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let (lag, read): (_, fn(i64, i64) -> f64) = match spec.name {
        "roc_10" => (10, percent),
        "roc_30" => (30, percent),
        _ => (10, |before, close| (close - before) as f64),
    };
    held(Change { lag, closes: Last::default(), read }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "roc_10", &rising(11)), 10.0);
        assert_eq!(last(SPECS, build, "roc_30", &rising(31)), 30.0);
        assert_eq!(last(SPECS, build, "mom_10", &rising(12)), 10.0);
        assert!(last(SPECS, build, "roc_10", &closes(-5..6)).is_nan());
        assert_eq!(last(SPECS, build, "mom_10", &closes(-5..6)), 10.0);
    }
}
