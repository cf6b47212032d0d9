//! Log returns of the mid on a time grid, and features that are a statistic of the last ones.

use crate::prelude::*;

/// The last log returns between neighbouring points of a grid. A return needs a positive mid at both ends; where one
/// is missing the return is left out, and its neighbours then follow each other.
pub struct LogReturns {
    step: i64,
    /// The returns twice over, so that from `oldest` on they are in one piece; NaN where left out.
    ring: Box<[f64]>,
    oldest: usize,
    /// How many are left out.
    missing: usize,
    /// Next grid point; none before the first has passed.
    next: i64,
    mid2: Option<i64>,
    present: Vec<f64>,
}

/// ln(b/a), accurate where b is near a; NaN where a mid is missing or not positive.
pub fn log_return(a: Option<i64>, b: Option<i64>) -> f64 {
    match (a, b) {
        (Some(a), Some(b)) if a > 0 && b > 0 => ((b - a) as f64 / a as f64).ln_1p(),
        _ => f64::NAN,
    }
}

impl LogReturns {
    /// The last `n` returns over `step` ns.
    pub fn new(step: i64, n: usize) -> Self {
        Self {
            step,
            ring: vec![f64::NAN; 2 * n].into_boxed_slice(),
            oldest: 0,
            missing: n,
            next: i64::MIN,
            mid2: None,
            present: Vec::with_capacity(n),
        }
    }

    /// Whether `t` is the grid point that passes next.
    #[inline(always)]
    pub fn ends_at(&self, t: i64) -> bool {
        t == self.next
    }

    /// Takes a grid point that has passed.
    pub fn push(&mut self, t: i64, mid2: Option<i64>) {
        let before = if t == self.next { self.mid2 } else { None };
        let (n, last) = (self.ring.len() / 2, log_return(before, mid2));
        self.missing += usize::from(last.is_nan());
        self.missing -= usize::from(self.ring[self.oldest].is_nan());
        (self.ring[self.oldest], self.ring[self.oldest + n]) = (last, last);
        self.oldest = (self.oldest + 1) % n;
        (self.mid2, self.next) = (mid2, t + self.step);
    }

    /// The returns that there are, oldest first; `standing`: twice the mid now, where it stands in for the next point.
    pub fn present(&mut self, standing: Option<Option<i64>>) -> &[f64] {
        let returns = &self.ring[self.oldest..][..self.ring.len() / 2];
        if self.missing == 0 && standing.is_none() {
            return returns;
        }
        self.present.clear();
        let all = returns.iter().skip(usize::from(standing.is_some())).copied();
        let last = standing.map(|mid2| log_return(self.mid2, mid2));
        self.present.extend(all.chain(last).filter(|r| !r.is_nan()));
        &self.present
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.ring.fill(f64::NAN);
        self.missing = self.ring.len() / 2;
        (self.oldest, self.next, self.mid2) = (0, i64::MIN, None);
    }
}

/// A statistic of the last returns: computed at most once per grid point, when somebody reads it.
pub struct OfReturns {
    returns: LogReturns,
    statistic: fn(&[f64]) -> f64,
    /// The statistic at the last point, `None` until it is read.
    value: Option<f64>,
}

impl Feature for OfReturns {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        if self.returns.ends_at(t) {
            // Read at a grid point that has not passed: the mid now stands in for it.
            return (self.statistic)(self.returns.present(Some(flow.mid2())));
        }
        match self.value {
            Some(value) => value,
            None => *self.value.insert((self.statistic)(self.returns.present(None))),
        }
    }

    fn on_grid(&mut self, t: i64, flow: &Flow) {
        self.returns.push(t, flow.mid2());
        self.value = None;
    }

    fn on_session(&mut self) {
        self.returns.clear();
        self.value = None;
    }
}

impl OfReturns {
    /// The statistic of the last `n` returns over `step` ns.
    pub fn build(
        setup: &mut Setup<'_>,
        step: i64,
        n: usize,
        statistic: fn(&[f64]) -> f64,
    ) -> Box<dyn Feature> {
        setup.changes_with(cause::TOUCH | cause::GRID);
        setup.flow.want_touch();
        setup.on_grid(step, n as i64 + 1); // n returns have n + 1 ends
        Box::new(Self { returns: LogReturns::new(step, n), statistic, value: None })
    }
}

/// Sum of squares.
pub fn realized_variance(returns: &[f64]) -> f64 {
    returns.iter().fold(0.0, |sum, r| sum + r * r)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_returns_that_exist() {
        let mut r = LogReturns::new(10, 3);
        assert_eq!(r.present(None), []);
        for (t, mid2) in [(10, Some(100)), (20, Some(110)), (30, None), (40, Some(-4)), (50, Some(120))] {
            assert!(r.ends_at(t) || t == 10);
            r.push(t, mid2);
        }
        assert_eq!(r.present(None), []);
        assert_eq!(r.present(Some(Some(90))), [log_return(Some(120), Some(90))]);
        r.push(60, Some(132));
        r.push(70, Some(132));
        assert_eq!(r.present(None), [0.1f64.ln_1p(), 0.0]);
        r.push(95, Some(200)); // points in between were left out
        assert_eq!(r.present(Some(None)), [0.0]);
    }
}
