//! One side of the synthetic book: displayed size by price, inside a window behind the best price.

/// Prices kept; a power of two, far more than [`WINDOW`] and any single move.
const SLOTS: usize = 4096;
/// Ticks behind the best price that are displayed.
pub const WINDOW: i64 = 25;
/// Orders and cancels leave at least this many occupied levels.
const LEAST_LEVELS: usize = 6;

/// Displayed sizes of one side.
#[derive(Debug)]
pub struct Ladder {
    sizes: Vec<i64>,
    /// Best price in ticks.
    pub best: i64,
    /// Occupied levels.
    pub occupied: usize,
    /// 1 for bids, −1 for asks.
    pub side: i64,
}

impl Ladder {
    /// An empty side whose best price will be `best`.
    pub fn new(side: i64, best: i64) -> Self {
        Self { sizes: vec![0; SLOTS], best, occupied: 0, side }
    }

    /// The price `depth` ticks behind the best.
    pub fn behind(&self, depth: i64) -> i64 {
        self.best - self.side * depth
    }

    /// Displayed size at `px`.
    pub fn get(&self, px: i64) -> i64 {
        self.sizes[px as usize & (SLOTS - 1)]
    }

    /// Sets the size at `px`.
    pub fn set(&mut self, px: i64, size: i64) {
        let slot = &mut self.sizes[px as usize & (SLOTS - 1)];
        self.occupied = self.occupied + usize::from(size > 0) - usize::from(*slot > 0);
        *slot = size;
    }

    /// Whether one more level may become empty.
    pub fn can_empty(&self) -> bool {
        self.occupied > LEAST_LEVELS
    }

    /// The best occupied price strictly behind `px`, inside the window of `px`.
    pub fn next(&self, px: i64) -> Option<i64> {
        (1..=WINDOW).map(|d| px - self.side * d).find(|p| self.get(*p) > 0)
    }
}
