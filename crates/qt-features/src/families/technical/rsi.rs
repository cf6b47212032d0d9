//! Relative strength index of Wilder (1978), and its slope.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, n: u32, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Bars(n + 1),
        range: (0.0, 100.0),
        warmup: Warmup::Items(n + 1),
        zero: Zero::Zero,
        update: "U7",
        source: "Wilder 1978; TA-Lib",
        ..Spec::TECHNICAL
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(
        202,
        "rsi_7",
        7,
        "100·u/(u+d), Wilder averages of the rises and falls of C over 7 changes; 0 when both are 0",
    ),
    spec(
        203,
        "rsi_14",
        14,
        "100·u/(u+d), Wilder averages of the rises and falls of C over 14 changes; 0 when both are 0",
    ),
    spec(
        204,
        "rsi_28",
        28,
        "100·u/(u+d), Wilder averages of the rises and falls of C over 28 changes; 0 when both are 0",
    ),
    Spec {
        number: 205,
        name: "rsi_slope_5",
        definition: "(RSI14−RSI14[−5])/5",
        window: Window::Bars(20),
        unit: "1/bar",
        range: (-20.0, 20.0),
        warmup: Warmup::Items(20),
        update: "U7",
        ..Spec::TECHNICAL
    },
];

#[derive(Clone)]
struct Index(Rsi);

impl Rule for Index {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar.close.into())
    }
}

#[derive(Clone)]
struct IndexSlope {
    rsi: Rsi,
    last: Last<f64, 6>,
}

impl Rule for IndexSlope {
    fn close(&mut self, bar: &Bar) -> f64 {
        let rsi = self.rsi.push(bar.close.into());
        self.last.push(rsi);
        self.last.back(5).map_or(f64::NAN, |before| (rsi - before) / 5.0)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let n = match spec.name {
        "rsi_7" => 7,
        "rsi_28" => 28,
        _ => 14,
    };
    if spec.name == "rsi_slope_5" {
        held(IndexSlope { rsi: Rsi::new(n), last: Last::default() }, setup)
    } else {
        held(Index(Rsi::new(n)), setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, last};

    #[test]
    fn by_hand() {
        for (name, bars) in [("rsi_7", 8), ("rsi_14", 15), ("rsi_28", 29)] {
            assert_eq!(last(SPECS, build, name, &closes(vec![100; bars])), 0.0);
            assert_eq!(last(SPECS, build, name, &closes(100..100 + bars as i32)), 100.0);
        }
        // 7 rises of 2, 7 falls of 1: u = 1, d = 0.5; then a fall of 14: u = 13/14, d = 20.5/14.
        let zigzag = || (0..15).map(|k| 100 + (k / 2) + 2 * (k % 2));
        assert!((last(SPECS, build, "rsi_14", &closes(zigzag())) - 100.0 * 2.0 / 3.0).abs() < 1e-12);
        let then = zigzag().next_back().unwrap() - 14;
        let fallen = closes(zigzag().chain([then]));
        assert!((last(SPECS, build, "rsi_14", &fallen) - 100.0 * 13.0 / 33.5).abs() < 1e-12);
        // Four bars without a change leave the index as it is.
        let calm = closes(zigzag().chain([then; 5]));
        assert_eq!(last(SPECS, build, "rsi_14", &calm), last(SPECS, build, "rsi_14", &fallen));
        let slope = 20.0 * (13.0 / 33.5 - 2.0 / 3.0);
        assert!((last(SPECS, build, "rsi_slope_5", &calm) - slope).abs() < 1e-12);
    }
}
