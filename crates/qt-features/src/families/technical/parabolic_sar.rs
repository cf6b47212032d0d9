//! Parabolic stop and reverse of Wilder (1978).

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 194,
    name: "psar_dist",
    definition: "(C−SAR)/ATR14, step 0.02, at most 0.2; long at first, short if bar 2 has −DM > 0 (minus_di_14); \
                 the stop is at an extreme of the bar before",
    window: Window::Recursion,
    warmup: Warmup::Items(15),
    zero: Zero::Nan,
    update: "U7",
    source: "Wilder 1978; TA-Lib SAR",
    ..Spec::TECHNICAL
}];

const STEP: f64 = 0.02;
const MOST: f64 = 0.2;

#[derive(Clone)]
struct Position {
    long: bool,
    /// The stop of the next bar.
    stop: f64,
    /// Best price since the last turn.
    extreme: f64,
    acceleration: f64,
}

#[derive(Clone, Default)]
struct ParabolicSar {
    /// Low and high of the bar before.
    last: Option<(i32, i32)>,
    position: Option<Position>,
}

impl Position {
    /// At the second bar.
    fn begin(last: (i32, i32), bar: &Bar) -> Self {
        let down = i64::from(last.0) - i64::from(bar.low);
        let up = i64::from(bar.high) - i64::from(last.1);
        let long = down <= 0 || down <= up;
        let (stop, extreme) = if long { (last.0, bar.high) } else { (last.1, bar.low) };
        Self { long, stop: f64::from(stop), extreme: f64::from(extreme), acceleration: STEP }
    }

    /// Returns the stop of this bar, after a turn if the bar reaches it, and moves the stop to the next bar.
    /// `low` and `high` are the extremes of this bar and the one before.
    fn step(&mut self, bar: &Bar, low: f64, high: f64) -> f64 {
        let (bar_low, bar_high) = (f64::from(bar.low), f64::from(bar.high));
        let reached = if self.long { bar_low <= self.stop } else { bar_high >= self.stop };
        let best = if self.long == reached { bar_low } else { bar_high };
        if reached {
            self.long = !self.long;
            self.stop = self.beyond(self.extreme, low, high);
            self.extreme = best;
            self.acceleration = STEP;
        } else if (self.long && best > self.extreme) || (!self.long && best < self.extreme) {
            self.extreme = best;
            self.acceleration = (self.acceleration + STEP).min(MOST);
        }
        let stop = self.stop;
        self.stop = self.beyond(stop + self.acceleration * (self.extreme - stop), low, high);
        stop
    }

    /// A stop is never inside the last two bars.
    fn beyond(&self, stop: f64, low: f64, high: f64) -> f64 {
        if self.long { stop.min(low) } else { stop.max(high) }
    }
}

impl Rule for ParabolicSar {
    fn close(&mut self, bar: &Bar) -> f64 {
        let Some(last) = self.last.replace((bar.low, bar.high)) else { return f64::NAN };
        let (low, high) = match self.position {
            Some(_) => (last.0.min(bar.low), last.1.max(bar.high)),
            None => (bar.low, bar.high), // TA-Lib looks at the second bar alone
        };
        let position = self.position.get_or_insert_with(|| Position::begin(last, bar));
        f64::from(bar.close) - position.step(bar, f64::from(low), f64::from(high))
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held_in_atr(ParabolicSar::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{bar, falling, last, rising};

    #[test]
    fn one_direction_only() {
        // The stop starts at 99 under an extreme of 102 that rises by 1 a bar.
        let (mut stop, mut extreme, mut acceleration) = (99.0, 102.0, 0.02f64);
        for _ in 3..=20 {
            stop += acceleration * (extreme - stop);
            extreme += 1.0;
            acceleration = (acceleration + 0.02).min(0.2);
        }
        let up = last(SPECS, build, "psar_dist", &rising(20));
        assert!((up - (119.0 - stop) / 2.0).abs() < 1e-12);
        assert!((last(SPECS, build, "psar_dist", &falling(20)) + up).abs() < 1e-12);
    }

    #[test]
    fn a_turn() {
        // A deep low turns a rise of 20 bars: the stop goes to the highest high, 120.
        let bars: Vec<_> = rising(20).into_iter().chain([bar(119, 50, 60)]).collect();
        let atr = (2.0 * 13.0 + 69.0) / 14.0;
        assert!((last(SPECS, build, "psar_dist", &bars) - (60.0 - 120.0) / atr).abs() < 1e-12);
    }
}
