//! Volatility of one-bar log returns.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 233,
        name: "rv_close_30",
        definition: "sample sd (n−1) of the last 30 one-bar log returns",
        window: Window::Bars(31),
        range: POSITIVE,
        warmup: Warmup::Items(31),
        update: "U6",
        ..Spec::TECHNICAL
    },
    Spec {
        number: 239,
        name: "vol_ratio_10_60",
        definition: "sample sd of the last 10 one-bar log returns over that of the last 60",
        window: Window::Bars(61),
        range: POSITIVE,
        warmup: Warmup::Items(61),
        zero: Zero::Nan,
        update: "U6",
        ..Spec::TECHNICAL
    },
];

#[derive(Clone, Default)]
struct Volatility<const N: usize> {
    close: Option<i32>,
    returns: Floats<N>,
}

impl<const N: usize> Volatility<N> {
    fn push(&mut self, bar: &Bar) {
        if let Some(before) = self.close.replace(bar.close) {
            self.returns.push(log_ratio(bar.close, before));
        }
    }
}

impl Rule for Volatility<30> {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.push(bar);
        self.returns.sample_variance(30).sqrt()
    }
}

impl Rule for Volatility<60> {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.push(bar);
        quotient(self.returns.sample_variance(10).sqrt(), self.returns.sample_variance(60).sqrt())
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    if spec.name == "rv_close_30" {
        held(Volatility::<30>::default(), setup)
    } else {
        held(Volatility::<60>::default(), setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // Closes 100, 200, 100, …: returns ±ln 2 by turns, mean 0 over an even number.
        let bars: Vec<Bar> = (0..61).map(|k| 100 << (k % 2)).map(|c| ohlcv(c, c, c, c, 1)).collect();
        assert!(last(Volatility::<30>::default(), &bars[..30]).is_nan());
        let sd = |n: f64| 2.0f64.ln() * (n / (n - 1.0)).sqrt();
        assert!((last(Volatility::<30>::default(), &bars[..31]) - sd(30.0)).abs() < 1e-14);
        assert!(last(Volatility::<60>::default(), &bars[..60]).is_nan());
        assert!((last(Volatility::<60>::default(), &bars) - sd(10.0) / sd(60.0)).abs() < 1e-14);
    }
}
