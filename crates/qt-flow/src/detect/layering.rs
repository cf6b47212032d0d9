//! Layering: several candidates of one side, added and withdrawn together.

use std::collections::VecDeque;

use super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::settings::DetectorSettings;
use super::spoofing::{Candidate, Printed, confidence};

/// Withdrawn candidates kept at most; beyond it the oldest is dropped and counted.
const MAX_LAYERS: usize = 64;

/// Candidates that have been withdrawn, in that order.
#[derive(Debug, Clone, Default)]
pub struct Layering {
    layers: VecDeque<(Candidate, i64)>,
    /// Layers dropped because there were too many.
    pub dropped: u64,
    held: Held,
}

impl Layering {
    /// Takes a withdrawn candidate; with those added and withdrawn within a second of it, it may be a layering.
    pub(super) fn add(
        &mut self,
        ts: i64,
        c: &Candidate,
        ended: i64,
        printed: &Printed,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        while self.layers.front().is_some_and(|(_, at)| ended - at > s.layer_within_ns) {
            self.layers.pop_front();
        }
        if self.layers.len() == MAX_LAYERS {
            self.layers.pop_front();
            self.dropped += 1;
        }
        self.layers.push_back((*c, ended));
        let together = |x: &Candidate, at: i64| {
            x.side == c.side
                && (ended - at).abs() <= s.layer_within_ns
                && (x.began - c.began).abs() <= s.layer_within_ns
                && (x.broker == c.broker || x.broker == 0 || c.broker == 0)
        };
        let (mut rows, mut size, mut withdrawn, mut least) = (0i64, 0, 0, 1.0f64);
        let (mut began, mut then) = (i64::MAX, Printed::default());
        for (k, (x, at)) in self.layers.iter().enumerate() {
            if !together(x, *at) {
                continue;
            }
            let again = self.layers.iter().take(k).any(|(y, at)| y.px == x.px && together(y, *at));
            rows += i64::from(!again);
            size += x.size;
            withdrawn += x.withdrawn;
            least = least.min(confidence(x));
            if x.began < began {
                (began, then) = (x.began, x.printed);
            }
        }
        if rows < s.layer_min_rows {
            return;
        }
        let pressure = printed.pressure(&then, c.side);
        let share = withdrawn as f64 / size as f64;
        let score = (rows as f64 / s.layer_full_rows as f64).min(1.0) * share * pressure;
        self.held.set(ts, score * f64::from(c.side));
        sink.push(Detection {
            ts,
            kind: DetectorKind::Layering,
            side: c.side,
            score,
            confidence: least,
            px: c.px,
            evidence: evidence([rows as f64, size as f64, share, pressure, (ended - began) as f64]),
        });
    }

    /// Signed score of the last layering while it is held, else 0.
    pub fn signal(&self, t: i64, hold: i64) -> f64 {
        self.held.live(t, hold).unwrap_or(0.0)
    }

    pub(super) fn void(&mut self) {
        self.layers.clear();
    }

    pub(super) fn clear(&mut self) {
        self.layers.clear();
        self.held = Held::default();
    }
}
