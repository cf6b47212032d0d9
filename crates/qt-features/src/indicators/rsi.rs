//! Relative strength index of Wilder (1978).

use super::Wilder;

/// 100·u/(u+d), u and d the Wilder averages of the rises and falls of the close over `n` changes.
#[derive(Debug, Clone)]
pub struct Rsi {
    close: Option<f64>,
    up: Wilder,
    down: Wilder,
    value: f64,
}

impl Rsi {
    /// An index over `n` changes.
    pub fn new(n: u32) -> Self {
        Self { close: None, up: Wilder::new(n), down: Wilder::new(n), value: f64::NAN }
    }

    /// Takes a close and returns the index; NaN before `n` + 1 closes, 0 while no close has differed from the first.
    #[inline]
    pub fn push(&mut self, close: f64) -> f64 {
        if let Some(before) = self.close {
            let change = close - before;
            self.up.push(change.max(0.0));
            self.down.push((-change).max(0.0));
            let (up, down) = (self.up.value(), self.down.value());
            let index = if up + down == 0.0 { 0.0 } else { 100.0 * (up / (up + down)) };
            // An unchanged close shrinks both averages alike: the index stays, and so it does to the last bit.
            // Selected by a mask: whether a price changed is a coin flip, which a branch would lose.
            let stays = u64::from((change == 0.0) & !self.value.is_nan()).wrapping_neg();
            self.value = f64::from_bits(self.value.to_bits() & stays | index.to_bits() & !stays);
        }
        self.close = Some(close);
        self.value
    }
}
