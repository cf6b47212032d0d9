//! Equal prints at one price: the weakest sign of an iceberg, from prints alone.

use std::collections::{HashMap, VecDeque};

use super::super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::super::settings::DetectorSettings;
use crate::tape::Print;

/// Prints kept at most; beyond it the oldest are dropped and counted.
const MAX_PRINTS: usize = 1 << 14;

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: i64,
    volume: i64,
    squares: i128,
    /// When it was last told.
    told: Option<i64>,
}

impl Sums {
    /// √(n·Σq² − (Σq)²): n times the population deviation of the sizes.
    fn spread(&self) -> f64 {
        let (n, volume) = (i128::from(self.n), i128::from(self.volume));
        ((n * self.squares - volume * volume) as f64).sqrt()
    }

    /// Whether these prints look like the slices of one order.
    fn alike(&self, s: &DetectorSettings) -> bool {
        self.n >= s.tape_min_prints
            && self.spread() <= s.tape_max_cv * self.volume as f64
            && self.volume as f64 <= s.tape_max_mean * self.n as f64
    }
}

/// Evaluated over the prints of the window at the price and with the side of the last signed one: at each such print,
/// and again as prints leave the window. Told at prints alone, once per window and row.
#[derive(Debug, Clone, Default)]
pub struct TapeIceberg {
    prints: VecDeque<(i64, i32, i8, i32)>,
    rows: HashMap<(i32, i8), Sums>,
    /// Prints dropped because there were too many.
    pub dropped: u64,
    /// Price and side of the last signed print.
    last: (i32, i8),
    /// Whether the rule holds for it.
    on: bool,
    held: Held,
}

impl TapeIceberg {
    pub(in super::super) fn on_print(&mut self, p: &Print, s: &DetectorSettings, sink: &mut Sink) {
        if p.side == 0 {
            return;
        }
        self.forget(p.ts, s);
        if self.prints.len() == MAX_PRINTS {
            self.drop_oldest();
            self.dropped += 1;
        }
        self.prints.push_back((p.ts, p.px, p.side, p.size));
        self.last = (p.px, p.side);
        let row = self.rows.entry(self.last).or_default();
        let q = i64::from(p.size);
        row.n += 1;
        row.volume += q;
        row.squares += i128::from(q) * i128::from(q);
        self.on = row.alike(s);
        if !self.on || row.told.is_some_and(|at| p.ts - at < s.tape_window_ns) {
            return;
        }
        row.told = Some(p.ts);
        let Sums { n, volume, .. } = *row;
        let (side, spread) = (-p.side, row.spread());
        self.held.set(p.ts, f64::from(side));
        let first = self.prints.iter().find(|x| (x.1, x.2) == (p.px, p.side)).map_or(p.ts, |x| x.0);
        let n = n as f64;
        sink.push(Detection {
            ts: p.ts,
            kind: DetectorKind::IcebergTape,
            side,
            score: (n / (2 * s.tape_min_prints) as f64).min(1.0),
            confidence: 0.3,
            px: p.px,
            evidence: evidence([
                n,
                volume as f64,
                volume as f64 / n,
                spread / volume as f64,
                (p.ts - first) as f64,
            ]),
        });
    }

    /// Lets the window end at `t`.
    pub(in super::super) fn forget(&mut self, t: i64, s: &DetectorSettings) {
        let mut fewer = false;
        while let Some(q) = self.prints.front().filter(|q| q.0 <= t - s.tape_window_ns) {
            fewer |= (q.1, q.2) == self.last;
            self.drop_oldest();
        }
        if fewer {
            self.on = self.rows.get(&self.last).is_some_and(|row| row.alike(s));
        }
    }

    fn drop_oldest(&mut self) {
        let Some((_, px, side, size)) = self.prints.pop_front() else { return };
        if let Some(row) = self.rows.get_mut(&(px, side)) {
            let q = i64::from(size);
            row.n -= 1;
            row.volume -= q;
            row.squares -= i128::from(q) * i128::from(q);
            if row.n == 0 {
                self.rows.remove(&(px, side));
            }
        }
    }

    /// Resting side of the last signed print if the rule holds for it now, else 0.
    pub fn signal(&self) -> f64 {
        if self.on { f64::from(-self.last.1) } else { 0.0 }
    }

    pub(in super::super) fn held(&self) -> &Held {
        &self.held
    }

    pub(in super::super) fn clear(&mut self) {
        self.prints.clear();
        self.rows.clear();
        (self.on, self.held) = (false, Held::default());
    }
}
