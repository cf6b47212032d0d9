//! Directional movement of Wilder (1978).

use qt_flow::Bar;

/// Wilder sums of directional movements and true ranges: the sum of the first `n` − 1 values, then s ← s − s/n + x.
#[derive(Debug, Clone)]
pub struct Directional {
    n: u32,
    last: Option<Bar>,
    seen: u32,
    /// Upward movement, ticks.
    pub plus: f64,
    /// Downward movement, ticks.
    pub minus: f64,
    range: f64,
}

impl Directional {
    /// Sums over `n` bars.
    pub fn new(n: u32) -> Self {
        Self { n, last: None, seen: 0, plus: 0.0, minus: 0.0, range: 0.0 }
    }

    /// Takes a bar; true from bar `n` + 1 on, when the sums are complete.
    pub fn push(&mut self, bar: &Bar) -> bool {
        let Some(last) = self.last.replace(*bar) else { return false };
        let up = i64::from(bar.high) - i64::from(last.high);
        let down = i64::from(last.low) - i64::from(bar.low);
        let range = i64::from(bar.high.max(last.close)) - i64::from(bar.low.min(last.close));
        self.seen = (self.seen + 1).min(self.n);
        let n = f64::from(self.n);
        if self.seen == self.n {
            self.plus -= self.plus / n;
            self.minus -= self.minus / n;
            self.range -= self.range / n;
        }
        if down > 0 && down > up {
            self.minus += down as f64;
        } else if up > 0 && up > down {
            self.plus += up as f64;
        }
        self.range += range as f64;
        self.seen == self.n
    }

    /// +DI; 0 where nothing moved.
    pub fn plus_di(&self) -> f64 {
        if self.range == 0.0 { 0.0 } else { 100.0 * (self.plus / self.range) }
    }

    /// −DI; 0 where nothing moved.
    pub fn minus_di(&self) -> f64 {
        if self.range == 0.0 { 0.0 } else { 100.0 * (self.minus / self.range) }
    }
}

/// Average directional index: the mean of the first `n` DX, a missing one counting 0, then Wilder smoothing. A bar
/// whose DX is missing, because both DI are 0, leaves it as it is.
#[derive(Debug, Clone)]
pub struct Adx {
    n: u32,
    movement: Directional,
    seen: u32,
    value: f64,
}

impl Adx {
    /// An index over `n` bars.
    pub fn new(n: u32) -> Self {
        Self { n, movement: Directional::new(n), seen: 0, value: 0.0 }
    }

    /// Takes a bar and returns the index; NaN before bar 2`n`.
    pub fn push(&mut self, bar: &Bar) -> f64 {
        if !self.movement.push(bar) {
            return f64::NAN;
        }
        let (plus, minus) = (self.movement.plus_di(), self.movement.minus_di());
        let dx = (plus + minus != 0.0).then(|| 100.0 * ((minus - plus).abs() / (plus + minus)));
        let n = f64::from(self.n);
        if self.seen < self.n {
            self.seen += 1;
            self.value += dx.unwrap_or(0.0);
            if self.seen == self.n {
                self.value /= n;
            }
        } else if let Some(dx) = dx {
            self.value = (self.value * (n - 1.0) + dx) / n;
        }
        if self.seen < self.n { f64::NAN } else { self.value }
    }
}
