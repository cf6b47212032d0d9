//! Recent against usual volume.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 242,
    name: "volume_ratio_5_20",
    definition: "SMA5(v)/SMA20(v)",
    window: Window::Bars(20),
    range: (0.0, 4.0),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Keeps,
    update: "U6",
    ..Spec::TECHNICAL
}];

#[derive(Default)]
struct VolumeRatio {
    volumes: Last<i64, 20>,
}

impl Feature for VolumeRatio {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        if !self.volumes.full() {
            return f64::NAN;
        }
        let long: i64 = self.volumes.values().iter().sum();
        let short: i64 = (0..5).filter_map(|k| self.volumes.back(k)).sum();
        ratio_or_nan(4 * short, long) // (short/5) / (long/20)
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.volumes.push(bar.volume);
    }

    fn on_roll(&mut self) {
        *self = Self::default();
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(VolumeRatio::default())
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
            let volume = if k < 15 { 10 } else { 30 };
            f.on_bar(&Bar { start: 0, end: 0, open: 1, high: 1, low: 1, close: 1, volume, sides: None });
        }
        assert_eq!(f.value(&flow, 0), 2.0); // 30 / 15
    }
}
