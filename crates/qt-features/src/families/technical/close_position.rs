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

#[derive(Default)]
struct ClosePosition {
    bars: Last<(i32, i32), 20>,
    close: i32,
}

impl Feature for ClosePosition {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        if !self.bars.full() {
            return f64::NAN;
        }
        let (mut low, mut high) = (i32::MAX, i32::MIN);
        for &(l, h) in self.bars.values() {
            low = low.min(l);
            high = high.max(h);
        }
        ratio_or_nan(i64::from(self.close) - i64::from(low), i64::from(high) - i64::from(low))
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.bars.push((bar.low, bar.high));
        self.close = bar.close;
    }

    fn on_roll(&mut self) {
        *self = Self::default();
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(ClosePosition::default())
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
