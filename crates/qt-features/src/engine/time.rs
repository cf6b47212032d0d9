//! Time passes: bars that end, points of grids and rows that fall due before an event, in their order.

use qt_flow::footprint::SPAN;
use qt_flow::time::{MINUTE, SECOND};

use super::FeatureEngine;
use super::rows::exits;
use crate::clock::Clock;
use crate::error::Error;
use crate::feature::cause;

/// Rows or bars that one step of time may make; more is a wrong time stamp.
const MAX_SAMPLES: i64 = 1_000_000;

/// A grid of times within the session, with the features that hear of its points.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) step: i64,
    /// Points that matter to the listeners.
    pub(super) length: i64,
    pub(super) next: i64,
    pub(super) listeners: Vec<usize>,
}

/// What falls due as time passes, in the order in which it happens at one time.
enum Due {
    Footprint,
    Bar,
    Grid(usize),
    Sample,
}

impl FeatureEngine {
    /// Refuses an event whose time is so far ahead that filling the gap would make millions of rows or bars.
    pub(super) fn check_jump(&self, t: i64, index: usize) -> Result<(), Error> {
        let rows = match self.config.clock {
            Clock::Time(step) if self.next_sample < t => (t - 1 - self.next_sample) / step + 1,
            _ => 0,
        };
        let until =
            |due: Option<i64>, span| due.filter(|end| *end <= t).map_or(0, |end| (t - end) / span + 1);
        let bars = until(self.flow.bars.due(), MINUTE);
        let footprints = until(self.flow.footprints.due(), SPAN);
        let (count, what) = if rows > MAX_SAMPLES {
            (rows, format!("samples of \"{}\"", self.config.clock_text))
        } else if bars > MAX_SAMPLES {
            (bars, "one-minute bars".into())
        } else if footprints > MAX_SAMPLES {
            (footprints, "five-minute bars".into())
        } else {
            return Ok(());
        };
        Err(Error::Jump { index, seconds: (t - self.flow.now) / SECOND, count, what })
    }

    /// Lets time pass to `t`: a parent order whose pause grew too long ends.
    #[inline(always)]
    pub(super) fn pass(&mut self, t: i64) {
        if self.flow.is_due(t) {
            self.pass_due(t);
        }
    }

    #[inline(never)]
    fn pass_due(&mut self, t: i64) {
        if let Some(parent) = self.flow.pass(t) {
            self.tell_parent(&parent);
        }
    }

    pub(super) fn plan(&mut self) {
        self.next_grid = self.grids.iter().map(|g| g.next).min().unwrap_or(i64::MAX);
        let bars = [self.flow.bars.due(), self.flow.footprints.due()].into_iter().flatten().min();
        self.next_due = self.next_grid.min(self.next_sample).min(bars.map_or(i64::MAX, |end| end - 1));
    }

    /// Lets time pass up to `t`, before an event of that time is applied: bars that end at or before `t` close,
    /// grid points before `t` pass.
    #[cold]
    #[inline(never)]
    pub(super) fn advance(&mut self, t: i64) {
        while let Some((at, due)) = self.earliest(t) {
            let bar_row = match self.config.clock {
                Clock::Bar => self.flow.bars.due().unwrap_or(i64::MAX),
                _ => i64::MAX,
            };
            match due {
                Due::Footprint => {
                    self.pass(at);
                    if self.flow.footprints.close() {
                        self.tell_footprint();
                    }
                }
                Due::Bar => {
                    if let Some(bar) = self.flow.bars.close() {
                        self.close_bar(&bar);
                    }
                }
                Due::Grid(k) => {
                    let grid = &mut self.grids[k];
                    // Nobody reads before the next row: of the points until then only the last ones matter.
                    let behind = (t.min(self.next_sample).min(bar_row) - at) / grid.step - grid.length;
                    if behind > 0 {
                        grid.next = at + behind * grid.step;
                        continue;
                    }
                    self.pass(at);
                    self.happened |= exits(self.flow.prepare(at)) | cause::GRID;
                    let grid = &self.grids[k];
                    for &listener in &grid.listeners {
                        self.columns[listener].feature.on_grid(at, &self.flow);
                    }
                    let grid = &mut self.grids[k];
                    grid.next = at.saturating_add(grid.step);
                }
                Due::Sample => {
                    self.sample(at);
                    if let Clock::Time(step) = self.config.clock {
                        self.next_sample = at.saturating_add(step);
                    }
                }
            }
        }
        self.plan();
    }

    /// What falls due first before an event at `t`; at one time footprints come before one-minute bars, so that a row
    /// of the bar clock sees them, bars before grids and grids before rows.
    fn earliest(&self, t: i64) -> Option<(i64, Due)> {
        let mut first: Option<(i64, Due)> =
            self.flow.footprints.due().filter(|end| *end <= t).map(|end| (end, Due::Footprint));
        if let Some(end) = self.flow.bars.due()
            && end <= t
            && first.as_ref().is_none_or(|(earlier, _)| end < *earlier)
        {
            first = Some((end, Due::Bar));
        }
        let grids = self.grids.iter().enumerate().map(|(k, g)| (g.next, Due::Grid(k)));
        for (at, due) in grids.chain([(self.next_sample, Due::Sample)]) {
            if at < t && first.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
                first = Some((at, due));
            }
        }
        first
    }
}
