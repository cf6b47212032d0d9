//! Rows: which columns are read when, and where the rows that are due wait.

use qt_flow::exit;

use super::FeatureEngine;
use crate::feature::{Feature, cause};

/// Rows that became due.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Time of each row, ns.
    pub times: Vec<i64>,
    /// Values, row after row.
    pub values: Vec<f64>,
    /// Events applied when each row was taken, since the start or [`FeatureEngine::reset`].
    pub counts: Vec<i64>,
}

/// Rows that are reserved at most after [`FeatureEngine::take`].
const RESERVED_ROWS: usize = 4096;

pub(super) struct Column {
    pub(super) feature: Box<dyn Feature>,
    /// Its place in the row.
    pub(super) place: usize,
    /// Time after the session's first market record before which the value is NaN.
    pub(super) warm_ns: i64,
}

/// Columns that the same causes change: neighbours, by the length of their warm-up.
pub(super) struct Group {
    pub(super) causes: u16,
    pub(super) begin: usize,
    pub(super) end: usize,
    /// The first of them that is not warm.
    pub(super) warm: usize,
}

impl FeatureEngine {
    /// Hands over the rows due since the last call.
    pub fn take(&mut self) -> Samples {
        // Room for as much again, within reason, so that steady streaming does not grow it row by row.
        let rows = self.samples.times.len().min(RESERVED_ROWS);
        let fresh = Samples {
            times: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows * self.columns.len()),
            counts: Vec::with_capacity(rows),
        };
        std::mem::replace(&mut self.samples, fresh)
    }

    /// Forgets the rows due since the last [`FeatureEngine::take`], keeping their memory.
    pub fn discard(&mut self) {
        self.samples.times.clear();
        self.samples.values.clear();
        self.samples.counts.clear();
    }

    /// Rows due since the last [`FeatureEngine::take`].
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Appends the values now to `row`; NaN throughout before the first session.
    pub fn snapshot(&mut self, row: &mut Vec<f64>) {
        if self.flow.session.opened {
            self.read(self.flow.now);
            row.extend_from_slice(&self.row);
        } else {
            row.resize(row.len() + self.columns.len(), f64::NAN);
        }
    }

    /// Makes every row read every column, also those that nothing has changed. The numbers are the same; this is how
    /// that is tested.
    pub fn read_everything(&mut self) {
        (self.happened, self.at_least) = (cause::ALL, cause::ALL);
    }

    #[inline]
    pub(super) fn sample(&mut self, t: i64) {
        self.read(t);
        self.samples.times.push(t);
        self.samples.counts.push(self.applied);
        self.samples.values.extend_from_slice(&self.row);
    }

    /// Brings `row` to time `t`: reads the columns that something may have changed since they were read last.
    #[inline]
    fn read(&mut self, t: i64) {
        self.pass(t);
        self.happened |= exits(self.flow.prepare(t));
        if t >= self.next_warm {
            self.warm(t);
        }
        self.happened |= u16::from(t >= self.next_grid) * cause::GRID;
        // Slices of their own: nothing is looked up again after a call.
        let (columns, row, flow) = (&mut self.columns[..], &mut self.row[..], &self.flow);
        let happened = std::mem::replace(&mut self.happened, self.at_least);
        for group in self.groups.iter().filter(|g| g.causes & happened != 0) {
            for c in &mut columns[group.begin..group.warm] {
                row[c.place] = c.feature.value(flow, t);
            }
        }
    }

    /// A column may have become warm: everything is read, and the next such time is looked up.
    #[cold]
    fn warm(&mut self, t: i64) {
        self.happened = cause::ALL;
        let elapsed = self.flow.session.first.map_or(-1, |first| t - first);
        let is_warm = |c: &Column| c.warm_ns == 0 || elapsed >= c.warm_ns;
        for group in &mut self.groups {
            group.warm = group.begin + self.columns[group.begin..group.end].partition_point(is_warm);
        }
        for c in self.columns.iter().filter(|c| !is_warm(c)) {
            self.row[c.place] = f64::NAN;
        }
        self.next_warm = match self.flow.session.first {
            None => i64::MAX,
            Some(first) => {
                let due = self.columns.iter().map(|c| first.saturating_add(c.warm_ns)).filter(|at| *at > t);
                due.min().unwrap_or(i64::MAX)
            }
        };
    }
}

/// The causes that go with windows that something left.
#[inline]
pub(super) fn exits(left: u8) -> u16 {
    let cause = |bit: u8, cause: u16| if left & bit == 0 { 0 } else { cause };
    cause(exit::TAPE, cause::EXIT_TAPE)
        | cause(exit::BOOK, cause::EXIT_BOOK)
        | cause(exit::MID, cause::EXIT_MID)
}
