//! Exact moments of traded prices: VWAP, its deviation and the skew of the volume profile.

/// Σ q·(p−p₀)^k for k = 0..3 about the first print's price p₀, in integers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    enabled: bool,
    origin: Option<i32>,
    s0: i128,
    s1: i128,
    s2: i128,
    s3: i128,
}

impl Moments {
    /// Asks for them.
    pub fn enable(&mut self) {
        self.enabled = true;
    }

    /// Whether somebody asked for them.
    #[inline]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Takes a print.
    #[inline]
    pub fn push(&mut self, px: i32, size: i32) {
        let origin = *self.origin.get_or_insert(px);
        let x = i64::from(px) - i64::from(origin);
        let xq = i128::from(x) * i128::from(size);
        self.s0 += i128::from(size);
        self.s1 += xq;
        let x2q = xq * i128::from(x);
        self.s2 += x2q;
        self.s3 += x2q * i128::from(x);
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        *self = Self { enabled: self.enabled, ..Self::default() };
    }

    /// Price less the volume-weighted mean, in ticks; NaN before the first print.
    pub fn distance(&self, px: i32) -> f64 {
        let Some(x) = self.shifted(px) else { return f64::NAN };
        float(x * self.s0 - self.s1) / float(self.s0)
    }

    /// Price less the volume-weighted mean in population standard deviations; NaN where that is 0.
    pub fn z(&self, px: i32) -> f64 {
        let Some(x) = self.shifted(px) else { return f64::NAN };
        let spread = self.s0 * self.s2 - self.s1 * self.s1;
        if spread == 0 { f64::NAN } else { float(x * self.s0 - self.s1) / float(spread).sqrt() }
    }

    /// Skewness; NaN before the first print and where the deviation is 0.
    ///
    /// The sums are moved to the integer nearest to the mean, in integers, before anything is rounded.
    pub fn skew(&self) -> f64 {
        if self.s0 == 0 {
            return f64::NAN;
        }
        let k = (2 * self.s1 + self.s0).div_euclid(2 * self.s0);
        let s1 = self.s1 - k * self.s0;
        let s2 = self.s2 - 2 * k * self.s1 + k * k * self.s0;
        let s3 = self.s3 - 3 * k * self.s2 + 3 * k * k * self.s1 - k * k * k * self.s0;
        let n = float(self.s0);
        let (a, b, c) = (float(s1) / n, float(s2) / n, float(s3) / n);
        let m2 = b - a * a;
        let m3 = c - 3.0 * a * b + 2.0 * a * a * a;
        if m2 > 0.0 { m3 / (m2 * m2.sqrt()) } else { f64::NAN }
    }

    /// Distance of a row from the volume-weighted mean, exact, times the volume; 0 before the first print.
    pub fn from_mean(&self, px: i32) -> i128 {
        self.shifted(px).map_or(0, |x| (x * self.s0 - self.s1).abs())
    }

    fn shifted(&self, px: i32) -> Option<i128> {
        self.origin.map(|o| i128::from(px) - i128::from(o))
    }
}

/// An exact integer as a float, rounded once. Most fit 64 bits, whose conversion is much the faster one.
#[inline]
pub fn float(x: i128) -> f64 {
    i64::try_from(x).map_or_else(|_| wide(x), |x| x as f64)
}

/// Apart, as both conversions would otherwise become the slower one.
#[cold]
#[inline(never)]
fn wide(x: i128) -> f64 {
    x as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut m = Moments::default();
        assert!(m.distance(5).is_nan() && m.z(5).is_nan() && m.skew().is_nan());
        m.push(100, 2);
        assert_eq!(m.distance(100), 0.0);
        assert!(m.z(100).is_nan() && m.skew().is_nan());
        m.push(104, 1);
        m.push(102, 1);
        // mean 101.5, deviations −1.5 (×2), 2.5, 0.5: variance 11/4, third moment 9/4
        assert_eq!(m.distance(104), 2.5);
        assert!((m.z(104) - 2.5 / (11.0f64 / 4.0).sqrt()).abs() < 1e-15);
        assert!((m.skew() - 2.25 / (11.0f64 / 4.0).powf(1.5)).abs() < 1e-15);
    }
}
