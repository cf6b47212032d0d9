//! Layering: several candidates of one side, added and withdrawn together.

use std::collections::VecDeque;

use super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::settings::DetectorSettings;
use super::spoofing::{Candidate, Printed, confidence};
use crate::tape::Print;

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

/// Layers that belong together, from the one added first.
#[derive(Debug, Clone, Copy)]
struct Group {
    first: Candidate,
    rows: i64,
    size: i64,
    withdrawn: i64,
    confidence: f64,
}

impl Layering {
    /// Counts a print against the orders of a layer's broker on the other side.
    pub(super) fn on_print(&mut self, p: &Print, passive: i32) {
        for (x, _) in &mut self.layers {
            x.on_print(p, passive);
        }
    }

    /// Takes a withdrawn candidate: with others added and withdrawn within a second of each other, it may be a layering.
    pub(super) fn add(
        &mut self,
        ts: i64,
        c: &Candidate,
        ended: i64,
        printed: &Printed,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        // In the order of their withdrawal: what stays was withdrawn together.
        while self.layers.front().is_some_and(|(_, at)| ended - at > s.layer_within_ns) {
            self.layers.pop_front();
        }
        if self.layers.len() == MAX_LAYERS {
            self.layers.pop_front();
            self.dropped += 1;
        }
        self.layers.push_back((*c, ended));
        let Some(group) = self.together(c, s).filter(|g| g.rows >= s.layer_min_rows) else { return };
        let pressure = group.first.pressure(printed);
        let share = group.withdrawn as f64 / group.size as f64;
        let score = (group.rows as f64 / s.layer_full_rows as f64).min(1.0) * share * pressure;
        self.held.set(ts, score * f64::from(c.side));
        sink.push(Detection {
            ts,
            kind: DetectorKind::Layering,
            side: c.side,
            score,
            confidence: group.confidence,
            px: c.px,
            evidence: evidence([
                group.rows as f64,
                group.size as f64,
                share,
                pressure,
                (ended - group.first.began) as f64,
            ]),
        });
    }

    /// Of the sets of layers that hold `c` and were added within the time of each other, the one on most rows; the
    /// one that began first of equals.
    fn together(&self, c: &Candidate, s: &DetectorSettings) -> Option<Group> {
        let alike = |x: &Candidate| (x.side, x.broker) == (c.side, c.broker);
        let mut best: Option<Group> = None;
        for (first, _) in &self.layers {
            let last = first.began + s.layer_within_ns;
            if !alike(first) || !(first.began..=last).contains(&c.began) {
                continue;
            }
            let inside = |x: &Candidate| alike(x) && (first.began..=last).contains(&x.began);
            let mut group = Group { first: *first, rows: 0, size: 0, withdrawn: 0, confidence: 1.0 };
            for (k, (x, _)) in self.layers.iter().enumerate() {
                if !inside(x) {
                    continue;
                }
                let again = self.layers.iter().take(k).any(|(y, _)| y.px == x.px && inside(y));
                group.rows += i64::from(!again);
                group.size += x.size;
                group.withdrawn += x.withdrawn;
                group.confidence = group.confidence.min(confidence(x));
            }
            let better = |b: Group| (group.rows, b.first.began) > (b.rows, group.first.began);
            if best.is_none_or(better) {
                best = Some(group);
            }
        }
        best
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
