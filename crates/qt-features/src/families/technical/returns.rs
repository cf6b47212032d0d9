//! Logarithmic return over a number of bars.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, bars: u32, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Bars(bars),
        warmup: Warmup::Items(bars + 1),
        ..Spec::TECHNICAL
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(151, "ret_1", 1, "ln(C/C[−1])"),
    spec(152, "ret_5", 5, "ln(C/C[−5])"),
    spec(153, "ret_10", 10, "ln(C/C[−10])"),
    spec(154, "ret_15", 15, "ln(C/C[−15])"),
    spec(155, "ret_30", 30, "ln(C/C[−30])"),
    spec(156, "ret_60", 60, "ln(C/C[−60])"),
];

struct Return {
    lag: usize,
    closes: Last<i32, 64>,
    value: f64,
}

impl Feature for Return {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.closes.push(bar.close);
        self.value = match self.closes.back(self.lag) {
            Some(before) => log_ratio(bar.close, before),
            None => f64::NAN,
        };
    }

    fn on_roll(&mut self) {
        self.closes = Last::default();
        self.value = f64::NAN;
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    let Window::Bars(lag) = spec.window else { unreachable!("returns look back a number of bars") };
    Box::new(Return { lag: lag as usize, closes: Last::default(), value: f64::NAN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[1], &mut Setup::new(&mut flow));
        for close in [100, 101, 102, 103, 104, 110] {
            assert!(f.value(&flow, 0).is_nan());
            f.on_bar(&Bar { start: 0, end: 0, open: 1, high: 1, low: 1, close, volume: 0, sides: None });
        }
        assert!((f.value(&flow, 0) - 1.1f64.ln()).abs() < 1e-15);
    }
}
