//! Sweeps: parent orders that walk several rows, and quick runs of growing prints.

use std::collections::VecDeque;

use super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::settings::DetectorSettings;
use crate::flow::Flow;
use crate::parent::Parent;
use crate::tape::Print;
use crate::time::{MINUTE, SECOND};

/// Parents that printed on at least `sweep_min_levels` rows and never stepped against their direction. Certain when the
/// parent has ended, as its next print could still step back.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Contracts displayed at each row just before the open parent's first print there; `None` where not known.
    displayed: Option<i64>,
    last_px: i32,
    held: Held,
    /// (last print, levels, side) of ended parents, levels falling: the first is the maximum of the minute.
    walked: VecDeque<(i64, u32, i8)>,
    /// (begin, volume) of the sweeps of five minutes.
    swept: VecDeque<(i64, i64)>,
    swept_volume: i64,
}

impl Sweep {
    pub(super) fn on_print(&mut self, p: &Print, flow: &Flow) {
        let Some(open) = flow.parents.open() else { return };
        let first = open.prints == 1;
        if first || p.px != self.last_px {
            let so_far = if first { Some(0) } else { self.displayed };
            self.displayed = so_far.zip(flow.size_at(-p.side, p.px)).map(|(a, b)| a + b);
        }
        self.last_px = p.px;
    }

    pub(super) fn on_parent(&mut self, p: &Parent, ts: i64, s: &DetectorSettings, sink: &mut Sink) {
        if p.stepped_back {
            return;
        }
        self.forget(ts);
        while self.walked.back().is_some_and(|w| w.1 <= p.rows) {
            self.walked.pop_back();
        }
        self.walked.push_back((p.last, p.rows, p.side));
        if i64::from(p.rows) < s.sweep_min_levels || p.volume < s.sweep_min_qty {
            return;
        }
        self.swept.push_back((p.first, p.volume));
        self.swept_volume += p.volume;
        self.held.set(ts, f64::from(p.side));
        let displayed = self.displayed.filter(|d| *d > 0);
        let confidence = match (p.broker != 0, p.first == p.last) {
            (true, _) => 1.0,
            (false, true) => 0.8,
            (false, false) => 0.6,
        };
        sink.push(Detection {
            ts,
            kind: DetectorKind::Sweep,
            side: p.side,
            score: (f64::from(p.rows) / s.sweep_full_levels as f64).min(1.0),
            confidence,
            px: p.last_px,
            evidence: evidence([
                f64::from(p.rows),
                p.volume as f64,
                p.prints as f64,
                displayed.map_or(f64::NAN, |d| p.volume as f64 / d as f64),
                (p.last - p.first) as f64,
                f64::from(p.first_px),
            ]),
        });
    }

    /// Ends the windows at `t`.
    pub(super) fn forget(&mut self, t: i64) {
        while self.walked.front().is_some_and(|w| w.0 <= t - MINUTE) {
            self.walked.pop_front();
        }
        while let Some((begin, volume)) = self.swept.front().copied()
            && begin <= t - 5 * MINUTE
        {
            self.swept.pop_front();
            self.swept_volume -= volume;
        }
    }

    /// Side of the last sweep while it is held, else 0.
    pub fn signal(&self, t: i64, hold: i64) -> f64 {
        self.held.live(t, hold).unwrap_or(0.0)
    }

    /// Rows of the parent that walked most in the last minute, signed by its side; the later one of equals.
    pub fn levels(&self) -> i64 {
        self.walked.front().map_or(0, |w| i64::from(w.1) * i64::from(w.2))
    }

    /// Volume of the sweeps that began in the last five minutes.
    pub fn volume(&self) -> i64 {
        self.swept_volume
    }

    pub(super) fn clear(&mut self) {
        self.walked.clear();
        self.swept.clear();
        *self = Self {
            walked: std::mem::take(&mut self.walked),
            swept: std::mem::take(&mut self.swept),
            ..Self::default()
        };
    }
}

/// The run of prints of one side that the last print belongs to. Unsigned prints end a run.
#[derive(Debug, Clone, Default)]
pub struct SweepRun {
    side: i8,
    length: i64,
    first: i64,
    first_px: i32,
    volume: i64,
    /// Σ index·size, indices from 0.
    weighted: i128,
    on: bool,
}

impl SweepRun {
    pub(super) fn on_print(&mut self, p: &Print, s: &DetectorSettings, sink: &mut Sink) {
        if p.side == 0 || p.side != self.side {
            *self = Self { side: p.side, first: p.ts, first_px: p.px, ..Self::default() };
        }
        let was_on = self.on;
        self.weighted += i128::from(self.length) * i128::from(p.size);
        self.length += 1;
        self.volume += i64::from(p.size);
        let (k, span) = (self.length, p.ts - self.first);
        // n·Σ(i·q) − Σi·Σq, whose sign is that of the slope.
        let rise = i128::from(k) * self.weighted - i128::from(k * (k - 1) / 2) * i128::from(self.volume);
        let quick = (k - 1) as f64 * SECOND as f64 > s.run_min_speed * span as f64;
        self.on = p.side != 0 && k >= s.run_min_length && rise > 0 && quick;
        if !self.on || was_on {
            return;
        }
        // n·Σi² − (Σi)² = n²(n² − 1)/12
        let spread = (k as f64) * (k as f64) * ((k as f64) * (k as f64) - 1.0) / 12.0;
        // Of prints at one time there is none to tell.
        let speed = if span == 0 { f64::NAN } else { (k - 1) as f64 * SECOND as f64 / span as f64 };
        sink.push(Detection {
            ts: p.ts,
            kind: DetectorKind::SweepRun,
            side: p.side,
            score: (k as f64 / (2 * s.run_min_length) as f64).min(1.0),
            confidence: 0.5,
            px: p.px,
            evidence: evidence([
                k as f64,
                self.volume as f64,
                rise as f64 / spread,
                speed,
                span as f64,
                f64::from(self.first_px),
            ]),
        });
    }

    /// Side of the run that the last print belongs to, if it sweeps, else 0.
    pub fn signal(&self) -> f64 {
        if self.on { f64::from(self.side) } else { 0.0 }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
