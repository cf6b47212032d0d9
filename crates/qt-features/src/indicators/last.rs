//! A ring of the last values.

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

    #[test]
    fn lags() {
        let mut l = Last::<i32, 3>::default();
        for x in 1..=5 {
            l.push(x);
        }
        assert_eq!((l.back(0), l.back(2), l.back(3), l.full()), (Some(5), Some(3), None, true));
    }
}
