//! Building blocks of the technical family, seeded as TA-Lib does with zero unstable period.

use qt_flow::Bar;

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
    pub fn value(&self) -> f64 {
        if self.seen < self.n { f64::NAN } else { self.value }
    }
}

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

/// Average true range in ticks. The first true range needs the close before it, so `n` + 1 bars are needed.
#[derive(Debug, Clone)]
pub struct Atr {
    smooth: Wilder,
    close: Option<i32>,
}

impl Atr {
    /// An average over `n` true ranges.
    pub fn new(n: u32) -> Self {
        Self { smooth: Wilder::new(n), close: None }
    }

    /// Takes a bar.
    pub fn push(&mut self, bar: &Bar) {
        if let Some(close) = self.close {
            let range = i64::from(bar.high.max(close)) - i64::from(bar.low.min(close));
            self.smooth.push(range as f64);
        }
        self.close = Some(bar.close);
    }

    /// The average; NaN before `n` + 1 bars.
    pub fn value(&self) -> f64 {
        self.smooth.value()
    }
}

/// The last `N` values, for lags and rolling extremes.
#[derive(Debug, Clone)]
pub struct Last<T, const N: usize> {
    ring: [T; N],
    seen: usize,
}

impl<T: Copy + Default, const N: usize> Default for Last<T, N> {
    fn default() -> Self {
        Self { ring: [T::default(); N], seen: 0 }
    }
}

impl<T: Copy + Default, const N: usize> Last<T, N> {
    /// Takes a value.
    pub fn push(&mut self, x: T) {
        self.ring[self.seen % N] = x;
        self.seen += 1;
    }

    /// Whether `N` values were seen.
    pub fn full(&self) -> bool {
        self.seen >= N
    }

    /// The value `k` < `N` back, 0 being the last; `None` where there is none.
    pub fn back(&self, k: usize) -> Option<T> {
        (k < N && k < self.seen).then(|| self.ring[(self.seen - 1 - k) % N])
    }

    /// The values kept, in no order; only the seen ones.
    pub fn values(&self) -> &[T] {
        &self.ring[..self.seen.min(N)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(high: i32, low: i32, close: i32) -> Bar {
        Bar { start: 0, end: 0, open: close, high, low, close, volume: 0, sides: None }
    }

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

    #[test]
    fn atr_by_hand() {
        let mut a = Atr::new(2);
        a.push(&bar(12, 8, 10));
        a.push(&bar(13, 11, 12)); // 13 − 10 = 3
        assert!(a.value().is_nan());
        a.push(&bar(12, 5, 6)); // 7
        assert_eq!(a.value(), 5.0);
        a.push(&bar(7, 6, 7)); // 1
        assert_eq!(a.value(), 3.0);
    }

    #[test]
    fn lags() {
        let mut l = Last::<i32, 3>::default();
        for x in 1..=5 {
            l.push(x);
        }
        assert_eq!((l.back(0), l.back(2), l.back(3), l.full()), (Some(5), Some(3), None, true));
    }
}
