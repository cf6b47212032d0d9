//! Width of the Donchian channel.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 232,
    name: "donchian_width_20",
    definition: "(HH−LL)/tick over 20 bars",
    window: Window::Bars(20),
    unit: "ticks",
    range: POSITIVE,
    kind: Kind::Integer,
    warmup: Warmup::Items(20),
    swap_sides: Symmetry::Keeps,
    source: "Donchian",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct DonchianWidth(Extremes<20>);

impl Rule for DonchianWidth {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar.high, bar.low);
        if self.0.full() { (self.0.high() - self.0.low()) as f64 } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(DonchianWidth::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        let bars: Vec<Bar> = (0..21).map(|k| ohlcv(k, k + 2, k - 1, k, 1)).collect();
        assert!(last(DonchianWidth::default(), &bars[..19]).is_nan());
        assert_eq!(last(DonchianWidth::default(), &bars), 22.0); // highs 3..22, lows 0..19
    }
}
