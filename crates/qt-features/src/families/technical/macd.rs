//! Moving average convergence/divergence of Appel, in average true ranges.

use crate::prelude::*;

const MACD: Spec = Spec {
    window: Window::Bars(34),
    warmup: Warmup::Items(34),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "Appel; TA-Lib MACD",
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 185,
        name: "macd_line",
        definition: "(EMA12−EMA26)/ATR14; EMA12 starts at bar 26, from the mean of bars 15 to 26",
        ..MACD
    },
    Spec {
        number: 186,
        name: "macd_signal",
        definition: "signal/ATR14; the signal is the EMA9 of EMA12−EMA26 (macd_line)",
        ..MACD
    },
    Spec {
        number: 187,
        name: "macd_hist",
        definition: "(MACD−signal)/ATR14 (macd_line, macd_signal)",
        ..MACD
    },
];

#[derive(Clone, Copy)]
enum Output {
    Line,
    Signal,
    Histogram,
}

#[derive(Clone)]
struct Convergence {
    output: Output,
    macd: Macd,
}

impl Rule for Convergence {
    fn close(&mut self, bar: &Bar) -> f64 {
        let (line, signal) = self.macd.push(bar.close.into());
        match self.output {
            Output::Line => line,
            Output::Signal => signal,
            Output::Histogram => line - signal,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let output = match spec.name {
        "macd_line" => Output::Line,
        "macd_signal" => Output::Signal,
        _ => Output::Histogram,
    };
    held_in_atr(Convergence { output, macd: Macd::new(12, 26, 9) }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        // On a line of slope 1: EMA12 lags 5.5, EMA26 lags 12.5; every true range is 2.
        for (name, expected) in [("macd_line", 3.5), ("macd_signal", 3.5), ("macd_hist", 0.0)] {
            assert!((last(SPECS, build, name, &rising(34)) - expected).abs() < 1e-13);
        }
        // A jump of 27 from the line: EMA12 moves by 2/13, EMA26 by 2/27, the signal by 1/5 of the difference.
        let mut bars = rising(35);
        bars[34].close += 27;
        bars[34].high = bars[34].close;
        bars[34].low = bars[33].close - 1;
        let atr = (2.0 * 13.0 + 29.0) / 14.0;
        let line = 7.0 + 27.0 * (2.0 / 13.0 - 2.0 / 27.0);
        assert!((last(SPECS, build, "macd_line", &bars) - line / atr).abs() < 1e-13);
        assert!((last(SPECS, build, "macd_hist", &bars) - (line - 7.0) * 0.8 / atr).abs() < 1e-13);
    }
}
