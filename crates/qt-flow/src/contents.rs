//! What a time window of the tape holds beyond its sums: powers of the sizes, size classes, quantiles, brokers.
//!
//! It reads the ring of the tape with a cursor of its own and keeps only the parts that were asked for. Everything is
//! exact, so a print that leaves takes out precisely what it brought.

use crate::brokers::Brokers;
use crate::histogram::Histogram;
use crate::moments::float;
use crate::tape::Print;
use crate::window::{Cursor, Windows};

/// Least sizes of the classes small, medium, large and whale; what is smaller is micro.
pub const SIZE_CLASSES: [i32; 4] = [5, 20, 50, 100];

/// First class of the large trades.
pub const LARGE: usize = 3;

/// Class of a size, 0 to 4.
#[inline]
pub fn size_class(size: i32) -> usize {
    SIZE_CLASSES.iter().map(|least| usize::from(size >= *least)).sum()
}

/// Parts that can be asked for, as bits.
pub mod part {
    /// [`Powers`](super::Powers).
    pub const POWERS: u8 = 1;
    /// [`Classes`](super::Classes).
    pub const CLASSES: u8 = 2;
    /// [`Histogram`](super::Histogram) of sizes.
    pub const SIZES: u8 = 4;
    /// [`Brokers`](super::Brokers) of aggressors.
    pub const BROKERS: u8 = 8;
}

/// Exact power sums of trade sizes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Powers {
    n: i64,
    s1: i64,
    s2: i128,
    s3: i128,
}

impl Powers {
    #[inline]
    fn add(&mut self, size: i32, sign: i64) {
        let q = i64::from(size);
        let q2 = q * q;
        self.n += sign;
        self.s1 += sign * q;
        self.s2 += i128::from(sign * q2);
        self.s3 += i128::from(sign * q2) * i128::from(q);
    }

    /// n²·variance, exact.
    fn spread(&self) -> i128 {
        let s1 = i128::from(self.s1);
        i128::from(self.n) * self.s2 - s1 * s1
    }

    /// Population standard deviation; NaN without a trade.
    pub fn deviation(&self) -> f64 {
        if self.n == 0 { f64::NAN } else { float(self.spread()).sqrt() / self.n as f64 }
    }

    /// Population skewness; NaN without a trade and where all sizes are equal.
    ///
    /// The sums are moved to the integer nearest to the mean, in integers, before anything is rounded.
    pub fn skewness(&self) -> f64 {
        if self.n == 0 || self.spread() == 0 {
            return f64::NAN;
        }
        let k = i128::from((2 * self.s1 + self.n) / (2 * self.n));
        let (n, s1) = (i128::from(self.n), i128::from(self.s1));
        let moved1 = s1 - k * n;
        let moved2 = self.s2 - k * (2 * s1 - k * n);
        let moved3 = self.s3 - k * (3 * self.s2 - k * (3 * s1 - k * n));
        let n = float(n);
        let (a, b, c) = (float(moved1) / n, float(moved2) / n, float(moved3) / n);
        let m2 = b - a * a;
        let m3 = c - 3.0 * a * b + 2.0 * a * a * a;
        m3 / (m2 * m2.sqrt())
    }

    /// Σ (share of a trade)²; NaN without a trade.
    pub fn concentration(&self) -> f64 {
        let volume = i128::from(self.s1);
        if volume == 0 { f64::NAN } else { float(self.s2) / float(volume * volume) }
    }
}

/// Exact sums of prints by size class.
#[derive(Debug, Clone, Copy, Default)]
pub struct Classes {
    /// Contracts.
    pub volume: [i64; 5],
    /// Contracts bought less contracts sold by aggressors.
    pub net: [i64; 5],
    /// Contracts with a known aggressor.
    pub gross: [i64; 5],
    /// Prints.
    pub count: [i64; 5],
}

impl Classes {
    #[inline]
    fn add(&mut self, p: &Print, sign: i64) {
        let class = size_class(p.size);
        let q = sign * i64::from(p.size);
        let side = i64::from(p.side);
        self.volume[class] += q;
        self.net[class] += side * q;
        self.gross[class] += side.abs() * q;
        self.count[class] += sign;
    }
}

/// Handle of a window's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentsId(pub(crate) usize);

