//! Smoothing of Wilder.

/// Smoothing of Wilder (1978): the mean of the first `n` values, then `a ← (a·(n−1) + x)·(1/n)`.
///
/// The product with 1/n is what TA-Lib computes, so the numbers are its own to the bit; a division would take the
/// length of the whole recursion again.
#[derive(Debug, Clone)]
pub struct Wilder {
    n: u32,
    seen: u32,
    kept: f64,
    share: f64,
    value: f64,
}

impl Wilder {
    /// Smoothing over `n` values.
    pub fn new(n: u32) -> Self {
        let length = f64::from(n);
        Self { n, seen: 0, kept: length - 1.0, share: 1.0 / length, value: 0.0 }
    }

    /// Takes a value.
    #[inline]
    pub fn push(&mut self, x: f64) {
        if self.seen < self.n {
            self.seen += 1;
            self.value += x;
            if self.seen == self.n {
                self.value /= f64::from(self.n);
            }
        } else {
            self.value = (self.value * self.kept + x) * self.share;
        }
    }

    /// The smoothed value; NaN before `n` values.
    #[inline]
    pub fn value(&self) -> f64 {
        if self.seen < self.n { f64::NAN } else { self.value }
    }
}
