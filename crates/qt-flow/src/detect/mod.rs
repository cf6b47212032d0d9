//! Detectors: state machines that look for patterns and say when, which way, how strong and on what evidence.
//!
//! None of them proves intent. A detection is told when it has become certain and carries that time, so what holds it
//! needs nothing later. Memory is bounded; what does not fit is dropped and counted. A detector that nobody asked for
//! does not run.

mod absorption;
mod detection;
mod exhaustion;
mod iceberg;
mod ignition;
mod layering;
mod matching;
mod seconds;
mod settings;
mod slots;
mod spoofing;
mod stuffing;
mod sweep;

use qt_core::book::Order;

pub use absorption::Absorption;
pub use detection::{Detection, DetectorKind, EVIDENCE, MAX_DETECTIONS};
pub use iceberg::{NativeIceberg, SyntheticIceberg, TapeIceberg};
pub use ignition::Ignition;
pub use layering::Layering;
pub use settings::{DetectorSettings, PARAMETERS, Parameter};
pub use slots::SLOTS;
pub use spoofing::Spoofing;
pub use stuffing::Stuffing;
pub use sweep::{Sweep, SweepRun};

use crate::flow::{Effects, Flow};
use crate::footprint::Footprint;
use crate::parent::Parent;
use crate::tape::Print;
use crate::time::SECOND;
use absorption::Sight;
use detection::Sink;
use seconds::Second;

/// Steps of the one-second grid that are taken one by one when time jumps, beyond the longest window; then every window
/// holds nothing but quiet seconds.
const SETTLED: i64 = 2;

/// The detectors that somebody asked for.
#[derive(Debug, Clone, Default)]
pub struct Detectors {
    settings: DetectorSettings,
    sink: Sink,
    /// Parent orders that walk the book.
    pub sweep: Option<Sweep>,
    /// Quick runs.
    pub run: Option<SweepRun>,
    /// Restored orders.
    pub native: Option<NativeIceberg>,
    /// Refilled rows.
    pub synthetic: Option<SyntheticIceberg>,
    /// Equal prints.
    pub tape: Option<TapeIceberg>,
    /// Absorbed aggression.
    pub absorption: Option<Absorption>,
    /// Withdrawn orders, and layers of them.
    pub spoofing: Option<Spoofing>,
    /// Bursts that are given back.
    pub ignition: Option<Ignition>,
    /// Bursts of undone updates.
    pub stuffing: Option<Stuffing>,
    absorption_bar: bool,
    exhaustion: bool,
    /// The forming second and its end, `None` before the session's grid begins.
    second: Second,
    next: Option<i64>,
    /// [`Detectors::advance`] has nothing to do up to this time.
    quiet: i64,
}

impl Detectors {
    /// None yet, with these thresholds.
    pub fn new(settings: DetectorSettings) -> Self {
        Self { settings, quiet: i64::MIN, ..Self::default() }
    }

    /// The thresholds in force.
    pub fn settings(&self) -> &DetectorSettings {
        &self.settings
    }

    /// Runs the detector of this kind.
    pub(crate) fn run(&mut self, kind: DetectorKind) {
        let s = &self.settings;
        match kind {
            DetectorKind::Sweep => _ = self.sweep.get_or_insert_default(),
            DetectorKind::SweepRun => _ = self.run.get_or_insert_default(),
            DetectorKind::IcebergNative => _ = self.native.get_or_insert_default(),
            DetectorKind::IcebergSynthetic => _ = self.synthetic.get_or_insert_default(),
            DetectorKind::IcebergTape => _ = self.tape.get_or_insert_default(),
            DetectorKind::Absorption => _ = self.absorption.get_or_insert_with(|| Absorption::new(s)),
            DetectorKind::Spoofing | DetectorKind::Layering => _ = self.spoofing.get_or_insert_default(),
            DetectorKind::Ignition => _ = self.ignition.get_or_insert_with(|| Ignition::new(s)),
            DetectorKind::AbsorptionBar => self.absorption_bar = true,
            DetectorKind::Exhaustion => self.exhaustion = true,
            DetectorKind::Stuffing => _ = self.stuffing.get_or_insert_with(|| Stuffing::new(s)),
        }
    }

    /// Keeps the detections of this kind until they are taken.
    pub fn collect(&mut self, kind: DetectorKind) {
        self.sink.want(kind);
    }

    /// Detections since the last call, by time.
    pub fn take(&mut self) -> Vec<Detection> {
        self.sink.take()
    }

    /// What was dropped because a table was full: prints, rows, orders, candidates, detections.
    pub fn dropped(&self) -> u64 {
        let spoofing = self.spoofing.as_ref().map_or(0, Spoofing::dropped);
        self.sink.dropped
            + self.native.as_ref().map_or(0, |n| n.dropped)
            + self.synthetic.as_ref().map_or(0, |n| n.dropped)
            + self.tape.as_ref().map_or(0, |n| n.dropped)
            + spoofing
    }

