//! Close against its exponential average, in average true ranges.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, n: u32, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Bars(n),
        // The ATR needs 15 bars.
        warmup: Warmup::Items(if n < 15 { 15 } else { n }),
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        update: "U7",
        source: "TA-Lib EMA",
        ..Spec::TECHNICAL
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(172, "ema_dist_9", 9, "(C−EMA9)/ATR14"),
    spec(173, "ema_dist_20", 20, "(C−EMA20)/ATR14"),
    spec(174, "ema_dist_50", 50, "(C−EMA50)/ATR14"),
    spec(175, "ema_dist_100", 100, "(C−EMA100)/ATR14"),
    spec(176, "ema_dist_200", 200, "(C−EMA200)/ATR14"),
];

#[derive(Clone)]
struct EmaDistance(Ema);

impl Rule for EmaDistance {
    fn close(&mut self, bar: &Bar) -> f64 {
        let close = f64::from(bar.close);
        self.0.push(close);
        close - self.0.value()
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let Window::Bars(n) = spec.window else { unreachable!("averages look back a number of bars") };
    held_in_atr(EmaDistance(Ema::new(n)), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        // On a line of slope 1 the average over n lags (n−1)/2 behind; every true range is 2.
        for (name, n) in [("ema_dist_9", 15), ("ema_dist_20", 20), ("ema_dist_50", 50), ("ema_dist_200", 200)] {
            let lag = name.trim_start_matches("ema_dist_").parse::<f64>().unwrap() - 1.0;
            assert!((last(SPECS, build, name, &rising(n)) - lag / 4.0).abs() < 1e-12);
        }
    }
}
