//! Force index of Elder.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 249,
    name: "force_index_13",
    definition: "EMA13(ΔC·v)/(ATR14·SMA20(v)); the EMA starts from the mean of the first 13 changes",
    window: Window::Bars(20),
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U7",
    source: "Elder",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct ForceIndex {
    close: Option<i32>,
    force: Ema,
    atr: Atr,
    volumes: Total<20>,
}

impl ForceIndex {
    fn new() -> Self {
        Self { close: None, force: Ema::new(13), atr: Atr::new(14), volumes: Total::default() }
    }
}

impl Rule for ForceIndex {
    fn close(&mut self, bar: &Bar) -> f64 {
        if let Some(before) = self.close.replace(bar.close) {
            let force = (i128::from(bar.close) - i128::from(before)) * i128::from(bar.volume);
            self.force.push(force as f64);
        }
        self.atr.push(bar);
        self.volumes.push(bar.volume);
        if !self.volumes.full() {
            return f64::NAN;
        }
        quotient(20.0 * self.force.value(), self.atr.value() * self.volumes.sum() as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(ForceIndex::new(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // Every bar rises by 2 with 5 contracts, and its true range is 4.
        let bars: Vec<Bar> = (0..25).map(|k| 100 + 2 * k).map(|c| ohlcv(c, c + 1, c - 3, c, 5)).collect();
        assert!(last(ForceIndex::new(), &bars[..19]).is_nan());
        assert!((last(ForceIndex::new(), &bars) - 10.0 / (4.0 * 5.0)).abs() < 1e-15);
        assert!(last(ForceIndex::new(), &vec![ohlcv(1, 1, 1, 1, 5); 25]).is_nan());
    }
}
