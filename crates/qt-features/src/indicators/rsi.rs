//! Relative strength index of Wilder (1978).

use super::Wilder;

/// 100·u/(u+d), u and d the Wilder averages of the rises and falls of the close over `n` changes.
#[derive(Debug, Clone)]
pub struct Rsi {
    close: Option<i32>,
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
    pub fn push(&mut self, close: i32) -> f64 {
        if let Some(before) = self.close {
            let change = (i64::from(close) - i64::from(before)) as f64;
            self.up.push(change.max(0.0));
            self.down.push((-change).max(0.0));
            // An unchanged close shrinks both averages alike: the index stays, and so it does to the last bit.
            if change != 0.0 || self.value.is_nan() {
                let (up, down) = (self.up.value(), self.down.value());
                self.value = if up + down == 0.0 { 0.0 } else { 100.0 * (up / (up + down)) };
            }
        }
        self.close = Some(close);
        self.value
    }
}
