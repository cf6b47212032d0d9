//! The engine: events in, feature rows out on a sampling clock.
//!
//! Batch is a loop over the same calls as streaming, so both give the same bits for any chunking.

use qt_core::Event;
use qt_core::event::Kind;
use qt_flow::detect::{Detection, DetectorKind, DetectorSettings};
use qt_flow::footprint::SPAN;
use qt_flow::session::Turn;
use qt_flow::time::{MINUTE, SECOND};
use qt_flow::{Bar, Effects, Flow, Footprint, Parent, RlpSign, exit};

use crate::catalogue::{close_names, find};
use crate::clock::Clock;
use crate::error::Error;
use crate::feature::{Feature, Setup, cause};
use crate::fitted::Fitted;

/// What an engine computes and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Feature names, in column order.
    pub names: Vec<String>,
    /// Price of one tick, in points.
    pub tick_size: f64,
    /// Money per point and contract.
    pub point_value: f64,
    /// When rows are taken.
    pub clock: Clock,
    /// The clock as it was given, for messages.
    pub clock_text: String,
    /// Emit time-window features from the first event instead of after one full window.
    pub partial: bool,
    /// How RLP trades are signed.
    pub rlp: RlpSign,
    /// Scheduled length of the continuous session in seconds; `None` where it is not known.
    pub session_seconds: Option<f64>,
    /// What was fitted off the hot path.
    pub fitted: Fitted,
    /// Kinds of detections to collect.
    pub detect: Vec<DetectorKind>,
    /// Thresholds of the detectors, of those behind features too.
    pub detectors: DetectorSettings,
}

impl Config {
    /// Settings as texts, as they come from users; the length of the session is not known.
    ///
    /// # Errors
    /// [`Error::Config`] for a value that is not known or out of range.
    pub fn parse(
        names: Vec<String>,
        tick_size: f64,
        point_value: f64,
        clock: &str,
        warmup: &str,
        rlp_sign: &str,
    ) -> Result<Self, Error> {
        let partial = match warmup {
            "full" => false,
            "partial" => true,
            _ => {
                let text = format!("warmup \"{warmup}\" is not known; use \"full\" or \"partial\"");
                return Err(Error::Config(text));
            }
        };
        let rlp = match rlp_sign {
            "drop" => RlpSign::Drop,
            "quote" => RlpSign::Quote,
            _ => {
                let text = format!("rlp_sign \"{rlp_sign}\" is not known; use \"drop\" or \"quote\"");
                return Err(Error::Config(text));
            }
        };
        let clock_text = clock.to_string();
        let (clock, detect, detectors) = (clock.parse()?, Vec::new(), DetectorSettings::default());
        let session_seconds = None;
        Ok(Self {
            names,
            tick_size,
            point_value,
            clock,
            clock_text,
            partial,
            rlp,
            session_seconds,
            fitted: Fitted::default(),
            detect,
            detectors,
        })
    }

    /// The same with the scheduled length of the continuous session in seconds, which
    /// [`FeatureEngine::new`] checks.
    #[must_use]
    pub fn with_session_seconds(self, session_seconds: Option<f64>) -> Self {
        Self { session_seconds, ..self }
    }

    /// The same with what was fitted off the hot path, which [`FeatureEngine::new`] checks.
    #[must_use]
    pub fn with_fitted(self, fitted: Fitted) -> Self {
        Self { fitted, ..self }
    }

    /// The same, with detections of these kinds collected and these thresholds changed.
    ///
    /// # Errors
    /// [`Error::Config`] for a kind or threshold that is not known, a kind given twice, or a value out of range.
    pub fn detecting(mut self, kinds: &[String], settings: &[(String, f64)]) -> Result<Self, Error> {
        for name in kinds {
            let Some(kind) = DetectorKind::of(name) else {
                let known: Vec<_> = DetectorKind::ALL.iter().map(|k| k.name()).collect();
                let text = format!("detector \"{name}\" is not known; use {}", known.join(", "));
                return Err(Error::Config(text));
            };
            if self.detect.contains(&kind) {
                return Err(Error::Config(format!("detector \"{name}\" is given twice")));
            }
            self.detect.push(kind);
        }
        for (name, value) in settings {
            self.detectors.set(name, *value).map_err(Error::Config)?;
        }
        Ok(self)
    }
}

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

