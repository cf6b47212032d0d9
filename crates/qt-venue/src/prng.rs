//! Random numbers from integers only, so that every platform and both engines draw the same ones.
//!
//! Generator: xoshiro256++ (Blackman and Vigna, 2021, "Scrambled linear pseudorandom number generators"),
//! seeded by splitmix64. The distributions use fixed point with 16 fractional bits ("Q16") and no float:
//! logarithms of the C library differ in their last bit between systems.

/// One in Q16.
pub const ONE: u64 = 1 << 16;
/// ln 2 in Q16.
const LN_2: u64 = 45_426;
/// Curvature of log2 between powers of two, in Q16: log2(1 + m) ≈ m + c·m·(1 − m).
const CURVE: u64 = 22_545;

/// A xoshiro256++ generator.
#[derive(Debug, Clone)]
pub struct Rng {
    s: [u64; 4],
}

impl Rng {
    /// A generator whose state is drawn from `seed` by splitmix64.
    pub fn new(seed: u64) -> Self {
        let mut z = seed;
        let mut next = || {
            z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut x = z;
            x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            x ^ (x >> 31)
        };
        Self { s: [next(), next(), next(), next()] }
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.s;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// A number in `0..n`, for `n` below 2³²; the bias is below n / 2³².
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next_u64() >> 32) * n) >> 32
    }

    /// True with probability `per_mille` / 1000.
    #[inline]
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// Exponential variate of mean log2(e), that is −log2 of a uniform one, in Q16.
    #[inline]
    fn exp2_q16(&mut self) -> u64 {
        let x = self.next_u64() | 1;
        let zeros = x.leading_zeros();
        let m = if zeros == 63 { 0 } else { (x << (zeros + 1)) >> 48 };
        let curve = (((m * (ONE - m)) >> 16) * CURVE) >> 16;
        (u64::from(zeros + 1) << 16) - m - curve
    }

    /// Exponential variate of mean 1 in Q16, within about 1 %.
    #[inline]
    pub fn exp_q16(&mut self) -> u64 {
        (self.exp2_q16() * LN_2) >> 16
    }

    /// Pareto variate ≥ 1 rounded down, at most `cap`; P(x > k) ≈ k^(−`ONE` / `inverse_tail`).
    #[inline]
    pub fn pareto(&mut self, inverse_tail: u64, cap: u64) -> u64 {
        let e = (self.exp2_q16() * inverse_tail) >> 16;
        let (whole, m) = (e >> 16, e & (ONE - 1));
        let curve = (((m * (ONE - m)) >> 16) * CURVE) >> 16;
        if whole >= 20 { cap } else { (((ONE + m - curve) << whole) >> 16).min(cap) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_outputs_are_pinned() {
        // splitmix64(0) gives 0xE220A8397B1DCDAF first (reference implementation by Vigna).
        assert_eq!(Rng::new(0).s[0], 0xE220_A839_7B1D_CDAF);
        // The reference test vector of xoshiro256++ for the state {1, 2, 3, 4}.
        let mut r = Rng { s: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| r.next_u64()).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn exponential_has_mean_and_variance_one() {
        let mut r = Rng::new(7);
        let n = 200_000;
        let x: Vec<f64> = (0..n).map(|_| r.exp_q16() as f64 / 65_536.0).collect();
        let mean = x.iter().sum::<f64>() / f64::from(n);
        let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0).abs() < 0.02, "mean {mean}");
        assert!((var - 1.0).abs() < 0.05, "variance {var}");
    }

    #[test]
    fn pareto_has_its_tail() {
        let mut r = Rng::new(7);
        let n = 200_000;
        let over = (0..n).filter(|_| r.pareto(ONE * 2 / 3, 1 << 19) >= 16).count();
        let expected = f64::from(n) * 16f64.powf(-1.5);
        assert!((over as f64 / expected - 1.0).abs() < 0.05, "{over} against {expected}");
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut r = Rng::new(1);
        let mut seen = [0u32; 7];
        for _ in 0..70_000 {
            seen[r.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|c| (9_500..10_500).contains(c)), "{seen:?}");
    }
}