/// Contents of one time window; a part that nobody asked for stays empty.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Power sums of sizes.
    pub powers: Powers,
    /// Sums by size class.
    pub classes: Classes,
    /// Sizes in order.
    pub sizes: Histogram,
    /// Volume by the aggressor's broker.
    pub brokers: Brokers,
    length: i64,
    parts: u8,
    /// Before the oldest print inside.
    cursor: Cursor,
    version: u64,
}

impl Contents {
    pub(crate) fn new(length: i64, cursor: Cursor) -> Self {
        Self { length, cursor, ..Self::default() }
    }

    pub(crate) fn want(&mut self, parts: u8) {
        self.parts |= parts;
    }

    pub(crate) fn length(&self) -> i64 {
        self.length
    }

    /// Position of the oldest print inside.
    pub(crate) fn first(&self) -> u64 {
        self.cursor.position()
    }

    /// Changes whenever the contents do: what is derived from them can be kept until then.
    #[inline(always)]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes a print that was added to the ring.
    #[inline]
    pub(crate) fn push(&mut self, p: &Print) {
        self.count(p, 1);
    }

    /// Lets prints leave; returns when the next one does.
    pub(crate) fn expire(&mut self, ring: &Windows<Print>, now: i64) -> i64 {
        while let Some(p) = ring.at(&self.cursor) {
            let exit = p.ts.saturating_add(self.length);
            if exit > now {
                return exit;
            }
            self.count(&p, -1);
            self.cursor.pass(&p);
        }
        i64::MAX
    }

    #[inline]
    fn count(&mut self, p: &Print, sign: i64) {
        self.version = self.version.wrapping_add(1);
        if self.parts & part::POWERS != 0 {
            self.powers.add(p.size, sign);
        }
        if self.parts & part::CLASSES != 0 {
            self.classes.add(p, sign);
        }
        if self.parts & part::SIZES != 0 {
            if sign > 0 { self.sizes.add(p.size) } else { self.sizes.remove(p.size) }
        }
        if self.parts & part::BROKERS != 0 {
            self.brokers.add(p.broker, sign * i64::from(p.size));
        }
    }

    /// Starts a session.
    pub(crate) fn clear(&mut self) {
        self.powers = Powers::default();
        self.classes = Classes::default();
        self.sizes.clear();
        self.brokers.clear();
        self.cursor = Cursor::default();
        self.version = self.version.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_lower_bounds() {
        let classes: Vec<usize> = [1, 4, 5, 19, 20, 49, 50, 99, 100, i32::MAX].map(size_class).into();
        assert_eq!(classes, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn moments_by_hand() {
        let mut p = Powers::default();
        assert!(p.deviation().is_nan() && p.skewness().is_nan() && p.concentration().is_nan());
        p.add(7, 1);
        assert_eq!((p.deviation(), p.concentration()), (0.0, 1.0));
        assert!(p.skewness().is_nan());
        p.add(7, -1);
        for q in [1, 1, 2, 8] {
            p.add(q, 1);
        }
        // mean 3: deviations −2, −2, −1, 5: variance 34/4, third moment 108/4
        assert_eq!((p.deviation(), p.concentration()), (8.5f64.sqrt(), 70.0 / 144.0));
        assert!((p.skewness() - 27.0 / 8.5f64.powf(1.5)).abs() < 1e-15);
    }

    #[test]
    fn moments_of_huge_sizes_are_exact() {
        let mut p = Powers::default();
        for _ in 0..50_000 {
            p.add(i32::MAX, 1);
            p.add(i32::MAX - 2, 1);
        }
        assert_eq!((p.deviation(), p.skewness()), (1.0, 0.0));
        for _ in 0..49_999 {
            p.add(i32::MAX - 2, -1);
        }
        p.add(i32::MAX - 1, 1);
        p.add(i32::MAX - 1, -1);
        // One of 50,001 sizes is two below the rest.
        let w = 1.0 / 50_001.0f64;
        assert!((p.deviation() / (2.0 * (w * (1.0 - w)).sqrt()) - 1.0).abs() < 1e-12);
        assert!((p.skewness() / ((2.0 * w - 1.0) / (w * (1.0 - w)).sqrt()) - 1.0).abs() < 1e-9);
    }
}
