//! Rows that are refilled again and again after trades: icebergs as a price-level book shows them.

use qt_core::event::side;

use super::super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::super::settings::DetectorSettings;
use super::super::slots::Places;
use crate::flow::Flow;
use crate::rows::RowChange;
use crate::tape::Print;
use crate::touch::Touch;

/// Rows followed at most; beyond it the one followed longest is dropped and counted.
const MAX_ROWS: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Followed {
    side: i8,
    px: i32,
    began: i64,
    traded: i64,
    /// Last trade that has not been refilled, and the size shown before the first trade of its series.
    consumed: Option<(i64, i64)>,
    refills: i64,
    hidden: i64,
    /// When the touch left the row, `None` while it is there.
    left: Option<i64>,
}

impl Followed {
    fn abandoned(&self, t: i64, s: &DetectorSettings) -> bool {
        self.left.is_some_and(|at| t - at > s.refill_abandon_ns)
    }
}

/// Refills per row. Trades that follow each other within the refill window before a refill are one series, which is
/// refilled when the row is back at about the size shown before the first of them.
#[derive(Debug, Clone, Default)]
pub struct SyntheticIceberg {
    rows: Vec<Followed>,
    places: Places,
    /// When the touch last changed, and its best prices, bid and ask, where a row is followed.
    touched: i64,
    best: [Option<i32>; 2],
    /// Rows dropped because there were too many.
    pub dropped: u64,
    /// (side, hidden) of the latest one.
    held: Held,
    hidden: Held,
}

fn best(touch: Option<&Touch>, side: i8) -> Option<i32> {
    touch.map(|t| if side > 0 { t.bid_px } else { t.ask_px })
}

impl SyntheticIceberg {
    /// The row at `t`, forgotten first if price has abandoned it.
    #[inline]
    fn find(&mut self, side: i8, px: i32, t: i64, s: &DetectorSettings) -> Option<usize> {
        let k = self.places.find(side, px, &self.rows, |r| (r.side, r.px) == (side, px))?;
        if self.rows[k].abandoned(t, s) {
            self.remove(k);
            return None;
        }
        Some(k)
    }

    #[cold]
    fn remove(&mut self, k: usize) {
        let row = self.rows.remove(k);
        self.places.remove(row.side, row.px);
    }

    pub(in super::super) fn on_print(&mut self, p: &Print, flow: &Flow, s: &DetectorSettings) {
        let side = -p.side;
        if side == 0 {
            return;
        }
        let Some(shown) = flow.size_at(side, p.px).filter(|size| *size > 0) else { return };
        let k = self.find(side, p.px, p.ts, s).unwrap_or_else(|| {
            if self.rows.len() == MAX_ROWS {
                let touched = self.touched;
                self.rows.retain(|row| !row.abandoned(touched, s));
                self.places.clear();
                self.rows.iter().enumerate().for_each(|(k, row)| self.places.add(row.side, row.px, k));
            }
            if self.rows.len() == MAX_ROWS {
                self.remove(0);
                self.dropped += 1;
            }
            // Also where the touch is older than what was forgotten.
            let best = best(flow.touch(), side);
            self.best[usize::from(side < 0)] = best;
            let left = (best != Some(p.px)).then_some(p.ts);
            let (began, traded) = (p.ts, 0);
            let row = Followed { side, px: p.px, began, traded, consumed: None, refills: 0, hidden: 0, left };
            self.places.add(side, p.px, self.rows.len());
            self.rows.push(row);
            self.rows.len() - 1
        });
        let row = &mut self.rows[k];
        let reference = match row.consumed {
            Some((last, size)) if p.ts - last <= s.refill_window_ns => size,
            _ => shown,
        };
        row.consumed = Some((p.ts, reference));
        row.traded += i64::from(p.size);
        row.hidden += (i64::from(p.size) - shown).max(0);
    }

    pub(in super::super) fn on_touch(&mut self, t: i64, touch: Option<&Touch>, s: &DetectorSettings) {
        // Other sizes at the same prices leave the rows as they are; abandoned ones go when somebody looks for them or
        // for room.
        self.touched = t;
        let best = [best(touch, side::BUY), best(touch, side::SELL)];
        let was = std::mem::replace(&mut self.best, best);
        for (side, was, is) in [(side::BUY, was[0], best[0]), (side::SELL, was[1], best[1])] {
            if was == is {
                continue;
            }
            if let Some(k) = was.and_then(|px| self.find(side, px, t, s)) {
                self.rows[k].left.get_or_insert(t);
            }
            if let Some(k) = is.and_then(|px| self.find(side, px, t, s)) {
                self.rows[k].left = None;
            }
        }
    }

    pub(in super::super) fn on_row(
        &mut self,
        t: i64,
        c: &RowChange,
        confidence: f64,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        if c.change() <= 0 {
            return;
        }
        let Some(k) = self.find(c.side, c.px, t, s) else { return };
        let row = &mut self.rows[k];
        let Some((last, reference)) = row.consumed else { return };
        let off = (c.after - reference).abs() as f64;
        if t - last > s.refill_window_ns
            || c.before >= reference
            || off > s.refill_tolerance * reference as f64
        {
            return;
        }
        row.consumed = None;
        row.refills += 1;
        row.hidden += c.change();
        if row.refills < s.refill_min {
            return;
        }
        self.held.set(t, f64::from(row.side));
        self.hidden.set(t, row.hidden as f64);
        sink.push(Detection {
            ts: t,
            kind: DetectorKind::IcebergSynthetic,
            side: row.side,
            score: (row.refills as f64 / (2 * s.refill_min) as f64).min(1.0),
            confidence,
            px: row.px,
            evidence: evidence([
                row.hidden as f64,
                row.refills as f64,
                c.change() as f64,
                c.after as f64,
                row.traded as f64,
                (t - row.began) as f64,
            ]),
        });
    }

    pub(in super::super) fn held(&self) -> (&Held, &Held) {
        (&self.held, &self.hidden)
    }

    /// What was displayed is void.
    pub(in super::super) fn void(&mut self) {
        self.rows.clear();
        self.places.clear();
        self.best = [None; 2];
    }

    pub(in super::super) fn clear(&mut self) {
        self.void();
        (self.held, self.hidden) = (Held::default(), Held::default());
    }
}
