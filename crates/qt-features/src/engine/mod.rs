//! The engine: events in, feature rows out on a sampling clock.
//!
//! Batch is a loop over the same calls as streaming, so both give the same bits for any chunking.

mod build;
mod config;
mod rows;
mod session;
mod time;

use qt_core::Event;
use qt_core::event::Kind;
use qt_flow::detect::Detection;
use qt_flow::{Bar, Effects, Flow, Footprint, Parent};

use crate::clock::Clock;
use crate::error::Error;
use crate::feature::cause;
use rows::{Column, Group};
use time::Grid;

pub use config::Config;
pub use rows::Samples;

/// Computes features over a stream of events.
///
/// ```
/// use qt_core::Event;
/// use qt_core::event::{Trade, side};
/// use qt_features::{Config, FeatureEngine};
///
/// let config = Config::parse(vec!["cvd_session".into()], 0.5, 10.0, "event", "full", "drop")?;
/// let mut engine = FeatureEngine::new(config)?;
/// let trade = Trade { ts_event: 1, px: 10_800, size: 3, side: side::BUY, ..Trade::default() };
/// assert!(engine.update(&Event::from(trade))?);
/// assert_eq!(engine.take().values, [3.0]);
/// # Ok::<(), qt_features::Error>(())
/// ```
pub struct FeatureEngine {
    config: Config,
    flow: Flow,
    /// By what changes them, which is not their order in the row.
    columns: Vec<Column>,
    groups: Vec<Group>,
    /// The last row read; a column that nothing changed since keeps its value.
    row: Vec<f64>,
    /// What has happened since the last row was read, as bits of [`cause`].
    happened: u16,
    /// What counts as having happened before every row.
    at_least: u16,
    /// Time at which the next column may become warm.
    next_warm: i64,
    on_print: Vec<usize>,
    on_parent: Vec<usize>,
    on_touch: Vec<usize>,
    on_rows: Vec<usize>,
    on_levels: Vec<usize>,
    on_bar: Vec<usize>,
    on_footprint: Vec<usize>,
    grids: Vec<Grid>,
    /// The first point of the grids that has not passed; it may lag behind while time passes.
    next_grid: i64,
    /// Next point of the sampling grid, `i64::MAX` on other clocks and between sessions.
    next_sample: i64,
    /// Prints of the session at which the next row is due, on the clock that counts trades.
    next_print: i64,
    /// A print brought the count of the session to `next_print`.
    print_due: bool,
    /// The session has had no market record yet.
    awaits_first: bool,
    /// Nothing falls due before an event later than this.
    next_due: i64,
    applied: i64,
    last_recv: i64,
    last_sequence: i64,
    samples: Samples,
}

impl FeatureEngine {
    /// What the engine computes and when.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Engine time: the greatest event time seen, ns; `i64::MIN` before the first event.
    pub fn now_ns(&self) -> i64 {
        self.flow.now
    }

    /// Returns to the state of a new engine.
    ///
    /// # Errors
    /// None in practice: the configuration was accepted before.
    pub fn reset(&mut self) -> Result<(), Error> {
        *self = Self::new(self.config.clone())?;
        Ok(())
    }

    /// Applies one event; true when at least one row became due.
    ///
    /// # Errors
    /// [`Error::Unsorted`] when receive time or sequence is before that of the last event, [`Error::Jump`] when
    /// its time is absurdly far ahead; the event is not applied.
    #[inline]
    pub fn update(&mut self, event: &Event) -> Result<bool, Error> {
        let due = self.samples.times.len();
        self.check_order(std::slice::from_ref(event))?;
        self.apply(event, 0)?;
        Ok(self.samples.times.len() > due)
    }

    /// Applies events in order; returns how many rows became due.
    ///
    /// # Errors
    /// [`Error::Unsorted`] with the index of the first event out of order; no event is applied then.
    /// [`Error::Jump`] when the time of an event is absurdly far ahead; the events before it are applied.
    pub fn update_many(&mut self, events: &[Event]) -> Result<usize, Error> {
        let due = self.samples.times.len();
        if self.config.clock == Clock::Event {
            self.samples.times.reserve(events.len());
            self.samples.counts.reserve(events.len());
            self.samples.values.reserve(events.len() * self.columns.len());
        }
        self.check_order(events)?;
        for (index, event) in events.iter().enumerate() {
            self.apply(event, index)?;
        }
        Ok(self.samples.times.len() - due)
    }

    /// Hands over the detections of the kinds asked for since the last call, by the time at which they became certain.
    pub fn take_detections(&mut self) -> Vec<Detection> {
        self.flow.detectors_mut().map_or_else(Vec::new, qt_flow::detect::Detectors::take)
    }

    /// Facts and detections that detectors dropped because a table was full.
    pub fn dropped_by_detectors(&self) -> u64 {
        self.flow.detectors().map_or(0, qt_flow::detect::Detectors::dropped)
    }

