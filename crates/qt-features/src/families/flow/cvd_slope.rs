//! Trend of the cumulative volume delta.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 20,
    name: "cvd_slope_5m",
    definition: "least-squares slope on time of B−S since the session start, at the last 300 points of the 1 s grid that starts 1 s after the session start",
    window: Window::Time(5 * MINUTE),
    unit: "contracts/s",
    warmup: Warmup::Time(5 * MINUTE),
    scale_sizes: Symmetry::Moves,
    update: "U6",
    ..Spec::ORDER_FLOW
}];

/// Grid points that the line is fitted to.
const POINTS: i64 = 300;

/// Exact sums for a line through the last points; x counts from the oldest point.
#[derive(Clone)]
struct Line {
    ring: Box<[i64]>,
    n: i64,
    next: usize,
    sum_y: i64,
    sum_xy: i64,
}

impl Line {
    fn new() -> Self {
        Self { ring: vec![0; POINTS as usize].into_boxed_slice(), n: 0, next: 0, sum_y: 0, sum_xy: 0 }
    }

    fn push(&mut self, y: i64) {
        if self.n == POINTS {
            let oldest = self.ring[self.next];
            self.sum_y -= oldest;
            self.sum_xy -= self.sum_y; // every x falls by one; the oldest had x = 0
        } else {
            self.n += 1;
        }
        self.ring[self.next] = y;
        self.next = (self.next + 1) % POINTS as usize;
        self.sum_y += y;
        self.sum_xy += (self.n - 1) * y;
    }

    /// Least-squares slope per point; NaN with fewer than two points.
    fn slope(&self) -> f64 {
        if self.n < 2 {
            return f64::NAN;
        }
        let n = i128::from(self.n);
        let sum_x = n * (n - 1) / 2;
        let sum_xx = n * (n - 1) * (2 * n - 1) / 6;
        let part = n * i128::from(self.sum_xy) - sum_x * i128::from(self.sum_y);
        float(part) / float(n * sum_xx - sum_x * sum_x)
    }
}

struct CvdSlope {
    line: Line,
    /// Last grid point taken in, 0 before one.
    last: i64,
    scratch: Line,
}

impl Feature for CvdSlope {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        // Read at a grid point that has not passed: the value now stands in for it.
        if t != self.last && t > flow.session.start && (t - flow.session.start) % SECOND == 0 {
            let Line { n, next, sum_y, sum_xy, .. } = self.line;
            self.scratch.ring.copy_from_slice(&self.line.ring);
            (self.scratch.n, self.scratch.next) = (n, next);
            (self.scratch.sum_y, self.scratch.sum_xy) = (sum_y, sum_xy);
            self.scratch.push(flow.tape.session().delta());
            self.scratch.slope()
        } else {
            self.line.slope()
        }
    }

    fn on_grid(&mut self, t: i64, flow: &Flow) {
        self.line.push(flow.tape.session().delta());
        self.last = t;
    }

    fn on_session(&mut self) {
        (self.line.n, self.line.next, self.line.sum_y, self.line.sum_xy) = (0, 0, 0, 0);
        self.last = 0;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::GRID);
    setup.on_grid(SECOND, POINTS);
    Box::new(CvdSlope { line: Line::new(), last: 0, scratch: Line::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_exact() {
        let mut line = Line::new();
        assert!(line.slope().is_nan());
        for k in 0..1000 {
            line.push(7 * k - 400);
        }
        assert_eq!(line.slope(), 7.0);
    }

    #[test]
    fn equals_the_textbook_formula() {
        let mut line = Line::new();
        let ys: Vec<i64> = (0..450).map(|k| (k * k * 37) % 101 - 50).collect();
        for &y in &ys {
            line.push(y);
        }
        let y = &ys[150..];
        let (mx, my) = (149.5, y.iter().sum::<i64>() as f64 / 300.0);
        let sxy: f64 = y.iter().enumerate().map(|(x, &y)| (x as f64 - mx) * (y as f64 - my)).sum();
        let sxx: f64 = (0..300).map(|x| (f64::from(x) - mx).powi(2)).sum();
        assert!((line.slope() - sxy / sxx).abs() < 1e-12);
    }
}
