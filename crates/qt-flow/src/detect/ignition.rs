//! Momentum ignition: a burst that moved the mid, and was given back.

use super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::seconds::{Second, Usual};
use super::settings::DetectorSettings;
use crate::touch::Touch;

/// A burst whose move may still be given back.
#[derive(Debug, Clone, Copy)]
struct Onset {
    at: i64,
    side: i64,
    /// Twice the move, positive.
    moved: i64,
    /// Twice the mid at its end.
    mid2: i64,
    volume: i64,
    trades: i64,
    usual: f64,
}

/// Onsets are found at the end of each second; one is pending at a time, the latest.
#[derive(Debug, Clone)]
pub struct Ignition {
    volumes: Usual,
    counts: Usual,
    before: Option<i64>,
    onset: Option<Onset>,
    held: Held,
}

impl Ignition {
    pub(super) fn new(s: &DetectorSettings) -> Self {
        let (volumes, counts) = (Usual::new(s.ignition_history_s), Usual::new(s.ignition_history_s));
        Self { volumes, counts, before: None, onset: None, held: Held::default() }
    }

    pub(super) fn on_second(&mut self, g: i64, x: &Second, s: &DetectorSettings) {
        let burst = |usual: &Usual, n| {
            let (above, sd) = usual.deviation(n);
            usual.full() && above > s.ignition_deviations * sd
        };
        if burst(&self.volumes, x.volume)
            && burst(&self.counts, x.trades)
            && let (Some(before), Some(mid2)) = (self.before, x.mid2)
        {
            let side = (x.buy - x.sell).signum();
            let moved = (mid2 - before) * side;
            if side != 0 && moved as f64 >= 2.0 * s.ignition_min_move {
                let usual = self.volumes.mean();
                let (volume, trades) = (x.volume, x.trades);
                self.onset = Some(Onset { at: g, side, moved, mid2, volume, trades, usual });
            }
        }
        self.volumes.push(x.volume);
        self.counts.push(x.trades);
        self.before = x.mid2;
    }

    pub(super) fn on_touch(
        &mut self,
        t: i64,
        touch: Option<&Touch>,
        confidence: f64,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        let (Some(o), Some(touch)) = (self.onset, touch.filter(|q| q.two_sided())) else { return };
        if t - o.at > s.ignition_confirm_ns {
            self.onset = None;
            return;
        }
        let back = (o.mid2 - touch.mid2()) * o.side;
        if (back as f64) < s.ignition_give_back * o.moved as f64 {
            return;
        }
        self.onset = None;
        let side = if o.side > 0 { -1 } else { 1 };
        self.held.set(t, f64::from(side));
        let share = back as f64 / o.moved as f64;
        sink.push(Detection {
            ts: t,
            kind: DetectorKind::Ignition,
            side,
            score: share.min(1.0),
            confidence,
            px: if side > 0 { touch.bid_px } else { touch.ask_px },
            evidence: evidence([
                (o.moved * o.side) as f64 / 2.0,
                share,
                o.volume as f64,
                o.usual,
                o.trades as f64,
                (t - o.at) as f64,
            ]),
        });
    }

    /// Side of the last reversal while it is held, else 0.
    pub fn signal(&self, t: i64, hold: i64) -> f64 {
        self.held.live(t, hold).unwrap_or(0.0)
    }

    pub(super) fn clear(&mut self) {
        self.volumes.clear();
        self.counts.clear();
        (self.before, self.onset, self.held) = (None, None, Held::default());
    }
}
