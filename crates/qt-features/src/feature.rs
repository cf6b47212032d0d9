//! What a feature is: a small state machine that reads shared state at sampling times.

use qt_flow::{Bar, Flow, Footprint, Parent, Print};

pub use qt_flow::moments::float;

use crate::fitted::Fitted;
use crate::spec::Spec;

/// One column of the output.
///
/// State that several features need belongs to [`Flow`]; a feature owns at most its window. It hears only of the
/// events it asked for in [`Setup`], so a feature that reads shared state costs nothing per event.
pub trait Feature: Send + Sync {
    /// The value at time `t`, once time warm-up is over. Every window of `flow` already ends at `t`.
    fn value(&mut self, flow: &Flow, t: i64) -> f64;

    /// A print was added; after [`Setup::on_prints`]. `flow` holds it; its touch and levels are still those of the
    /// packet before the print's, and its rows those of the record before it.
    fn on_print(&mut self, _print: &Print, _flow: &Flow) {}

    /// A parent order ended; after [`Setup::on_parents`]. It did so when a print broke it, or when its pause grew too
    /// long; the print that broke it is told afterwards.
    fn on_parent(&mut self, _parent: &Parent, _flow: &Flow) {}

    /// A packet ended with another touch than before it, or with none; after [`Setup::on_touch`].
    fn on_touch(&mut self, _t: i64, _flow: &Flow) {}

    /// A packet changed rows of the book, or voided them; after [`Setup::on_rows`]. They are `flow.rows`; the touch is
    /// that after the packet.
    fn on_rows(&mut self, _t: i64, _flow: &Flow) {}

    /// A packet may have left other best levels, or a touch that became good or ceased to be; after
    /// [`Setup::on_levels`].
    fn on_levels(&mut self, _t: i64, _flow: &Flow) {}

    /// A bar closed; after [`Setup::on_bars`].
    fn on_bar(&mut self, _bar: &Bar) {}

    /// A five-minute bar closed; after [`Setup::on_footprints`]. Where a one-minute bar closes at the same time, it does
    /// so afterwards.
    fn on_footprint(&mut self, _footprint: &Footprint, _flow: &Flow) {}

    /// A point `t` of the grid asked for with [`Setup::on_grid`] has passed: `flow` holds every event at or
    /// before `t` and nothing later, and its windows end at `t`.
    fn on_grid(&mut self, _t: i64, _flow: &Flow) {}

    /// A session starts, or the next contract begins while none is running.
    fn on_session(&mut self) {}

    /// A session starts at `start`; after [`Feature::on_session`], and not when none is running.
    fn on_session_start(&mut self, _start: i64) {}

    /// The next contract begins.
    fn on_roll(&mut self) {}
}

/// What can change a value between two rows, as bits; see [`Setup::changes_with`].
pub mod cause {
    /// Time alone: the feature is read for every row.
    pub const TIME: u16 = 1;
    /// A print.
    pub const PRINT: u16 = 2;
    /// Something left a window of prints.
    pub const EXIT_TAPE: u16 = 4;
    /// Something left a window of order flow at the touch or near it.
    pub const EXIT_BOOK: u16 = 512;
    /// Something left a window of mid, spread or markouts.
    pub const EXIT_MID: u16 = 1024;
    /// Something left a window of `Flow`.
    pub const EXIT: u16 = EXIT_TAPE | EXIT_BOOK | EXIT_MID;
    /// Another touch is in force.
    pub const TOUCH: u16 = 8;
    /// A packet that may have changed the book ended.
    pub const BOOK: u16 = 16;
    /// A parent order ended.
    pub const PARENT: u16 = 32;
    /// A bar closed.
    pub const BAR: u16 = 64;
    /// A point of a grid passed, or the row lies on one that has not passed.
    pub const GRID: u16 = 128;
    /// A footprint closed.
    pub const FOOTPRINT: u16 = 256;
    /// A session marker, the first market record of a session, or the end of a warm-up: everything is read.
    pub const ALL: u16 = u16::MAX;
}

/// What a feature asks for while it is built.
#[allow(clippy::struct_excessive_bools)] // independent requests, not a state
pub struct Setup<'a> {
    /// Shared state; ask it for windows.
    pub flow: &'a mut Flow,
    /// Scheduled length of the continuous session in seconds, where it is known.
    pub session_seconds: Option<f64>,
    /// Money per tick and contract.
    pub tick_value: f64,
    /// What was fitted before.
    pub fitted: Fitted,
    pub(crate) prints: bool,
    pub(crate) parents: bool,
    pub(crate) touch: bool,
    pub(crate) rows: bool,
    pub(crate) levels: bool,
    pub(crate) bars: bool,
    pub(crate) footprints: bool,
    pub(crate) grid: Option<(i64, i64)>,
    pub(crate) causes: u16,
}

impl<'a> Setup<'a> {
    pub(crate) fn new(flow: &'a mut Flow) -> Self {
        Self {
            flow,
            session_seconds: None,
            tick_value: f64::NAN,
            fitted: Fitted::default(),
            prints: false,
            parents: false,
            touch: false,
            rows: false,
            levels: false,
            bars: false,
            footprints: false,
            grid: None,
            causes: cause::TIME,
        }
    }

    /// Says what can change the value: a row without any of these [`cause`]s repeats it. Without this the feature is
    /// read for every row.
    pub fn changes_with(&mut self, causes: u16) {
        self.causes = causes;
    }

    /// Asks to hear of every print.
    pub fn on_prints(&mut self) {
        self.prints = true;
    }

    /// Asks to hear of every parent order that ends.
    pub fn on_parents(&mut self) {
        self.parents = true;
    }

    /// Asks to hear of every change of the touch.
    pub fn on_touch(&mut self) {
        self.touch = true;
        self.flow.want_touch();
    }

    /// Asks to hear of the changes of displayed size, row by row.
    pub fn on_rows(&mut self) {
        self.rows = true;
        self.flow.want_rows();
    }

    /// Asks to hear of packets that may have changed the best levels; how many are kept is asked for apart.
    pub fn on_levels(&mut self) {
        self.levels = true;
        self.flow.want_changes_of_levels();
    }

    /// Asks to hear of every closed bar.
    pub fn on_bars(&mut self) {
        self.bars = true;
        self.flow.bars.enable();
    }

    /// Asks to hear of every closed footprint.
    pub fn on_footprints(&mut self) {
        self.footprints = true;
        self.flow.footprints.enable();
    }

    /// Asks to hear of the points `start + k·step`, k ≥ 1, of the session that began at `start`, from its first
    /// market record on. Only the last `length` points matter: when time jumps, earlier ones are left out.
    pub fn on_grid(&mut self, step: i64, length: i64) {
        self.grid = Some((step, length));
    }
}

/// Makes the state machine of a catalogue entry.
pub type Build = fn(&'static Spec, &mut Setup<'_>) -> Box<dyn Feature>;

/// `part/whole` of two exact sums: one division, 0 when the whole is 0 (`Z0`).
#[inline]
pub fn ratio_or_zero(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `part/whole` of two exact sums: one division, NaN when the whole is 0 (`ZN`).
#[inline]
pub fn ratio_or_nan(part: i64, whole: i64) -> f64 {
    if whole == 0 { f64::NAN } else { part as f64 / whole as f64 }
}
