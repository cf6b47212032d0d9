//! Sum of the last values.

use super::Last;

/// Exact sum of the last `N` values.
#[derive(Debug, Clone, Default)]
pub struct RollingSum<const N: usize> {
    values: Last<i64, N>,
    sum: i64,
}

impl<const N: usize> RollingSum<N> {
    /// Takes a value.
    pub fn push(&mut self, x: i64) {
        self.sum += x - self.values.back(N - 1).unwrap_or(0);
        self.values.push(x);
    }

    /// The sum; `None` before `N` values.
    pub fn value(&self) -> Option<i64> {
        self.values.full().then_some(self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_values_leave() {
        let mut s = RollingSum::<3>::default();
        let sums: Vec<_> = [1, 10, 100, 1000, -5]
            .into_iter()
            .map(|x| {
                s.push(x);
                s.value()
            })
            .collect();
        assert_eq!(sums, [None, None, Some(111), Some(1110), Some(1095)]);
    }
}