    /// Price rows of the last closed five-minute bar; `None` before the first one of the contract, and where no feature
    /// reads footprints.
    pub fn footprint(&self) -> Option<&Footprint> {
        self.flow.footprint()
    }

    /// Checks that receive time and sequence do not run backwards, before anything is applied.
    #[inline]
    fn check_order(&mut self, events: &[Event]) -> Result<(), Error> {
        let (mut recv, mut sequence) = (self.last_recv, self.last_sequence);
        for (index, e) in events.iter().enumerate() {
            if e.ts_recv < recv || e.sequence < sequence {
                return Err(unsorted(e, index, recv, sequence));
            }
            (recv, sequence) = (e.ts_recv, e.sequence);
        }
        (self.last_recv, self.last_sequence) = (recv, sequence);
        Ok(())
    }

    #[inline]
    fn apply(&mut self, e: &Event, index: usize) -> Result<(), Error> {
        let t = e.ts_event.max(self.flow.now);
        if t > self.next_due {
            self.check_jump(t, index)?;
            self.advance(t);
        }
        self.pass(t);
        self.flow.now = t;
        if e.kind == Kind::Session as u8 || !self.flow.session.begun {
            self.mark(e);
        }
        if self.awaits_first {
            self.first_record(e);
        }
        if e.kind != Kind::Session as u8 {
            let effects = self.flow.apply(e);
            if effects != Effects::default() {
                self.follow(effects);
            }
        }
        let effects = self.flow.settle(e);
        if effects != Effects::default() {
            self.follow_packet(t, effects);
        }
        self.applied += 1;
        if !self.flow.session.open {
            return Ok(());
        }
        if e.kind == Kind::Bar as u8 && self.config.clock == Clock::Bar {
            self.sample(t);
        } else if e.ends_packet() {
            if self.config.clock == Clock::Event {
                self.sample(t);
            } else if self.print_due {
                self.print_due = false;
                self.sample(t);
            }
        }
        Ok(())
    }

    fn tell_parent(&mut self, parent: &Parent) {
        self.happened |= cause::PARENT;
        for &k in &self.on_parent {
            self.columns[k].feature.on_parent(parent, &self.flow);
        }
    }

    /// Tells features of what a packet did to the book.
    fn follow_packet(&mut self, t: i64, effects: Effects) {
        self.happened |= cause::BOOK;
        let (columns, flow) = (&mut self.columns[..], &self.flow);
        if effects.has(Effects::TOUCH) {
            self.happened |= cause::TOUCH;
            for &k in &self.on_touch {
                columns[k].feature.on_touch(t, flow);
            }
        }
        if effects.has(Effects::LEVELS) {
            for &k in &self.on_levels {
                columns[k].feature.on_levels(t, flow);
            }
        }
        if effects.has(Effects::ROWS) {
            for &k in &self.on_rows {
                columns[k].feature.on_rows(t, flow);
            }
            self.flow.rows.clear();
        }
    }

    /// Tells features of a print or of a bar that the source brought.
    fn follow(&mut self, effects: Effects) {
        if effects.has(Effects::PRINT) {
            self.happened |= cause::PRINT;
            if let Some(parent) = self.flow.ended_parent().copied() {
                self.tell_parent(&parent);
            }
            let (columns, flow) = (&mut self.columns[..], &self.flow);
            for &k in &self.on_print {
                columns[k].feature.on_print(flow.print(), flow);
            }
            for end in [self.flow.bars.due(), self.flow.footprints.due()].into_iter().flatten() {
                self.next_due = self.next_due.min(end - 1);
            }
            let n = self.flow.tape.session().n;
            if let Clock::Trades(every) = self.config.clock
                && n >= self.next_print
            {
                self.next_print = (n / every + 1) * every;
                self.print_due = true;
            }
        }
        if effects.has(Effects::BAR)
            && let Some(bar) = self.flow.foreign_bar().copied()
        {
            self.tell_bar(&bar);
        }
    }

    fn close_bar(&mut self, bar: &Bar) {
        self.tell_bar(bar);
        if self.config.clock == Clock::Bar {
            self.sample(bar.end);
        }
    }

    fn tell_footprint(&mut self) {
        self.flow.detect_footprint();
        let Some(footprint) = self.flow.footprint() else { return };
        self.happened |= cause::FOOTPRINT;
        for &k in &self.on_footprint {
            self.columns[k].feature.on_footprint(footprint, &self.flow);
        }
    }

    fn tell_bar(&mut self, bar: &Bar) {
        self.happened |= cause::BAR;
        for &k in &self.on_bar {
            self.columns[k].feature.on_bar(bar);
        }
    }
}

#[cold]
fn unsorted(e: &Event, index: usize, recv: i64, sequence: i64) -> Error {
    if e.ts_recv < recv {
        Error::Unsorted { field: "ts_recv", index, value: e.ts_recv, before: recv }
    } else {
        Error::Unsorted { field: "sequence", index, value: e.sequence, before: sequence }
    }
}
