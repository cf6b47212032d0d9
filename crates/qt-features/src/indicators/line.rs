//! Least-squares line through the last closes.

use qt_flow::moments::float;

use super::Last;

/// The line through the last `N` closes over the times 0 … `N` − 1. Every sum is an exact integer.
#[derive(Debug, Clone, Default)]
pub struct Line<const N: usize> {
    /// Closes from here on are differences to the first one.
    origin: Option<i32>,
    closes: Last<i64, N>,
    seen: i64,
    y: i64,
    xy: i64,
    yy: i128,
}

impl<const N: usize> Line<N> {
    const COUNT: i64 = N as i64;
    /// N·Σx² − (Σx)².
    const XX: i64 = Self::COUNT * Self::COUNT * (Self::COUNT * Self::COUNT - 1) / 12;

    /// Takes a close.
    pub fn push(&mut self, close: i32) {
        let y = i64::from(close) - i64::from(*self.origin.get_or_insert(close));
        if self.closes.full() {
            let gone = self.closes.back(N - 1).unwrap_or(0);
            self.y -= gone;
            self.yy -= i128::from(gone) * i128::from(gone);
            self.xy -= self.y; // the others move one to the left
        } else {
            self.seen += 1;
        }
        self.closes.push(y);
        self.y += y;
        self.yy += i128::from(y) * i128::from(y);
        self.xy += (self.seen - 1) * y;
    }

    /// Whether `N` closes were seen.
    pub fn full(&self) -> bool {
        self.closes.full()
    }

    /// N·Σxy − Σx·Σy.
    fn cross(&self) -> i128 {
        let x = Self::COUNT * (Self::COUNT - 1) / 2;
        i128::from(Self::COUNT) * i128::from(self.xy) - i128::from(x) * i128::from(self.y)
    }

    /// N·Σy² − (Σy)².
    fn spread(&self) -> i128 {
        i128::from(Self::COUNT) * self.yy - i128::from(self.y) * i128::from(self.y)
    }

    /// Slope in ticks per bar.
    pub fn slope(&self) -> f64 {
        self.cross() as f64 / Self::XX as f64
    }

    /// Squared correlation with time; 0 where the closes do not vary.
    pub fn r_squared(&self) -> f64 {
        let (cross, spread) = (self.cross(), self.spread());
        if spread == 0 { 0.0 } else { float(cross * cross) / float(i128::from(Self::XX) * spread) }
    }

    /// The last close less the line there, in population standard deviations of the residuals; NaN where all closes
    /// lie on the line.
    pub fn deviation(&self) -> f64 {
        let (cross, n, xx) = (self.cross(), i128::from(Self::COUNT), i128::from(Self::XX));
        let residuals = xx * self.spread() - cross * cross;
        let last = i128::from(self.closes.back(0).unwrap_or(0));
        let above = 2 * xx * (n * last - i128::from(self.y)) - n * (n - 1) * cross;
        if residuals == 0 { f64::NAN } else { above as f64 / (2.0 * ((xx * residuals) as f64).sqrt()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut line = Line::<3>::default();
        for y in [7, 1, 2, 6] {
            line.push(y);
        }
        // 1, 2, 6 over 0, 1, 2: slope 2.5, mean 3, line 0.5, 3, 5.5; residuals 0.5, −1, 0.5.
        assert_eq!(line.slope(), 2.5);
        assert!((line.r_squared() - 12.5 / 14.0).abs() < 1e-15);
        assert!((line.deviation() - 0.5 / 0.5f64.sqrt()).abs() < 1e-15);
    }
}
