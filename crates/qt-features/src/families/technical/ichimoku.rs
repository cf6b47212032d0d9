//! Ichimoku of Hosoda: middles of the ranges of the last bars.

use crate::prelude::*;

const HOSODA: Spec =
    Spec { zero: Zero::Nan, swap_sides: Symmetry::Moves, source: "Hosoda 1969", ..Spec::TECHNICAL };

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 199,
        name: "ichimoku_tk",
        definition: "(Tenkan−Kijun)/ATR14, (HH+LL)/2 over 9 and 26 bars",
        window: Window::Bars(26),
        warmup: Warmup::Items(26),
        ..HOSODA
    },
    Spec {
        number: 200,
        name: "ichimoku_cloud",
        definition: "signed distance of C to the cloud between the spans of 26 bars ago, /ATR14, 0 inside; \
                     span A = (Tenkan+Kijun)/2, span B = (HH+LL)/2 over 52 bars",
        window: Window::Bars(78),
        warmup: Warmup::Items(78),
        ..HOSODA
    },
];

/// Twice the middle of the range of the last `n` bars.
fn middle<const N: usize>(bars: &Last<(i32, i32), N>, n: usize) -> i64 {
    let ranges = (0..n).filter_map(|k| bars.back(k));
    let (low, high) = ranges.fold((i32::MAX, i32::MIN), |(low, high), (l, h)| (low.min(l), high.max(h)));
    i64::from(low) + i64::from(high)
}

#[derive(Clone, Default)]
struct TenkanKijun(Last<(i32, i32), 26>);

impl Rule for TenkanKijun {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push((bar.low, bar.high));
        if self.0.full() { (middle(&self.0, 9) - middle(&self.0, 26)) as f64 / 2.0 } else { f64::NAN }
    }
}

#[derive(Clone, Default)]
struct Cloud {
    bars: Last<(i32, i32), 52>,
    /// Spans A and B in quarters of a tick.
    spans: Last<(i64, i64), 27>,
}

impl Rule for Cloud {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.bars.push((bar.low, bar.high));
        if self.bars.full() {
            let a = middle(&self.bars, 9) + middle(&self.bars, 26);
            self.spans.push((a, 2 * middle(&self.bars, 52)));
        }
        let Some((a, b)) = self.spans.back(26) else { return f64::NAN };
        let close = 4 * i64::from(bar.close);
        (close - close.clamp(a.min(b), a.max(b))) as f64 / 4.0
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    match spec.name {
        "ichimoku_tk" => held_in_atr(TenkanKijun::default(), setup),
        _ => held_in_atr(Cloud::default(), setup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{falling, last, rising, values};

    #[test]
    fn by_hand() {
        // Tenkan 4 and Kijun 12.5 below the close, true range 2.
        assert_eq!(last(SPECS, build, "ichimoku_tk", &rising(30)), 4.25);
        // 26 bars ago the spans lay 8.25 and 25.5 below the close of then, 34.25 and 51.5 below this one.
        assert_eq!(last(SPECS, build, "ichimoku_cloud", &rising(78)), 34.25 / 2.0);
        assert_eq!(last(SPECS, build, "ichimoku_cloud", &falling(78)), -34.25 / 2.0);
        // Back inside: 0.
        let mut bars = rising(80);
        bars[79].close = 179 - 40;
        assert_eq!(values(SPECS, build, "ichimoku_cloud", &bars)[79], 0.0);
    }
}
