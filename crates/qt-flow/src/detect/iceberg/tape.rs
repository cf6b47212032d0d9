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

/// Evaluated at each signed print over the prints of the window at its price with its side; told once per window and row.
#[derive(Debug, Clone, Default)]
pub struct TapeIceberg {
    prints: VecDeque<(i64, i32, i8, i32)>,
    rows: HashMap<(i32, i8), Sums>,
    /// Prints dropped because there were too many.
    pub dropped: u64,
    /// Price and resting side of the last signed print, if the rule held at it, and when that was.
    on: Option<(i32, i8)>,
    at: i64,
    held: Held,
}

impl TapeIceberg {
    pub(in super::super) fn on_print(&mut self, p: &Print, s: &DetectorSettings, sink: &mut Sink) {
        if p.side == 0 {
            return;
        }
        while self.prints.front().is_some_and(|q| q.0 <= p.ts - s.tape_window_ns) {
            self.drop_oldest();
        }
        if self.prints.len() == MAX_PRINTS {
            self.drop_oldest();
            self.dropped += 1;
        }
        self.prints.push_back((p.ts, p.px, p.side, p.size));
        let row = self.rows.entry((p.px, p.side)).or_default();
        let q = i64::from(p.size);
        row.n += 1;
        row.volume += q;
        row.squares += i128::from(q) * i128::from(q);
        let Sums { n, volume, squares, told } = *row;
        let spread = i128::from(n) * squares - i128::from(volume) * i128::from(volume);
        let spread = (spread as f64).sqrt();
        let even = spread <= s.tape_max_cv * volume as f64;
        let small = volume as f64 <= s.tape_max_mean * n as f64;
        (self.on, self.at) = (None, p.ts);
        if n < s.tape_min_prints || !even || !small {
            return;
        }
        let side = -p.side;
        self.on = Some((p.px, side));
        if told.is_some_and(|at| p.ts - at < s.tape_window_ns) {
            return;
        }
        row.told = Some(p.ts);
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

    /// Resting side of the last signed print while it is in the window and the rule held at it, else 0.
    pub fn signal(&self, t: i64, s: &DetectorSettings) -> f64 {
        match self.on {
            Some((_, side)) if t - self.at < s.tape_window_ns => f64::from(side),
            _ => 0.0,
        }
    }

    pub(in super::super) fn held(&self) -> &Held {
        &self.held
    }

    pub(in super::super) fn clear(&mut self) {
        self.prints.clear();
        self.rows.clear();
        (self.on, self.at, self.held) = (None, 0, Held::default());
    }
}