    /// Side of the latest live iceberg, by the best rule that found one: native, then synthetic, then tape.
    pub fn iceberg(&self, t: i64) -> f64 {
        let hold = self.settings.iceberg_hold_ns;
        let native = self.native.as_ref().and_then(|n| n.held().0.live(t, hold));
        let synthetic = || self.synthetic.as_ref().and_then(|n| n.held().0.live(t, hold));
        let tape = || self.tape.as_ref().and_then(|n| n.held().live(t, hold));
        native.or_else(synthetic).or_else(tape).unwrap_or(0.0)
    }

    /// Hidden contracts executed so far of that iceberg; 0 where only the tape knows of it.
    pub fn hidden(&self, t: i64) -> f64 {
        let hold = self.settings.iceberg_hold_ns;
        let native = self.native.as_ref().and_then(|n| n.held().1.live(t, hold));
        let synthetic = || self.synthetic.as_ref().and_then(|n| n.held().1.live(t, hold));
        native.or_else(synthetic).unwrap_or(0.0)
    }

    pub(crate) fn on_print(&mut self, p: &Print, hidden: bool, packet: bool, flow: &Flow) {
        let (s, sink) = (&self.settings, &mut self.sink);
        self.second.add(p);
        if let Some(d) = &mut self.sweep {
            d.on_print(p, flow);
        }
        if let Some(d) = &mut self.run {
            d.on_print(p, s, sink);
        }
        if let Some(d) = &mut self.tape {
            d.on_print(p, s, sink);
            self.quiet = self.quiet.min(d.exit(s) - 1);
        }
        if let Some(d) = self.native.as_mut().filter(|_| flow.by_order() && !hidden) {
            d.on_print(p, packet);
            self.quiet = self.quiet.min(p.ts + s.native_window_ns);
        }
        if let Some(d) = &mut self.synthetic {
            d.on_print(p, flow, s);
        }
        if let Some(d) = &mut self.spoofing {
            d.on_print(p, flow.passive_broker(), hidden, s);
            self.quiet = self.quiet.min(d.earliest());
        }
    }

    /// A parent order ended; `ts` is when that became certain.
    pub(crate) fn on_parent(&mut self, p: &Parent, ts: i64) {
        if let Some(d) = &mut self.sweep {
            d.on_parent(p, ts, &self.settings, &mut self.sink);
            self.quiet = self.quiet.min(d.exit() - 1);
        }
    }

    /// A footprint closed.
    pub(crate) fn on_footprint(&mut self, f: &Footprint) {
        if self.absorption_bar {
            exhaustion::absorption(f, &self.settings, &mut self.sink);
        }
        if self.exhaustion {
            exhaustion::exhaustion(f, &self.settings, &mut self.sink);
        }
    }

    /// An order as it was displayed before a record outside images, and as it is after it.
    #[inline]
    pub(crate) fn on_order(&mut self, t: i64, old: Option<&Order>, new: Option<&Order>) {
        if let Some(d) = &mut self.native {
            d.on_order(t, old, new, &self.settings, &mut self.sink);
        }
    }

    /// Whether single orders are wanted.
    #[inline(always)]
    pub(crate) fn wants_orders(&self) -> bool {
        self.native.is_some()
    }

    /// A packet that may have changed the book ended.
    pub(crate) fn on_packet(&mut self, t: i64, effects: Effects, flow: &Flow) {
        let (s, sink) = (&self.settings, &mut self.sink);
        if flow.rows.voided() {
            self.native.iter_mut().for_each(NativeIceberg::void);
            self.synthetic.iter_mut().for_each(SyntheticIceberg::void);
            self.spoofing.iter_mut().for_each(Spoofing::void);
            self.stuffing.iter_mut().for_each(Stuffing::void);
        }
        if effects.has(Effects::TOUCH) {
            let touch = flow.touch();
            if let Some(d) = &mut self.ignition {
                d.on_touch(t, touch, if flow.has_levels() { 0.7 } else { 0.6 }, s, sink);
            }
            if let Some(d) = &mut self.synthetic {
                d.on_touch(t, touch, s);
            }
        }
        let by_order = flow.by_order();
        for c in flow.rows.changes() {
            if let Some(d) = &mut self.stuffing {
                d.on_row(t, c, &mut self.second, s);
            }
            if let Some(d) = &mut self.synthetic {
                d.on_row(t, c, if by_order { 0.7 } else { 0.6 }, s, sink);
            }
            if let Some(d) = &mut self.spoofing {
                d.on_row(t, c, flow, s);
                self.quiet = self.quiet.min(d.earliest());
            }
        }
        if let Some(d) = &mut self.native {
            d.on_packet(t, sink);
        }
    }

