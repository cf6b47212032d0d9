//! Smoothing of Wilder.

/// Smoothing of Wilder (1978): the mean of the first `n` values, then `a ← (a·(n−1) + x)/n`.
#[derive(Debug, Clone)]
pub struct Wilder {
    n: u32,
    seen: u32,
    value: f64,
}

impl Wilder {
    /// Smoothing over `n` values.
    pub fn new(n: u32) -> Self {
        Self { n, seen: 0, value: 0.0 }
    }

    /// Takes a value.
    pub fn push(&mut self, x: f64) {
        let n = f64::from(self.n);
        if self.seen < self.n {
            self.seen += 1;
            self.value += x;
            if self.seen == self.n {
                self.value /= n;
            }
        } else {
            self.value = (self.value * (n - 1.0) + x) / n;
        }
    }

    /// The smoothed value; NaN before `n` values.
    pub fn value(&self) -> f64 {
        if self.seen < self.n { f64::NAN } else { self.value }
    }
}
