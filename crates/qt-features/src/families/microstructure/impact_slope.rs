//! Price impact: regressions of mid changes on signed flow, over intervals of ten seconds.

use crate::prelude::*;

/// Length of an interval.
const STEP: i64 = 10 * SECOND;

const fn spec(number: u16, name: &'static str, definition: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition,
        inputs: &[Input::T, Input::L1],
        window: Window::Time(ns),
        unit: "ticks/contract",
        warmup: Warmup::Time(ns),
        zero: Zero::Nan,
        scale_sizes: Symmetry::Open,
        update: "U6",
        source: "Kyle 1985",
        ..Spec::MICROSTRUCTURE
    }
}

const KYLE: &str = "least-squares slope (with intercept) of Δmid/tick on B−S over the last W/10 s complete intervals of the 10 s grid from the session start; intervals without a mid at both ends are left out; NaN with fewer than 3 or with equal regressors";

const BETA: Spec = Spec {
    inputs: &[Input::L1],
    source: "Cont-Kukanov-Stoikov 2014",
    ..spec(
        125,
        "ofi_beta_30m",
        "least-squares slope (with intercept) of Δmid/tick on Σ e_n (book OFI) over the last 180 complete intervals of the 10 s grid from the session start; intervals without a mid at both ends are left out; NaN with fewer than 3 or with equal regressors",
        30 * MINUTE,
    )
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(123, "kyle_lambda_5m", KYLE, 5 * MINUTE),
    spec(124, "kyle_lambda_30m", KYLE, 30 * MINUTE),
    BETA,
    Spec {
        number: 126,
        name: "ofi_r2_30m",
        definition: "R² of the regression of ofi_beta_30m; NaN also where the mid did not move",
        unit: "",
        range: (0.0, 1.0),
        scale_sizes: Symmetry::Keeps,
        ..BETA
    },
];

/// Exact sums over points (x, y).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    n: i128,
    x: i128,
    y: i128,
    xx: i128,
    xy: i128,
    yy: i128,
}

impl Moments {
    fn add(&mut self, point: Option<(i64, i64)>, weight: i128) {
        if let Some((x, y)) = point {
            let (x, y) = (i128::from(x), i128::from(y));
            self.n += weight;
            self.x += weight * x;
            self.y += weight * y;
            self.xx += weight * x * x;
            self.xy += weight * x * y;
            self.yy += weight * y * y;
        }
    }

    /// n² times the covariance and the variances of x and y; `None` with fewer than three points.
    fn spread(&self) -> Option<(f64, f64, f64)> {
        let centred = |ab: i128, a: i128, b: i128| float(self.n * ab - a * b);
        (self.n >= 3).then(|| {
            (
                centred(self.xy, self.x, self.y),
                centred(self.xx, self.x, self.x),
                centred(self.yy, self.y, self.y),
            )
        })
    }

    /// Slope of y on x; y is twice the mid.
    fn slope(&self) -> f64 {
        match self.spread() {
            Some((xy, xx, _)) if xx > 0.0 => xy / (2.0 * xx),
            _ => f64::NAN,
        }
    }

    fn r2(&self) -> f64 {
        match self.spread() {
            Some((xy, xx, yy)) if xx > 0.0 && yy > 0.0 => ((xy / xx) * (xy / yy)).min(1.0),
            _ => f64::NAN,
        }
    }
}

/// The last intervals, `None` where a mid was missing.
struct Intervals {
    ring: Box<[Option<(i64, i64)>]>,
    next: usize,
    sums: Moments,
}

impl Intervals {
    fn push(&mut self, point: Option<(i64, i64)>) {
        self.sums.add(self.ring[self.next], -1);
        self.sums.add(point, 1);
        self.ring[self.next] = point;
        self.next = (self.next + 1) % self.ring.len();
    }

    /// The sums once `point` has pushed out the oldest interval.
    fn with(&self, point: Option<(i64, i64)>) -> Moments {
        let mut sums = self.sums;
        sums.add(self.ring[self.next], -1);
        sums.add(point, 1);
        sums
    }
}

struct ImpactSlope {
    /// The book's flow in ten seconds; without it the regressor is the delta of the tape.
    book: Option<WindowId>,
    r2: bool,
    intervals: Intervals,
    /// Next grid point; none before the first has passed.
    next: i64,
    mid2: Option<i64>,
    /// Delta of the session at the last grid point.
    delta: i64,
    value: f64,
}

impl ImpactSlope {
    /// The interval that ends now, if it began at the last grid point and has both mids.
    fn interval(&self, flow: &Flow) -> Option<(i64, i64)> {
        let x = match self.book {
            Some(window) => flow.ofi.sum(window),
            None => flow.tape.session().delta() - self.delta,
        };
        Some((x, flow.mid2()? - self.mid2?))
    }

    fn read(&self, sums: &Moments) -> f64 {
        if self.r2 { sums.r2() } else { sums.slope() }
    }
}

impl Feature for ImpactSlope {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        let measured = if self.book.is_some() { flow.measures_touch() } else { flow.touch().is_some() };
        if !measured {
            f64::NAN
        } else if t == self.next {
            // Read at a grid point that has not passed: the values now stand in for it.
            self.read(&self.intervals.with(self.interval(flow)))
        } else {
            self.value
        }
    }

    fn on_grid(&mut self, t: i64, flow: &Flow) {
        let whole = t == self.next;
        self.intervals.push(if whole { self.interval(flow) } else { None });
        (self.mid2, self.delta) = (flow.mid2(), flow.tape.session().delta());
        self.next = t + STEP;
        self.value = self.read(&self.intervals.sums);
    }

    fn on_session(&mut self) {
        self.intervals.ring.fill(None);
        self.intervals.sums = Moments::default();
        (self.next, self.mid2, self.delta, self.value) = (i64::MIN, None, 0, f64::NAN);
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let n = spec.window_ns() / STEP;
    setup.changes_with(cause::TOUCH | cause::GRID);
    setup.flow.want_touch();
    setup.on_grid(STEP, n + 1); // n intervals have n + 1 ends
    let book = (spec.number >= 125).then(|| setup.flow.ofi.window(STEP));
    let ring = vec![None; n as usize].into_boxed_slice();
    Box::new(ImpactSlope {
        book,
        r2: spec.number == 126,
        intervals: Intervals { ring, next: 0, sums: Moments::default() },
        next: i64::MIN,
        mid2: None,
        delta: 0,
        value: f64::NAN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_and_r2_by_hand() {
        let mut i =
            Intervals { ring: vec![None; 4].into_boxed_slice(), next: 0, sums: Moments::default() };
        for point in [Some((99, -50)), Some((0, 1)), None, Some((2, 5))] {
            i.push(point);
        }
        assert!(i.with(None).slope().is_nan(), "two points");
        i.push(Some((4, 3))); // pushes the first out
        // (0, 1), (2, 5), (4, 3): covariance 4/3, variances 8/3 and 8/3
        assert_eq!((i.sums.slope(), i.sums.r2()), (0.25, 0.25));
        let mut flat = Moments::default();
        for y in 0..5 {
            flat.add(Some((7, y)), 1);
        }
        assert!(flat.slope().is_nan() && flat.r2().is_nan());
    }
}
