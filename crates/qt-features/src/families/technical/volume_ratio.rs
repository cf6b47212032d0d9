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

#[derive(Clone, Default)]
struct VolumeRatio {
    short: Total<5>,
    long: Total<20>,
}

impl Rule for VolumeRatio {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.short.push(bar.volume);
        self.long.push(bar.volume);
        if !self.long.full() {
            return f64::NAN;
        }
        ratio_or_nan(4 * self.short.sum(), self.long.sum()) // (short/5) / (long/20)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(VolumeRatio::default(), setup)
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