    /// Whether [`Detectors::advance`] may have something to do at `t`.
    #[inline(always)]
    pub(crate) fn is_due(&self, t: i64) -> bool {
        t > self.quiet
    }

    /// Lets time pass to `t`: what was due before it happens, in the order of its times.
    pub(crate) fn advance(&mut self, t: i64, flow: &Flow) {
        if !self.is_due(t) {
            return;
        }
        if self.next.is_none()
            && let Some(first) = flow.session.first
        {
            let steps = (first - flow.session.start + SECOND - 1) / SECOND;
            self.next = Some(flow.session.start + steps.max(1) * SECOND);
        }
        if let Some(d) = &mut self.sweep {
            d.forget(t);
        }
        if let Some(d) = &mut self.tape {
            d.forget(t, &self.settings);
        }
        let mut quiet_from = None;
        loop {
            let s = &self.settings;
            let native = self.native.as_ref().map_or(i64::MAX, |d| d.due(s));
            let spoofing = self.spoofing.as_mut().map_or(i64::MAX, |d| d.due(s));
            let second = self.next.filter(|_| self.counts_seconds()).unwrap_or(i64::MAX);
            let due = native.min(spoofing).min(second);
            if due >= t {
                let sweep = self.sweep.as_ref().map_or(i64::MAX, Sweep::exit);
                let tape = self.tape.as_ref().map_or(i64::MAX, |d| d.exit(s));
                // Without a first market record the grid of seconds may begin at any time.
                let known = self.next.map_or(i64::MIN, |_| i64::MAX);
                self.quiet = due.min(sweep - 1).min(tape - 1).min(known);
                break;
            }
            if due == second {
                let from = *quiet_from.get_or_insert(due);
                self.end_second(due, flow);
                if due - from >= (self.longest() + SETTLED) * SECOND {
                    self.skip(t);
                }
            } else if due == spoofing {
                if let Some(d) = &mut self.spoofing {
                    d.pass(due, s, &mut self.sink);
                }
            } else if let Some(d) = &mut self.native {
                d.pass(due, s, &mut self.sink);
            }
        }
    }

    fn counts_seconds(&self) -> bool {
        self.absorption.is_some() || self.ignition.is_some() || self.stuffing.is_some()
    }

    /// Longest window of the detectors on the grid, s.
    fn longest(&self) -> i64 {
        let s = &self.settings;
        s.absorption_window_s.max(s.ignition_history_s).max(s.stuffing_history_s)
    }

    fn end_second(&mut self, g: i64, flow: &Flow) {
        let (s, sink) = (&self.settings, &mut self.sink);
        let mut x = std::mem::take(&mut self.second);
        x.mid2 = flow.quote().map(crate::touch::Touch::mid2);
        if let Some(d) = &mut self.absorption {
            let age = flow.session.first.map_or(0, |first| g - first);
            let confidence = if flow.has_levels() { 0.8 } else { 0.6 };
            d.on_second(g, age, &x, &Sight { touch: flow.quote(), confidence }, s, sink);
        }
        if let Some(d) = &mut self.ignition {
            d.on_second(g, &x, s);
        }
        if let Some(d) = &mut self.stuffing {
            d.on_second(g, &x, if flow.by_order() { 0.8 } else { 0.5 }, s, sink);
        }
        self.next = Some(g + SECOND);
    }

    /// Leaves out the quiet seconds before `t`.
    #[cold]
    fn skip(&mut self, t: i64) {
        let Some(next) = self.next.filter(|next| *next < t) else { return };
        let seconds = (t - 1 - next) / SECOND + 1;
        if let Some(d) = &mut self.absorption {
            d.quiet(seconds, &self.settings);
        }
        self.next = Some(next + seconds * SECOND);
    }

    /// Starts a session: what was pending is dropped, what was told stays.
    pub(crate) fn clear(&mut self) {
        self.sweep.iter_mut().for_each(Sweep::clear);
        self.run.iter_mut().for_each(SweepRun::clear);
        self.native.iter_mut().for_each(NativeIceberg::clear);
        self.synthetic.iter_mut().for_each(SyntheticIceberg::clear);
        self.tape.iter_mut().for_each(TapeIceberg::clear);
        self.absorption.iter_mut().for_each(Absorption::clear);
        self.spoofing.iter_mut().for_each(Spoofing::clear);
        self.ignition.iter_mut().for_each(Ignition::clear);
        self.stuffing.iter_mut().for_each(Stuffing::clear);
        (self.second, self.next, self.quiet) = (Second::default(), None, i64::MIN);
    }
}
