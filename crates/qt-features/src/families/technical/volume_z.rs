//! Standard score of the bar's volume.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 241,
    name: "volume_z_20",
    definition: "(v−mean)/population sd of the volumes of the last 20 bars",
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Keeps,
    update: "U6",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct VolumeScore(Moments<20>);

impl Rule for VolumeScore {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar.volume);
        if self.0.full() { quotient(self.0.distance(bar.volume), self.0.spread()) } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(VolumeScore::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        let bars: Vec<Bar> = (0..20).map(|k| ohlcv(1, 1, 1, 1, if k % 2 == 0 { 10 } else { 30 })).collect();
        assert!(last(VolumeScore::default(), &bars[..19]).is_nan());
        assert_eq!(last(VolumeScore::default(), &bars), 1.0); // mean 20, sd 10
        assert!(last(VolumeScore::default(), &vec![ohlcv(1, 1, 1, 1, 5); 20]).is_nan());
    }
}
