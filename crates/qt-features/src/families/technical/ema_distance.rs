//! Close against its exponential average, in average true ranges.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 173,
    name: "ema_dist_20",
    definition: "(C−EMA20)/ATR14",
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "TA-Lib EMA",
    ..Spec::TECHNICAL
}];

struct EmaDistance {
    ema: Ema,
    atr: Atr,
    value: f64,
}

impl EmaDistance {
    fn new() -> Self {
        Self { ema: Ema::new(20), atr: Atr::new(14), value: f64::NAN }
    }
}

impl Feature for EmaDistance {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_bar(&mut self, bar: &Bar) {
        let close = f64::from(bar.close);
        self.ema.push(close);
        self.atr.push(bar);
        let atr = self.atr.value();
        self.value = if atr == 0.0 { f64::NAN } else { (close - self.ema.value()) / atr };
    }

    fn on_roll(&mut self) {
        *self = Self::new();
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(EmaDistance::new())
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
            f.on_bar(&Bar { start: 0, end: 0, open: px, high: px + 1, low: px - 1, close: px, volume: 0, sides: None });
        }
        assert_eq!(f.value(&flow, 0), (119.0 - 109.5) / 2.0); // every true range is 2
    }
}
