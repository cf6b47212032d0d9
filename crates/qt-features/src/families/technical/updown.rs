//! Balance of rising and falling closes.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 171,
    name: "updown_10",
    definition: "(# C>C[−1] − # C<C[−1])/10 over the last 10 bars",
    window: Window::Bars(10),
    range: (-1.0, 1.0),
    warmup: Warmup::Items(11),
    swap_sides: Symmetry::Moves,
    update: "U1",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct UpDown {
    close: Option<i32>,
    signs: Total<10>,
}

impl Rule for UpDown {
    fn close(&mut self, bar: &Bar) -> f64 {
        if let Some(before) = self.close.replace(bar.close) {
            self.signs.push((i64::from(bar.close) - i64::from(before)).signum());
        }
        if self.signs.full() { self.signs.sum() as f64 / 10.0 } else { f64::NAN }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(UpDown::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        let closes = [5, 6, 7, 8, 9, 8, 7, 7, 7, 8, 9]; // six up, two down, two flat
        let bars: Vec<Bar> = closes.iter().map(|&c| ohlcv(c, c, c, c, 1)).collect();
        assert!(last(UpDown::default(), &bars[..10]).is_nan());
        assert_eq!(last(UpDown::default(), &bars), 0.4);
    }
}
