//! Live absorption: one-sided aggression that did not move the mid.

use std::collections::VecDeque;

use super::detection::{Detection, DetectorKind, Sink, evidence};
use super::seconds::Second;
use super::settings::DetectorSettings;
use crate::time::SECOND;
use crate::touch::Touch;

/// The touch in force, and how far what is seen of the market can be trusted.
pub(super) struct Sight<'a> {
    pub touch: Option<&'a Touch>,
    pub confidence: f64,
}

/// Evaluated at each second of the session against the usual delta of the seconds before it.
#[derive(Debug, Clone)]
pub struct Absorption {
    window: usize,
    /// (buy, sell) of the last seconds.
    flows: VecDeque<(i64, i64)>,
    /// Mids at the ends of the last seconds, one more than the window has seconds.
    mids: VecDeque<Option<i64>>,
    /// Average of |delta|, `None` before the first whole window.
    usual: Option<f64>,
    side: i8,
}

impl Absorption {
    pub(super) fn new(s: &DetectorSettings) -> Self {
        let window = usize::try_from(s.absorption_window_s).unwrap_or(1);
        let (flows, mids) = (VecDeque::with_capacity(window + 1), VecDeque::with_capacity(window + 2));
        Self { window, flows, mids, usual: None, side: 0 }
    }

    /// A second has passed; `age` is the time since the first market record of the session.
    pub(super) fn on_second(
        &mut self,
        g: i64,
        age: i64,
        x: &Second,
        sight: &Sight<'_>,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        self.flows.push_back((x.buy, x.sell));
        if self.flows.len() > self.window {
            self.flows.pop_front();
        }
        self.mids.push_back(x.mid2);
        if self.mids.len() > self.window + 1 {
            self.mids.pop_front();
        }
        let was = std::mem::take(&mut self.side);
        if age < s.absorption_window_s * SECOND {
            return;
        }
        let (buy, sell) = self.flows.iter().fold((0, 0), |(b, v), f| (b + f.0, v + f.1));
        let delta: i64 = buy - sell;
        let size = delta.abs() as f64;
        let Some(usual) = self.usual else {
            self.usual = Some(size);
            return;
        };
        self.usual = Some(usual + (size - usual) * step(s));
        let Some(moved) = self.moved() else { return };
        let along = moved * delta.signum();
        if delta == 0 || size < s.absorption_factor * usual || along as f64 > 2.0 * s.absorption_max_move {
            return;
        }
        self.side = if delta > 0 { -1 } else { 1 };
        if self.side == was {
            return;
        }
        let full = 2.0 * s.absorption_factor * usual;
        sink.push(Detection {
            ts: g + 1,
            kind: DetectorKind::Absorption,
            side: self.side,
            score: if full > 0.0 { (size / full).min(1.0) } else { 1.0 },
            confidence: sight.confidence,
            px: sight
                .touch
                .map_or(qt_core::event::PX_NONE, |t| if self.side > 0 { t.bid_px } else { t.ask_px }),
            evidence: evidence([delta as f64, usual, moved as f64 / 2.0, buy as f64, sell as f64]),
        });
    }

    /// Twice the move of the mid over the window.
    fn moved(&self) -> Option<i64> {
        if self.mids.len() <= self.window {
            return None;
        }
        let (before, now) = (self.mids.front().copied().flatten()?, self.mids.back().copied().flatten()?);
        Some(now - before)
    }

    /// Seconds without any event pass: the very steps that [`Absorption::on_second`] would take, as how many are left
    /// out at once depends on who looks in between.
    pub(super) fn quiet(&mut self, seconds: i64, s: &DetectorSettings) {
        let Some(usual) = &mut self.usual else { return };
        let step = step(s);
        for _ in 0..seconds {
            let next = *usual - *usual * step;
            if next == *usual {
                break;
            }
            *usual = next;
        }
    }

    /// The side that absorbed in the last second, else 0.
    pub fn signal(&self) -> f64 {
        f64::from(self.side)
    }

    pub(super) fn clear(&mut self) {
        self.flows.clear();
        self.mids.clear();
        (self.usual, self.side) = (None, 0);
    }
}

/// Share of the way that one step of the average goes.
fn step(s: &DetectorSettings) -> f64 {
    1.0 - (-1.0 / s.absorption_tau_s).exp()
}
