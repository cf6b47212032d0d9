//! Close against its simple average, in average true ranges.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, n: u32, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Bars(n),
        warmup: Warmup::Items(n),
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        update: "U6",
        source: "TA-Lib SMA",
        ..Spec::TECHNICAL
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(177, "sma_dist_20", 20, "(C−SMA20)/ATR14"),
    spec(178, "sma_dist_50", 50, "(C−SMA50)/ATR14"),
    spec(179, "sma_dist_200", 200, "(C−SMA200)/ATR14"),
];

#[derive(Clone, Default)]
struct SmaDistance<const N: usize>(Total<N>);

impl<const N: usize> Rule for SmaDistance<N> {
    fn close(&mut self, bar: &Bar) -> f64 {
        let close = i64::from(bar.close);
        self.0.push(close);
        self.0.value().map_or(f64::NAN, |sum| (close * N as i64 - sum) as f64 / N as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    match spec.name {
        "sma_dist_20" => held_in_atr(SmaDistance::<20>::default(), setup),
        "sma_dist_50" => held_in_atr(SmaDistance::<50>::default(), setup),
        _ => held_in_atr(SmaDistance::<200>::default(), setup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "sma_dist_20", &rising(40)), 9.5 / 2.0);
        assert_eq!(last(SPECS, build, "sma_dist_50", &rising(50)), 24.5 / 2.0);
        assert_eq!(last(SPECS, build, "sma_dist_200", &rising(200)), 99.5 / 2.0);
    }
}
