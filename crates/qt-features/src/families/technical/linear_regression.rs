//! Least-squares line through the last closes.

use crate::prelude::*;

const LINE: Spec =
    Spec { window: Window::Bars(20), warmup: Warmup::Items(20), update: "U6", ..Spec::TECHNICAL };

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 195,
        name: "linreg_slope_20",
        definition: "OLS slope of C on 0..19, /ATR14",
        unit: "1/bar",
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        source: "TA-Lib LINEARREG_SLOPE",
        ..LINE
    },
    Spec {
        number: 196,
        name: "linreg_r2_20",
        definition: "squared correlation of C with time",
        range: (0.0, 1.0),
        zero: Zero::Zero,
        swap_sides: Symmetry::Keeps,
        ..LINE
    },
    Spec {
        number: 197,
        name: "linreg_dev_20",
        definition: "(C−fit)/sd of residuals (population)",
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        ..LINE
    },
];

#[derive(Clone)]
struct Regression {
    line: Line<20>,
    read: fn(&Line<20>) -> f64,
}

impl Rule for Regression {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.line.push(bar.close);
        if self.line.full() { (self.read)(&self.line) } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let line = Line::default();
    match spec.name {
        "linreg_slope_20" => held_in_atr(Regression { line, read: Line::slope }, setup),
        "linreg_r2_20" => held(Regression { line, read: Line::r_squared }, setup),
        _ => held(Regression { line, read: Line::deviation }, setup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "linreg_slope_20", &rising(30)), 0.5);
        assert_eq!(last(SPECS, build, "linreg_r2_20", &rising(30)), 1.0);
        assert!(last(SPECS, build, "linreg_dev_20", &rising(30)).is_nan());
        assert_eq!(last(SPECS, build, "linreg_r2_20", &closes([7; 20])), 0.0);
        // One spike at the end: slope 9.5/665·h, residual variance h²·(1/20·19/20 − (9.5/665)²·665/20).
        let spike = closes([0; 19].into_iter().chain([100]));
        let variance: f64 = 0.05 * 0.95 - (9.5f64 / 665.0).powi(2) * 665.0 / 20.0;
        let above = 1.0 - 0.05 - 9.5 / 665.0 * 9.5;
        assert!((last(SPECS, build, "linreg_dev_20", &spike) - above / variance.sqrt()).abs() < 1e-12);
        assert!((last(SPECS, build, "linreg_r2_20", &spike) - 9.5 * 9.5 / 665.0 / 0.95).abs() < 1e-14);
    }
}
