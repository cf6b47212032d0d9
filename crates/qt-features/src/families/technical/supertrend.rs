//! Supertrend of Seban: side of a ratcheted band around the middle of the bar.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 198,
    name: "supertrend_10_3",
    definition: "direction, bands hl2 ± 3·ATR10: the upper one only falls unless C[−1] was above it, the lower one only \
                 rises unless C[−1] was below it; turns when C is beyond the band ahead; first +1 if C ≥ hl2, else −1",
    window: Window::Recursion,
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    warmup: Warmup::Items(11),
    update: "U7",
    source: "Seban",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct Trend {
    up: bool,
    upper: f64,
    lower: f64,
    close: f64,
}

#[derive(Clone)]
struct Supertrend {
    atr: Atr,
    trend: Option<Trend>,
}

impl Rule for Supertrend {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.atr.push(bar);
        let reach = 3.0 * self.atr.value();
        if reach.is_nan() {
            return f64::NAN;
        }
        let middle = (i64::from(bar.high) + i64::from(bar.low)) as f64 / 2.0;
        let (mut upper, mut lower, close) = (middle + reach, middle - reach, f64::from(bar.close));
        let up = match &self.trend {
            None => close >= middle,
            Some(last) => {
                if last.close <= last.upper {
                    upper = upper.min(last.upper);
                }
                if last.close >= last.lower {
                    lower = lower.max(last.lower);
                }
                if last.up { close >= lower } else { close > upper }
            }
        };
        self.trend = Some(Trend { up, upper, lower, close });
        if up { 1.0 } else { -1.0 }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Supertrend { atr: Atr::new(10), trend: None }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{bar, falling, last, rising};

    #[test]
    fn by_hand() {
        assert_eq!(last(SPECS, build, "supertrend_10_3", &rising(40)), 1.0);
        // True ranges 2 and C = hl2, so up at first; the lower band stays at 90 − 6 = 84 while prices fall, C passes it
        // at bar 18.
        assert_eq!(last(SPECS, build, "supertrend_10_3", &falling(17)), 1.0);
        assert_eq!(last(SPECS, build, "supertrend_10_3", &falling(18)), -1.0);
        // After a fall to 61 the upper band is at 61 + 6; a close there is not above it.
        let then = |c: i32| falling(40).into_iter().chain([bar(c, 60, c)]).collect::<Vec<_>>();
        assert_eq!(last(SPECS, build, "supertrend_10_3", &then(67)), -1.0);
        assert_eq!(last(SPECS, build, "supertrend_10_3", &then(68)), 1.0);
    }
}
