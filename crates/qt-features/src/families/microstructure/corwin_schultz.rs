//! Spread from highs and lows.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 130,
    name: "corwin_schultz_30m",
    family: Family::Microstructure,
    definition: "mean over the 5 consecutive pairs of the session's last six 5 min bars of max(0, 2(e^α−1)/(1+e^α)), α = (√(2β)−√β)/(3−2√2) − √(γ/(3−2√2)), β = Σ ln²(H/L) of the two bars, γ = ln² of their common range; 5 min bars are made of the bars that start in one five-minute span from the session start",
    window: Window::Footprints(6),
    range: (0.0, 2.0),
    warmup: Warmup::Items(6),
    reset: Reset::Session,
    swap_sides: Symmetry::Open,
    update: "U6",
    source: "Corwin-Schultz 2012",
    ..Spec::TECHNICAL
}];

/// Five-minute bars looked at.
const BARS: usize = 6;
/// Length of one.
const SPAN: i64 = 5 * MINUTE;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Range {
    high: i32,
    low: i32,
}

impl Range {
    fn with(self, o: Self) -> Self {
        Self { high: self.high.max(o.high), low: self.low.min(o.low) }
    }

    /// ln²(H/L).
    fn squared(self) -> f64 {
        let x = log_ratio(self.high, self.low);
        x * x
    }
}

/// The estimator for two consecutive bars; 0 where it would be negative.
fn spread(a: Range, b: Range) -> f64 {
    let k = 3.0 - 2.0 * std::f64::consts::SQRT_2;
    let (beta, gamma) = (a.squared() + b.squared(), a.with(b).squared());
    let alpha = ((2.0 * beta).sqrt() - beta.sqrt()) / k - (gamma / k).sqrt();
    if alpha < 0.0 { 0.0 } else { 2.0 * alpha.exp_m1() / (1.0 + alpha.exp()) }
}

#[derive(Debug, Clone, Default)]
struct CorwinSchultz {
    start: i64,
    /// The forming five-minute bar: its number in the session, and its range.
    forming: Option<(i64, Range)>,
    closed: Last<Range, BARS>,
    value: f64,
}

impl CorwinSchultz {
    fn take(&mut self, range: Range) {
        self.closed.push(range);
        self.value = if self.closed.full() {
            let pairs = (0..BARS - 1).rev().filter_map(|k| Some((self.closed.back(k + 1)?, self.closed.back(k)?)));
            pairs.map(|(a, b)| spread(a, b)).sum::<f64>() / (BARS - 1) as f64
        } else {
            f64::NAN
        };
    }
}

impl Rule for CorwinSchultz {
    fn close(&mut self, bar: &Bar) -> f64 {
        let number = (bar.start - self.start).div_euclid(SPAN);
        let range = Range { high: bar.high, low: bar.low };
        let forming = match self.forming.take() {
            Some((n, r)) if n == number => r.with(range),
            Some((_, r)) => {
                self.take(r);
                range
            }
            None => range,
        };
        if bar.end >= self.start + (number + 1) * SPAN {
            self.take(forming);
        } else {
            self.forming = Some((number, forming));
        }
        self.value
    }

    fn session(&mut self, start: i64, _held: f64) -> f64 {
        *self = Self { start, value: f64::NAN, ..Self::default() };
        f64::NAN
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(CorwinSchultz { value: f64::NAN, ..CorwinSchultz::default() }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::ohlcv;

    #[test]
    fn one_pair_by_hand() {
        let (a, b) = (Range { high: 102, low: 100 }, Range { high: 103, low: 100 });
        let (x, y, z) = ((1.02f64).ln(), (1.03f64).ln(), (1.03f64).ln());
        let k = 3.0 - 8.0f64.sqrt();
        let alpha = ((2.0 * (x * x + y * y)).sqrt() - (x * x + y * y).sqrt()) / k - (z * z / k).sqrt();
        let expected = 2.0 * (alpha.exp() - 1.0) / (1.0 + alpha.exp());
        assert!(expected > 0.0);
        assert!((spread(a, b) - expected).abs() < 1e-12);
        assert_eq!(spread(Range { high: 100, low: 100 }, Range { high: 110, low: 110 }), 0.0);
        assert!(spread(a, Range { high: 5, low: -5 }).is_nan());
    }

    #[test]
    fn a_session_begins_without_the_value_of_the_one_before() {
        let mut flow = qt_flow::Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        f.on_session_start(0);
        for minute in 0..30 {
            f.on_bar(&Bar { start: minute * MINUTE, end: (minute + 1) * MINUTE, ..ohlcv(100, 102, 100, 101, 1) });
        }
        assert!(f.value(&flow, 30 * MINUTE) >= 0.0);
        f.on_session_start(60 * MINUTE);
        assert!(f.value(&flow, 60 * MINUTE).is_nan());
    }

    #[test]
    fn minutes_are_joined_from_the_session_start() {
        let mut rule = CorwinSchultz::default();
        rule.session(7 * SECOND, f64::NAN);
        let bar = |minute: i64, high, low| Bar {
            start: 7 * SECOND + minute * MINUTE,
            end: 7 * SECOND + (minute + 1) * MINUTE,
            ..ohlcv(low, high, low, high, 1)
        };
        for minute in 0..29 {
            assert!(rule.close(&bar(minute, 102, 100)).is_nan());
        }
        let value = rule.close(&bar(29, 103, 100));
        let (usual, last) = (Range { high: 102, low: 100 }, Range { high: 103, low: 100 });
        assert_eq!(value, (4.0 * spread(usual, usual) + spread(usual, last)) / 5.0);
        assert_eq!(rule.close(&bar(30, 200, 50)), value, "held while the next one forms");
    }
}
