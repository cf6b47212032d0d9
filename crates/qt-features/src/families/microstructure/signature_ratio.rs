//! Variance of the mid seen every second against every ten seconds.

use super::log_returns::log_return;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 142,
    name: "signature_ratio_5m",
    definition: "Σ r₁²/Σ r₁₀²; r₁₀ = ln mid returns over the last 30 complete intervals of the 10 s grid from the session start that have a positive mid at both ends, r₁ = those of the 1 s grid inside the same intervals",
    window: Window::Time(5 * MINUTE),
    range: POSITIVE,
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Nan,
    swap_sides: Symmetry::Open,
    source: "Zhang-Mykland-Aït-Sahalia 2005",
    ..Spec::MICROSTRUCTURE
}];

/// Intervals of ten seconds.
const INTERVALS: usize = 30;
/// Their length.
const LONG: i64 = 10 * SECOND;

struct SignatureRatio {
    /// Σ r₁² and r₁₀² of the last intervals; zeros where left out.
    ring: [(f64, f64); INTERVALS],
    oldest: usize,
    /// Next point of the 1 s grid; none before the first has passed.
    next: i64,
    /// Twice the mid at the last point of the 1 s grid.
    mid2: Option<i64>,
    /// Twice the mid where the interval of ten seconds began.
    begin2: Option<i64>,
    /// Σ r₁² of that interval so far.
    short: f64,
    value: f64,
}

impl SignatureRatio {
    /// Σ r₁² of the interval of ten seconds with the second that ends now.
    fn with_second(&self, mid2: Option<i64>) -> f64 {
        let r = log_return(self.mid2, mid2);
        if r.is_nan() { self.short } else { self.short + r * r }
    }

    /// Both variances of the interval of ten seconds that ends now.
    fn interval(&self, mid2: Option<i64>) -> (f64, f64) {
        let r = log_return(self.begin2, mid2);
        if r.is_nan() { (0.0, 0.0) } else { (self.with_second(mid2), r * r) }
    }

    fn ratio(&self, last: Option<(f64, f64)>) -> f64 {
        let (late, early) = self.ring.split_at(self.oldest);
        let skipped = usize::from(last.is_some());
        let (mut short, mut long) = (0.0, 0.0);
        for (s, l) in early.iter().chain(late).skip(skipped).copied().chain(last) {
            short += s;
            long += l;
        }
        if long > 0.0 { short / long } else { f64::NAN }
    }
}

impl Feature for SignatureRatio {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            f64::NAN
        } else if t == self.next && (t - flow.session.start) % LONG == 0 {
            // Read at a grid point that has not passed: the mid now stands in for it.
            self.ratio(Some(self.interval(flow.mid2())))
        } else {
            self.value
        }
    }

    fn on_grid(&mut self, t: i64, flow: &Flow) {
        let mid2 = flow.mid2();
        if t != self.next {
            // The first point, or points in between were left out.
            (self.mid2, self.begin2, self.short) = (None, None, 0.0);
        }
        if (t - flow.session.start) % LONG == 0 {
            self.ring[self.oldest] = self.interval(mid2);
            self.oldest = (self.oldest + 1) % INTERVALS;
            self.value = self.ratio(None);
            (self.begin2, self.short) = (mid2, 0.0);
        } else {
            self.short = self.with_second(mid2);
        }
        (self.mid2, self.next) = (mid2, t + SECOND);
    }

    fn on_session(&mut self) {
        *self = Self::new();
    }
}

impl SignatureRatio {
    const fn new() -> Self {
        Self {
            ring: [(0.0, 0.0); INTERVALS],
            oldest: 0,
            next: i64::MIN,
            mid2: None,
            begin2: None,
            short: 0.0,
            value: f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH | cause::GRID);
    setup.flow.want_touch();
    // Thirty whole intervals, and those that the first and the last point cut.
    setup.on_grid(SECOND, 10 * (INTERVALS as i64 + 2));
    Box::new(SignatureRatio::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Quote;

    #[test]
    fn a_bounce_is_seen_every_second_only() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        flow.now = 0;
        flow.start_session();
        for k in 1..=400 {
            // Up and down by one every second, and up by ten with every tenth.
            let bid_px = 1_000 + (k % 2) + 10 * (k / 10);
            let quote = Event::from(Quote {
                bid_px: i32::try_from(bid_px).unwrap(),
                ask_px: i32::try_from(bid_px).unwrap() + 2,
                bid_sz: 1,
                ask_sz: 1,
                ..Quote::default()
            });
            flow.now = k * SECOND;
            flow.apply(&quote);
            flow.settle(&quote);
            f.on_grid(k * SECOND, &flow);
        }
        let mid = |k: i64| (1_001 + (k % 2) + 10 * (k / 10)) as f64;
        let rv = |step: i64| {
            (1..=300 / step).map(|i| (mid(100 + i * step) / mid(100 + (i - 1) * step)).ln().powi(2)).sum::<f64>()
        };
        let got = f.value(&flow, 400 * SECOND);
        assert!((got - rv(1) / rv(10)).abs() < 1e-10, "{got}");
    }
}
