//! Prints at a row against decreases of it: which contracts were traded, and which were taken away.

use std::collections::VecDeque;

/// Prints and decreases kept at most, of each; beyond it the oldest is dropped and counted.
const MAX_WAITING: usize = 512;

/// Contracts at a row that a print took, or that a decrease took away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Side and price of the row.
    pub row: (i8, i32),
    /// When, ns, and in which order.
    pub t: i64,
    pub fact: u64,
    /// Whose resting order it was, 0 unknown.
    pub broker: i32,
    /// The candidate that a decrease belongs to, by the fact that began it; 0 none.
    pub candidate: u64,
    pub contracts: i64,
}

impl Taken {
    /// Whether a print and a decrease may be of one order.
    fn fits(&self, other: &Self) -> bool {
        self.row == other.row && (self.broker == other.broker || self.broker == 0 || other.broker == 0)
    }
}

/// Of the rows where there is a candidate: prints that no decrease has shown yet, and decreases that no print has explained yet. Each contract is used once;
/// of several that fit, the first.
#[derive(Debug, Clone)]
pub(super) struct Matching {
    prints: VecDeque<Taken>,
    decreases: VecDeque<Taken>,
    /// Prints and decreases dropped because there were too many.
    pub dropped: u64,
}

impl Default for Matching {
    fn default() -> Self {
        let room = || VecDeque::with_capacity(MAX_WAITING);
        Self { prints: room(), decreases: room(), dropped: 0 }
    }
}

impl Matching {
    /// A print: it explains decreases of the last `window`, and what remains waits for decreases to come. Calls `back`
    /// with each candidate that lost nothing to its withdrawal after all, and the contracts.
    pub(super) fn print(&mut self, mut p: Taken, window: i64, mut back: impl FnMut(u64, i64)) {
        self.forget(p.t - window);
        for d in &mut self.decreases {
            if !d.fits(&p) {
                continue;
            }
            let n = p.contracts.min(d.contracts);
            (p.contracts, d.contracts) = (p.contracts - n, d.contracts - n);
            if n > 0 && d.candidate != 0 {
                back(d.candidate, n);
            }
        }
        self.dropped += keep(&mut self.prints, p);
    }

    /// A decrease: returns what no print of the last `window` explains. Prints before its candidate was added did not
    /// meet it.
    pub(super) fn decrease(&mut self, mut d: Taken, window: i64) -> i64 {
        self.forget(d.t - window);
        for p in &mut self.prints {
            if !p.fits(&d) || p.fact < d.candidate {
                continue;
            }
            let n = p.contracts.min(d.contracts);
            (p.contracts, d.contracts) = (p.contracts - n, d.contracts - n);
        }
        self.dropped += keep(&mut self.decreases, d);
        d.contracts
    }

    /// A candidate has `left` withdrawn contracts: no more of its decreases than that wait for a print.
    pub(super) fn limit(&mut self, candidate: u64, left: i64) {
        let mine = || self.decreases.iter().filter(|d| d.candidate == candidate).map(|d| d.contracts);
        let mut over = mine().sum::<i64>() - left;
        for d in self.decreases.iter_mut().rev().filter(|d| d.candidate == candidate) {
            let n = over.clamp(0, d.contracts);
            (over, d.contracts) = (over - n, d.contracts - n);
        }
    }

    fn forget(&mut self, before: i64) {
        for waiting in [&mut self.prints, &mut self.decreases] {
            while waiting.front().is_some_and(|x| x.t < before || x.contracts == 0) {
                waiting.pop_front();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.prints.clear();
        self.decreases.clear();
    }
}

/// Keeps what is left of it; returns how many were dropped.
fn keep(waiting: &mut VecDeque<Taken>, x: Taken) -> u64 {
    if x.contracts == 0 {
        return 0;
    }
    let full = waiting.len() == MAX_WAITING;
    if full {
        waiting.pop_front();
    }
    waiting.push_back(x);
    u64::from(full)
}
