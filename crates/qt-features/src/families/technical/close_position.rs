//! Close within the range of the last bars.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 163,
    name: "close_pos_20",
    definition: "(C−LL)/(HH−LL) over 20 bars",
    window: Window::Bars(20),
    range: (0.0, 1.0),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    source: "Donchian",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct ClosePosition(Extremes<20>);

impl Rule for ClosePosition {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar.high, bar.low);
        if !self.0.full() {
            return f64::NAN;
        }
        ratio_or_nan(i64::from(bar.close) - self.0.low(), self.0.high() - self.0.low())
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(ClosePosition::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        for k in 0..20 {
            assert!(f.value(&flow, 0).is_nan());
            let px = 100 + k;
            f.on_bar(&Bar { start: 0, end: 0, open: px, high: px + 2, low: px - 1, close: px, volume: 0, sides: None });
        }
        assert_eq!(f.value(&flow, 0), 20.0 / 22.0); // lowest 99, highest 121, close 119
    }
}
