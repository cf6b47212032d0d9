//! Average true range.

use qt_flow::Bar;

use super::Wilder;

/// Average true range, in the unit of the prices. The first true range needs the close before it, so `n` + 1 bars are needed.
#[derive(Debug, Clone)]
pub struct Atr {
    smooth: Wilder,
    close: Option<f64>,
}

impl Atr {
    /// An average over `n` true ranges.
    pub fn new(n: u32) -> Self {
        Self { smooth: Wilder::new(n), close: None }
    }

    /// Takes a bar.
    #[inline]
    pub fn push(&mut self, bar: &Bar) {
        self.push_prices(bar.high.into(), bar.low.into(), bar.close.into());
    }

    /// Takes a bar as three prices.
    #[inline]
    pub fn push_prices(&mut self, high: f64, low: f64, close: f64) {
        if let Some(before) = self.close {
            self.smooth.push(high.max(before) - low.min(before));
        }
        self.close = Some(close);
    }

    /// The average; NaN before `n` + 1 bars.
    #[inline]
    pub fn value(&self) -> f64 {
        self.smooth.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(high: i32, low: i32, close: i32) -> Bar {
        Bar { start: 0, end: 0, open: close, high, low, close, volume: 0, sides: None }
    }

    #[test]
    fn atr_by_hand() {
        let mut a = Atr::new(2);
        a.push(&bar(12, 8, 10));
        a.push(&bar(13, 11, 12)); // 13 − 10 = 3
        assert!(a.value().is_nan());
        a.push(&bar(12, 5, 6)); // 7
        assert_eq!(a.value(), 5.0);
        a.push(&bar(7, 6, 7)); // 1
        assert_eq!(a.value(), 3.0);
    }
}
