//! Awesome oscillator of Williams, in average true ranges.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 220,
    name: "awesome_osc",
    definition: "(SMA5−SMA34 of hl2)/ATR14",
    window: Window::Bars(34),
    warmup: Warmup::Items(34),
    zero: Zero::Nan,
    swap_sides: Symmetry::Moves,
    update: "U6",
    source: "Williams 1998",
    ..Spec::TECHNICAL
}];

/// Sums of H + L.
#[derive(Clone, Default)]
struct AwesomeOscillator {
    short: Total<5>,
    long: Total<34>,
}

impl Rule for AwesomeOscillator {
    fn close(&mut self, bar: &Bar) -> f64 {
        let twice = i64::from(bar.high) + i64::from(bar.low);
        self.short.push(twice);
        self.long.push(twice);
        match (self.short.value(), self.long.value()) {
            (Some(short), Some(long)) => (34 * short - 5 * long) as f64 / (2.0 * 5.0 * 34.0),
            _ => f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held_in_atr(AwesomeOscillator::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{last, rising};

    #[test]
    fn by_hand() {
        // Means 2 and 16.5 below the last bar, true range 2.
        assert_eq!(last(SPECS, build, "awesome_osc", &rising(34)), 7.25);
    }
}
