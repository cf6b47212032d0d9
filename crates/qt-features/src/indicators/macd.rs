//! Moving average convergence/divergence of Appel.

use super::Ema;

/// The difference of a fast and a slow average, and its own average, the signal.
#[derive(Debug, Clone)]
pub struct Macd {
    /// Values that the fast average still leaves out, so that both averages appear together.
    skip: u32,
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl Macd {
    /// Averages over `fast` < `slow` values, their difference averaged over `signal`.
    pub fn new(fast: u32, slow: u32, signal: u32) -> Self {
        let skip = slow.saturating_sub(fast);
        Self { skip, fast: Ema::new(fast), slow: Ema::new(slow), signal: Ema::new(signal) }
    }

    /// Takes a value and returns line and signal; both NaN before `slow` + `signal` − 1 values.
    #[inline]
    pub fn push(&mut self, x: f64) -> (f64, f64) {
        if self.skip == 0 {
            self.fast.push(x);
        } else {
            self.skip -= 1;
        }
        self.slow.push(x);
        let line = self.fast.value() - self.slow.value();
        if line.is_nan() {
            return (f64::NAN, f64::NAN);
        }
        self.signal.push(line);
        let signal = self.signal.value();
        if signal.is_nan() { (signal, signal) } else { (line, signal) }
    }
}
