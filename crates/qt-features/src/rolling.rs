//! Windows over the last `N` bars: exact sums of integers, floats taken anew, extremes.

use qt_flow::moments::float;

use crate::indicators::Last;

/// ln(a/b) of two prices; NaN unless both are positive: series that are adjusted or quoted as a difference may
/// cross zero, and have no return there.
#[inline]
pub fn log_ratio(a: i32, b: i32) -> f64 {
    if a > 0 && b > 0 { (f64::from(a) / f64::from(b)).ln() } else { f64::NAN }
}

/// a/b; NaN where b is 0 (`ZN`).
#[inline]
pub fn quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// Exact sum of the last `N` integers.
#[derive(Debug, Clone, Default)]
pub struct Total<const N: usize> {
    ring: Last<i64, N>,
    sum: i64,
}

impl<const N: usize> Total<N> {
    /// Takes a value.
    pub fn push(&mut self, x: i64) {
        self.sum += x - self.oldest();
        self.ring.push(x);
    }

    /// Whether `N` values were seen.
    pub fn full(&self) -> bool {
        self.ring.full()
    }

    /// Sum of the values in the window.
    pub fn sum(&self) -> i64 {
        self.sum
    }

    /// Sum of the window; `None` before `N` values.
    pub fn value(&self) -> Option<i64> {
        self.full().then_some(self.sum)
    }

    /// The value that the next one pushes out; 0 before `N` values.
    pub fn oldest(&self) -> i64 {
        self.ring.back(N - 1).unwrap_or(0)
    }
}

/// Exact first and second moments of the last `N` integers.
#[derive(Debug, Clone, Default)]
pub struct Moments<const N: usize> {
    total: Total<N>,
    squares: i128,
}

impl<const N: usize> Moments<N> {
    /// Takes a value.
    pub fn push(&mut self, x: i64) {
        let square = |x: i64| i128::from(x) * i128::from(x);
        self.squares += square(x) - self.total.ring.back(N - 1).map_or(0, square);
        self.total.push(x);
    }

    /// Whether `N` values were seen.
    pub fn full(&self) -> bool {
        self.total.full()
    }

    /// Sum of the values in the window.
    pub fn sum(&self) -> i64 {
        self.total.sum
    }

    /// `N` times the population standard deviation: √(N·Σx² − (Σx)²), integers up to the root.
    pub fn spread(&self) -> f64 {
        let sum = i128::from(self.total.sum);
        float(N as i128 * self.squares - sum * sum).sqrt()
    }

    /// `N` times the distance of `x` from the mean.
    pub fn distance(&self, x: i64) -> f64 {
        float(N as i128 * i128::from(x) - i128::from(self.total.sum))
    }
}

/// The last `N` floats. What is asked of them is taken anew from the ring, a few hundred additions a minute at
/// most: nothing drifts, a window of equal values has exactly no variance, and a NaN is gone with its bar.
#[derive(Debug, Clone, Default)]
pub struct Floats<const N: usize>(Last<f64, N>);

impl<const N: usize> Floats<N> {
    /// Takes a value.
    pub fn push(&mut self, x: f64) {
        self.0.push(x);
    }

    /// Whether `N` values were seen.
    pub fn full(&self) -> bool {
        self.0.full()
    }

    /// The value `k` < `N` back, 0 being the last.
    pub fn back(&self, k: usize) -> Option<f64> {
        self.0.back(k)
    }

    /// Sum of the values in the window.
    pub fn sum(&self) -> f64 {
        self.0.values().iter().sum()
    }

    /// Mean of the window; NaN before it is full.
    pub fn mean(&self) -> f64 {
        if self.full() { self.sum() / N as f64 } else { f64::NAN }
    }

    /// Sample variance (divisor `n` − 1) of the last `n` ≤ `N` values; NaN before there are as many.
    pub fn sample_variance(&self, n: usize) -> f64 {
        if n > N || self.0.back(n - 1).is_none() {
            return f64::NAN;
        }
        let last = || (0..n).filter_map(|k| self.0.back(k));
        let mean = last().sum::<f64>() / n as f64;
        last().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1) as f64
    }
}

