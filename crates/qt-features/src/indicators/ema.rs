//! Exponential moving average.

/// Exponential moving average; starts from the simple average of its first `n` values.
///
/// `e ← (x − e)·k + e` with k = 2/(n+1).
#[derive(Debug, Clone)]
pub struct Ema {
    n: u32,
    k: f64,
    seen: u32,
    value: f64,
}

impl Ema {
    /// An average over `n` values.
    pub fn new(n: u32) -> Self {
        Self { n, k: 2.0 / (f64::from(n) + 1.0), seen: 0, value: 0.0 }
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
            self.value = (x - self.value) * self.k + self.value;
        }
    }

    /// The average; NaN before `n` values.
    #[inline]
    pub fn value(&self) -> f64 {
        if self.seen < self.n { f64::NAN } else { self.value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ema_starts_from_the_simple_average() {
        let mut e = Ema::new(3);
        for x in [1.0, 2.0] {
            e.push(x);
            assert!(e.value().is_nan());
        }
        e.push(6.0);
        assert_eq!(e.value(), 3.0);
        e.push(5.0);
        assert_eq!(e.value(), 4.0);
    }
}
