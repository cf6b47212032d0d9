//! Simple moving average.

/// Mean of the last `n` values.
///
/// The sum is kept by adding and subtracting, and taken anew each time the ring has gone round: what rounding leaves
/// behind does not outlive `n` values.
#[derive(Debug, Clone)]
pub struct Sma {
    ring: Box<[f64]>,
    next: usize,
    full: bool,
    sum: f64,
}

impl Sma {
    /// A mean over `n` values.
    pub fn new(n: u32) -> Self {
        Self { ring: vec![0.0; n as usize].into_boxed_slice(), next: 0, full: false, sum: 0.0 }
    }

    /// Takes a value.
    #[inline]
    pub fn push(&mut self, x: f64) {
        if let Some(oldest) = self.ring.get_mut(self.next) {
            self.sum = self.sum - *oldest + x; // the ring begins with zeros
            *oldest = x;
        }
        self.next += 1;
        if self.next == self.ring.len() {
            (self.next, self.full) = (0, true);
            self.sum = self.ring.iter().fold(0.0, |sum, x| sum + x);
        }
    }

    /// The mean; NaN before `n` values.
    #[inline]
    pub fn value(&self) -> f64 {
        if self.full { self.sum / self.ring.len() as f64 } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut s = Sma::new(2);
        s.push(1.0);
        assert!(s.value().is_nan());
        for (x, mean) in [(2.0, 1.5), (5.0, 3.5), (-5.0, 0.0)] {
            s.push(x);
            assert_eq!(s.value(), mean);
        }
    }

    #[test]
    fn rounding_does_not_stay() {
        let mut s = Sma::new(3);
        for x in [1e17, 1.0, 1.0, 0.5, 0.25, 0.75] {
            s.push(x);
        }
        assert_eq!(s.value(), 0.5);
    }
}