/// Greatest high and least low of the last `N` bars, by monotonic queues.
#[derive(Debug, Clone)]
pub struct Extremes<const N: usize> {
    high: Queue<N>,
    low: Queue<N>,
    seen: u64,
}

impl<const N: usize> Default for Extremes<N> {
    fn default() -> Self {
        Self { high: Queue::default(), low: Queue::default(), seen: 0 }
    }
}

impl<const N: usize> Extremes<N> {
    /// Takes the extremes of a bar.
    pub fn push(&mut self, high: i32, low: i32) {
        self.high.push(self.seen, i64::from(high));
        self.low.push(self.seen, -i64::from(low));
        self.seen += 1;
    }

    /// Whether `N` bars were seen.
    pub fn full(&self) -> bool {
        self.seen >= N as u64
    }

    /// Greatest high of the window; after a push.
    pub fn high(&self) -> i64 {
        self.high.greatest()
    }

    /// Least low of the window; after a push.
    pub fn low(&self) -> i64 {
        -self.low.greatest()
    }
}

/// Candidates for the greatest of the last `N` values: each is greater than all that came after it.
#[derive(Debug, Clone)]
struct Queue<const N: usize> {
    ring: [(u64, i64); N],
    /// Positions of the first candidate and behind the last one; the slot is the position modulo `N`.
    first: usize,
    end: usize,
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Self {
        Self { ring: [(0, 0); N], first: 0, end: 0 }
    }
}

impl<const N: usize> Queue<N> {
    fn push(&mut self, index: u64, x: i64) {
        while self.end > self.first && self.ring[(self.end - 1) % N].1 <= x {
            self.end -= 1;
        }
        if self.end > self.first && self.ring[self.first % N].0 + N as u64 <= index {
            self.first += 1;
        }
        self.ring[self.end % N] = (index, x);
        self.end += 1;
    }

    fn greatest(&self) -> i64 {
        self.ring[self.first % N].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_by_hand() {
        let mut m = Moments::<4>::default();
        for x in [100, 1, 2, 3, 6] {
            m.push(x);
        }
        assert_eq!((m.full(), m.sum()), (true, 12));
        assert_eq!(m.spread(), (4.0f64 * 50.0 - 144.0).sqrt()); // 1 + 4 + 9 + 36 = 50
        assert_eq!(m.distance(6), 12.0);
    }

    #[test]
    fn variance_by_hand() {
        let mut f = Floats::<4>::default();
        for x in [f64::NAN, 9.0, 1.0, 2.0, 6.0] {
            assert!(f.mean().is_nan());
            f.push(x);
        }
        assert_eq!(f.mean(), 4.5);
        assert_eq!(f.sample_variance(3), 7.0); // mean 3: (4 + 1 + 9)/2
        assert!(f.sample_variance(5).is_nan());
    }

    #[test]
    fn returns_need_positive_prices() {
        assert_eq!(log_ratio(7, 7), 0.0);
        assert!(log_ratio(7, 0).is_nan() && log_ratio(-7, -7).is_nan());
    }

    proptest! {
        #[test]
        fn windows_equal_the_naive_ones(values in prop::collection::vec(-50i32..50, 1..200)) {
            let (mut extremes, mut total) = (Extremes::<7>::default(), Total::<7>::default());
            let mut moments = Moments::<7>::default();
            for (k, &x) in values.iter().enumerate() {
                extremes.push(x + 1, x - 1);
                total.push(i64::from(x));
                moments.push(i64::from(x));
                let window = &values[(k + 1).saturating_sub(7)..=k];
                let (high, low) = (window.iter().max().map(|x| x + 1), window.iter().min().map(|x| x - 1));
                prop_assert_eq!(Some(extremes.high()), high.map(i64::from));
                prop_assert_eq!(Some(extremes.low()), low.map(i64::from));
                prop_assert_eq!(total.sum(), window.iter().map(|x| i64::from(*x)).sum::<i64>());
                prop_assert_eq!((extremes.full(), total.full()), (k >= 6, k >= 6));
                if moments.full() {
                    let mean = f64::from(window.iter().sum::<i32>()) / 7.0;
                    let var = window.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / 7.0;
                    prop_assert!((moments.spread() - 7.0 * var.sqrt()).abs() < 1e-9);
                }
            }
        }
    }
}
