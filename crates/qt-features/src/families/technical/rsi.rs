//! Relative strength index of Wilder (1978).

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 203,
    name: "rsi_14",
    definition: "100·u/(u+d), Wilder averages of the rises and falls of C over 14 changes; 0 when both are 0",
    window: Window::Bars(15),
    range: (0.0, 100.0),
    warmup: Warmup::Items(15),
    zero: Zero::Zero,
    update: "U7",
    source: "Wilder 1978; TA-Lib",
    ..Spec::TECHNICAL
}];

struct Rsi {
    close: Option<i32>,
    up: Wilder,
    down: Wilder,
}

impl Rsi {
    fn new() -> Self {
        Self { close: None, up: Wilder::new(14), down: Wilder::new(14) }
    }
}

impl Feature for Rsi {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        let (up, down) = (self.up.value(), self.down.value());
        if up + down == 0.0 { 0.0 } else { 100.0 * (up / (up + down)) }
    }

    fn on_bar(&mut self, bar: &Bar) {
        if let Some(before) = self.close {
            let change = (i64::from(bar.close) - i64::from(before)) as f64;
            self.up.push(change.max(0.0));
            self.down.push((-change).max(0.0));
        }
        self.close = Some(bar.close);
    }

    fn on_roll(&mut self) {
        *self = Self::new();
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(Rsi::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closes(values: impl IntoIterator<Item = i32>) -> f64 {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        for close in values {
            f.on_bar(&Bar { start: 0, end: 0, open: 1, high: 1, low: 1, close, volume: 0, sides: None });
        }
        f.value(&flow, 0)
    }

    #[test]
    fn by_hand() {
        assert!(closes([100; 14]).is_nan());
        assert_eq!(closes([100; 15]), 0.0);
        assert_eq!(closes(100..115), 100.0);
        // 7 rises of 2, 7 falls of 1: u = 1, d = 0.5; then a fall of 14: u = 13/14, d = 20.5/14.
        let zigzag = || (0..15).map(|k| 100 + (k / 2) + 2 * (k % 2));
        assert!((closes(zigzag()) - 100.0 * 2.0 / 3.0).abs() < 1e-12);
        let last = zigzag().next_back().unwrap() - 14;
        assert!((closes(zigzag().chain([last])) - 100.0 * 13.0 / 33.5).abs() < 1e-12);
    }
}
