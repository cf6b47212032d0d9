//! Quote stuffing: a burst of book updates that are undone at once, with hardly a trade.

use qt_core::event::PX_NONE;

use super::detection::{Detection, DetectorKind, Sink, evidence};
use super::seconds::{Second, Usual};
use super::settings::DetectorSettings;
use super::slots::Slots;
use crate::rows::RowChange;

/// The last addition of a row that has not been undone.
#[derive(Debug, Clone, Copy, Default)]
struct Added {
    at: i64,
    size: i64,
}

/// Scored at the end of each second.
#[derive(Debug, Clone)]
pub struct Stuffing {
    usual: Usual,
    added: Slots<Added>,
    score: f64,
}

impl Stuffing {
    pub(super) fn new(s: &DetectorSettings) -> Self {
        Self { usual: Usual::new(s.stuffing_history_s), added: Slots::default(), score: 0.0 }
    }

    pub(super) fn on_row(&mut self, t: i64, c: &RowChange, second: &mut Second, s: &DetectorSettings) {
        second.updates += 1;
        let change = c.change();
        if change > 0 {
            self.added.put(c.side, c.px, Added { at: t, size: change });
        } else if let Some(a) = self.added.get(c.side, c.px).copied()
            && a.size == -change
            && t - a.at <= s.stuffing_undone_ns
        {
            second.undone += 2;
            self.added.remove(c.side, c.px);
        }
    }

    pub(super) fn on_second(
        &mut self,
        g: i64,
        x: &Second,
        confidence: f64,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        let was = std::mem::take(&mut self.score);
        let r = x.updates;
        let (above, sd) = self.usual.deviation(r);
        let burst = self.usual.full() && above > 0.0 && above >= s.stuffing_deviations * sd;
        if burst && (x.trades as f64) < s.stuffing_max_trades * r as f64 {
            self.score = (x.undone as f64 / r as f64).min(1.0);
            if self.score > 0.0 && was == 0.0 {
                sink.push(Detection {
                    ts: g + 1,
                    kind: DetectorKind::Stuffing,
                    side: 0,
                    score: self.score,
                    confidence,
                    px: PX_NONE,
                    evidence: evidence([
                        r as f64,
                        self.usual.mean(),
                        // Where all seconds were equal there is no deviation to measure it in.
                        if sd > 0.0 { above / sd } else { f64::NAN },
                        self.score,
                        x.trades as f64,
                    ]),
                });
            }
        }
        self.usual.push(r);
    }

    /// Score of the last second.
    pub fn signal(&self) -> f64 {
        self.score
    }

    /// What was displayed is void.
    pub(super) fn void(&mut self) {
        self.added.clear();
    }

    pub(super) fn clear(&mut self) {
        self.usual.clear();
        self.added.clear();
        self.score = 0.0;
    }
}