/// Rows or bars that one step of time may make; more is a wrong time stamp.
const MAX_SAMPLES: i64 = 1_000_000;

/// Rows that are reserved at most after [`FeatureEngine::take`].
const RESERVED_ROWS: usize = 4096;

/// A grid of times within the session, with the features that hear of its points.
#[derive(Debug, Clone)]
struct Grid {
    step: i64,
    /// Points that matter to the listeners.
    length: i64,
    next: i64,
    listeners: Vec<usize>,
}

struct Column {
    feature: Box<dyn Feature>,
    /// Its place in the row.
    place: usize,
    /// Time after the session's first market record before which the value is NaN.
    warm_ns: i64,
}

/// Columns that the same causes change: neighbours, by the length of their warm-up.
struct Group {
    causes: u16,
    begin: usize,
    end: usize,
    /// The first of them that is not warm.
    warm: usize,
}

/// A column with what it asked for.
struct Asked {
    column: Column,
    causes: u16,
    grid: Option<(i64, i64)>,
    /// Prints, parents, touch, rows, levels, bars and footprints.
    hears: [bool; 7],
}

/// What falls due as time passes, in the order in which it happens at one time.
enum Due {
    Footprint,
    Bar,
    Grid(usize),
    Sample,
}

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
    /// An engine that has seen nothing.
    ///
    /// # Errors
    /// [`Error::UnknownFeature`] for a name that is not in the catalogue, [`Error::Config`] for no name, a name
    /// given twice, or a tick size, point value or session length that is not positive.
    pub fn new(config: Config) -> Result<Self, Error> {
        let numbers = [
            ("tick_size", Some(config.tick_size)),
            ("point_value", Some(config.point_value)),
            ("session_seconds", config.session_seconds),
        ];
        for (name, x) in numbers {
            if let Some(x) = x
                && !(x > 0.0 && x.is_finite())
            {
                return Err(Error::Config(format!("{name} is {x:?}; expected a positive number")));
            }
        }
        config.fitted.check()?;
        if config.names.is_empty() && config.detect.is_empty() {
            return Err(Error::Config("names is empty; give at least one feature".into()));
        }
        let mut engine = Self {
            flow: Flow::new(config.rlp),
            columns: Vec::with_capacity(config.names.len()),
            groups: Vec::new(),
            row: vec![f64::NAN; config.names.len()],
            happened: cause::ALL,
            at_least: cause::TIME,
            next_warm: i64::MIN,
            on_print: Vec::new(),
            on_parent: Vec::new(),
            on_touch: Vec::new(),
            on_rows: Vec::new(),
            on_levels: Vec::new(),
            on_bar: Vec::new(),
            on_footprint: Vec::new(),
            grids: Vec::new(),
            next_grid: i64::MAX,
            next_sample: i64::MAX,
            next_print: i64::MAX,
            print_due: false,
            awaits_first: false,
            next_due: i64::MAX,
            applied: 0,
            last_recv: i64::MIN,
            last_sequence: i64::MIN,
            samples: Samples::default(),
            config,
        };
        engine.flow.now = i64::MIN;
        engine.flow.set_detectors(engine.config.detectors);
        for kind in engine.config.detect.clone() {
            engine.flow.want_detector(kind);
            if let Some(detectors) = engine.flow.detectors_mut() {
                detectors.collect(kind);
            }
        }
        if engine.config.clock == Clock::Bar {
            engine.flow.bars.enable();
        }
        let mut asked = Vec::with_capacity(engine.config.names.len());
        for (k, name) in engine.config.names.clone().iter().enumerate() {
            if engine.config.names[..k].contains(name) {
                return Err(Error::Config(format!("feature \"{name}\" is given twice")));
            }
            asked.push(engine.build(name, k)?);
        }
        asked.sort_by_key(|a| (a.causes, a.column.warm_ns));
        for a in asked {
            engine.add(a);
        }
        Ok(engine)
    }

    fn build(&mut self, name: &str, place: usize) -> Result<Asked, Error> {
        let Some((spec, entry)) = find(name) else {
            return Err(Error::UnknownFeature { name: name.into(), close: close_names(name) });
        };
        let mut setup = Setup::new(&mut self.flow);
        setup.session_seconds = self.config.session_seconds;
        setup.tick_value = self.config.tick_size * self.config.point_value;
        setup.fitted.clone_from(&self.config.fitted);
        let feature = (entry.build)(spec, &mut setup);
        let Setup { causes, grid, prints, parents, touch, rows, levels, bars, footprints, .. } = setup;
        let warm_ns = if self.config.partial { 0 } else { spec.warmup_ns() };
        let hears = [prints, parents, touch, rows, levels, bars, footprints];
        Ok(Asked { column: Column { feature, place, warm_ns }, causes, grid, hears })
    }

    /// Adds a column, in the order of their groups.
    fn add(&mut self, asked: Asked) {
        let index = self.columns.len();
        let listeners = [
            &mut self.on_print,
            &mut self.on_parent,
            &mut self.on_touch,
            &mut self.on_rows,
            &mut self.on_levels,
            &mut self.on_bar,
            &mut self.on_footprint,
        ];
        for (listeners, _) in listeners.into_iter().zip(asked.hears).filter(|(_, hears)| *hears) {
            listeners.push(index);
        }
        if let Some((step, length)) = asked.grid {
            match self.grids.iter_mut().find(|g| g.step == step) {
                Some(g) => {
                    g.length = g.length.max(length);
                    g.listeners.push(index);
                }
                None => self.grids.push(Grid { step, length, next: i64::MAX, listeners: vec![index] }),
            }
        }
        let (causes, begin, end) = (asked.causes, index, index + 1);
        match self.groups.last_mut() {
            Some(group) if group.causes == causes => group.end = end,
            _ => self.groups.push(Group { causes, begin, end, warm: begin }),
        }
        self.columns.push(asked.column);
    }

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

    /// Hands over the detections of the kinds asked for since the last call, by the time at which they became certain.
    pub fn take_detections(&mut self) -> Vec<Detection> {
        self.flow.detectors_mut().map_or_else(Vec::new, qt_flow::detect::Detectors::take)
    }

    /// Facts and detections that detectors dropped because a table was full.
    pub fn dropped_by_detectors(&self) -> u64 {
        self.flow.detectors().map_or(0, qt_flow::detect::Detectors::dropped)
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

    /// Price rows of the last closed five-minute bar; `None` before the first one of the contract, and where no feature
    /// reads footprints.
    pub fn footprint(&self) -> Option<&Footprint> {
        self.flow.footprint()
    }

    /// Makes every row read every column, also those that nothing has changed. The numbers are the same; this is how
    /// that is tested.
    pub fn read_everything(&mut self) {
        (self.happened, self.at_least) = (cause::ALL, cause::ALL);
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

    /// Grids begin with the first market record of a session.
    #[cold]
    fn first_record(&mut self, e: &Event) {
        let market = [Kind::Trade, Kind::Quote, Kind::Level, Kind::Order, Kind::Bar];
        if !self.flow.session.open || !market.iter().any(|k| *k as u8 == e.kind) {
            return;
        }
        self.awaits_first = false;
        (self.happened, self.next_warm) = (cause::ALL, i64::MIN);
        let (start, now) = (self.flow.session.start, self.flow.now);
        self.flow.session.first = Some(now);
        for g in &mut self.grids {
            g.next = first_point(start, g.step, now);
        }
        if let Clock::Time(step) = self.config.clock {
            self.next_sample = first_point(start, step, now);
        }
        self.plan();
    }

    /// Refuses an event whose time is so far ahead that filling the gap would make millions of rows or bars.
    fn check_jump(&self, t: i64, index: usize) -> Result<(), Error> {
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
    fn pass(&mut self, t: i64) {
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

    /// The first event and session markers.
    #[cold]
    fn mark(&mut self, e: &Event) {
        let first = !self.flow.session.begun;
        (self.happened, self.next_warm) = (cause::ALL, i64::MIN);
        if e.kind != Kind::Session as u8 {
            self.start_session();
            return;
        }
        let turn = self.flow.session.marker(e.action);
        match turn {
            // The first event opens the session, whatever it is; a close does not.
            Turn::None if first && e.action != qt_core::event::phase::CLOSED => self.start_session(),
            Turn::None => {}
            Turn::Start => {
                self.end_bars();
                self.start_session();
            }
            Turn::Close => {
                // `open` is already false, but the bars belong to the session that ends.
                self.end_bars();
                self.next_sample = i64::MAX;
                self.print_due = false;
                self.plan();
            }
            Turn::Roll => {
                let open = self.flow.session.open || first;
                self.flow.session.open = open;
                self.flow.roll(e);
                for c in &mut self.columns {
                    c.feature.on_roll();
                    c.feature.on_session();
                    if open {
                        c.feature.on_session_start(self.flow.session.start);
                    }
                }
                self.anchor();
            }
        }
    }

    /// Closes the forming bars because their session ends now.
    fn end_bars(&mut self) {
        let now = self.flow.now;
        if self.flow.footprints.end_session(now) {
            self.tell_footprint();
        }
        if let Some(bar) = self.flow.bars.end_session(now) {
            self.close_bar(&bar);
        }
    }

    fn start_session(&mut self) {
        self.flow.start_session();
        for c in &mut self.columns {
            c.feature.on_session();
            c.feature.on_session_start(self.flow.session.start);
        }
        self.anchor();
    }

    /// A session starts, or the next contract while none is running: grids wait for the first market record, counts
    /// begin again.
    fn anchor(&mut self) {
        // Again: the bar that the marker closed may have made a row since.
        (self.happened, self.next_warm) = (cause::ALL, i64::MIN);
        for g in &mut self.grids {
            g.next = i64::MAX;
        }
        self.next_sample = i64::MAX;
        self.awaits_first = self.flow.session.open;
        self.next_print = match self.config.clock {
            Clock::Trades(every) => every,
            _ => i64::MAX,
        };
        self.print_due = false;
        self.plan();
    }

    fn plan(&mut self) {
        self.next_grid = self.grids.iter().map(|g| g.next).min().unwrap_or(i64::MAX);
        let bars = [self.flow.bars.due(), self.flow.footprints.due()].into_iter().flatten().min();
        self.next_due = self.next_grid.min(self.next_sample).min(bars.map_or(i64::MAX, |end| end - 1));
    }

    /// Lets time pass up to `t`, before an event of that time is applied: bars that end at or before `t` close,
    /// grid points before `t` pass.
    #[cold]
    #[inline(never)]
    fn advance(&mut self, t: i64) {
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

    #[inline]
    fn sample(&mut self, t: i64) {
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
fn exits(left: u8) -> u16 {
    let cause = |bit: u8, cause: u16| if left & bit == 0 { 0 } else { cause };
    cause(exit::TAPE, cause::EXIT_TAPE)
        | cause(exit::BOOK, cause::EXIT_BOOK)
        | cause(exit::MID, cause::EXIT_MID)
}

/// First point start + k·step, k ≥ 1, at or after `t` ≥ `start`.
fn first_point(start: i64, step: i64, t: i64) -> i64 {
    let k = ((t - start) / step + i64::from((t - start) % step != 0)).max(1);
    start.saturating_add(k.saturating_mul(step))
}

#[cold]
fn unsorted(e: &Event, index: usize, recv: i64, sequence: i64) -> Error {
    if e.ts_recv < recv {
        Error::Unsorted { field: "ts_recv", index, value: e.ts_recv, before: recv }
    } else {
        Error::Unsorted { field: "sequence", index, value: e.sequence, before: sequence }
    }
}
