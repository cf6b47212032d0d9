//! Return per square root of signed money.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 128,
    name: "hasbrouck_lambda_30m",
    family: Family::Microstructure,
    definition: "least-squares slope, with intercept, of ln(C/C[−1]) on Σ side·√(R$ notional) of the bar's prints over 30 bars; bars from a source have no prints: NaN",
    inputs: &[Input::T, Input::B],
    window: Window::Bars(30),
    unit: "1/√R$",
    warmup: Warmup::Items(31),
    zero: Zero::Nan,
    scale_sizes: Symmetry::Open,
    update: "U6",
    source: "Hasbrouck 2009",
    ..Spec::TECHNICAL
}];

/// Bars that the line is fitted to.
const BARS: usize = 30;

struct Hasbrouck {
    tick_value: f64,
    close: Option<i32>,
    /// Σ side·√notional of the forming bar.
    forming: f64,
    pairs: Last<(f64, f64), BARS>,
    value: f64,
}

impl Hasbrouck {
    fn slope(&self) -> f64 {
        if !self.pairs.full() {
            return f64::NAN;
        }
        let pairs = || (0..BARS).rev().filter_map(|k| self.pairs.back(k));
        let n = BARS as f64;
        let (mx, my) = pairs().fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
        let (mx, my) = (mx / n, my / n);
        let (xx, xy) = pairs().fold((0.0, 0.0), |(xx, xy), (x, y)| {
            (xx + (x - mx) * (x - mx), xy + (x - mx) * (y - my))
        });
        quotient(xy, xx)
    }
}

impl Feature for Hasbrouck {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_print(&mut self, p: &Print, flow: &Flow) {
        if flow.session.open {
            self.forming +=
                f64::from(p.side) * (f64::from(p.px) * f64::from(p.size) * self.tick_value).sqrt();
        }
    }

    fn on_bar(&mut self, bar: &Bar) {
        let signed = if bar.sides.is_some() { std::mem::take(&mut self.forming) } else { f64::NAN };
        if let Some(before) = self.close.replace(bar.close) {
            self.pairs.push((signed, log_ratio(bar.close, before)));
        }
        self.value = self.slope();
    }

    fn on_session(&mut self) {
        self.forming = 0.0;
    }

    fn on_roll(&mut self) {
        (self.close, self.forming, self.pairs, self.value) = (None, 0.0, Last::default(), f64::NAN);
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_prints();
    setup.on_bars();
    Box::new(Hasbrouck {
        tick_value: setup.tick_value,
        close: None,
        forming: 0.0,
        pairs: Last::default(),
        value: f64::NAN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::ohlcv;

    #[test]
    fn an_exact_line_gives_its_slope() {
        let mut flow = Flow::default();
        let mut setup = Setup::new(&mut flow);
        setup.tick_value = 5.0;
        let mut f = build(&SPECS[0], &mut setup);
        flow.start_session();
        let mut px = 1_000_000;
        for k in 0..31 {
            let p = Print { px, size: 1 + (k * 7) % 11, side: if k % 3 == 0 { -1 } else { 1 }, ..Print::default() };
            f.on_print(&p, &flow);
            let x = f64::from(p.side) * (f64::from(p.px) * f64::from(p.size) * 5.0).sqrt();
            // The close moves by 2e-6 per unit of x, to the tick.
            px = (f64::from(px) * (2e-6 * x).exp()).round() as i32;
            let bar = Bar { sides: Some((0, 0)), ..ohlcv(px, px, px, px, 1) };
            f.on_bar(&bar);
        }
        assert!((f.value(&flow, 0) / 2e-6 - 1.0).abs() < 1e-3, "{}", f.value(&flow, 0));
        f.on_bar(&ohlcv(px, px, px, px, 1)); // a bar from a source
        assert!(f.value(&flow, 0).is_nan());
    }
}
