//! What happened in each second of the session: the grid of absorption, ignition and stuffing.

use std::collections::VecDeque;

use crate::tape::Print;

/// One second (g − 1 s, g].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Second {
    pub buy: i64,
    pub sell: i64,
    pub volume: i64,
    pub trades: i64,
    /// Row changes of the book.
    pub updates: i64,
    /// Updates that were undone, with those that undid them.
    pub undone: i64,
    /// Twice the mid at its end, `None` without one.
    pub mid2: Option<i64>,
}

impl Second {
    pub(super) fn add(&mut self, p: &Print) {
        let q = i64::from(p.size);
        self.buy += q * i64::from(p.side > 0);
        self.sell += q * i64::from(p.side < 0);
        self.volume += q;
        self.trades += 1;
    }
}

/// Exact sums of one count over the last seconds.
#[derive(Debug, Clone)]
pub(super) struct Usual {
    last: VecDeque<i64>,
    n: usize,
    sum: i128,
    squares: i128,
}

impl Usual {
    pub(super) fn new(n: i64) -> Self {
        let n = usize::try_from(n).unwrap_or(0);
        Self { last: VecDeque::with_capacity(n + 1), n, sum: 0, squares: 0 }
    }

    pub(super) fn push(&mut self, x: i64) {
        self.last.push_back(x);
        self.sum += i128::from(x);
        self.squares += i128::from(x) * i128::from(x);
        if self.last.len() > self.n
            && let Some(old) = self.last.pop_front()
        {
            self.sum -= i128::from(old);
            self.squares -= i128::from(old) * i128::from(old);
        }
    }

    pub(super) fn full(&self) -> bool {
        self.last.len() == self.n
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum as f64 / self.n as f64
    }

    /// (n·x − Σ, √(n·Σ² − (Σ)²)): their quotient is the z-score against the population deviation.
    pub(super) fn deviation(&self, x: i64) -> (f64, f64) {
        let n = self.n as i128;
        let above = n * i128::from(x) - self.sum;
        (above as f64, ((n * self.squares - self.sum * self.sum) as f64).sqrt())
    }

    pub(super) fn clear(&mut self) {
        self.last.clear();
        (self.sum, self.squares) = (0, 0);
    }
}
