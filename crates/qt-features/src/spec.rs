//! What a feature says about itself: the catalogue entry.

use std::fmt;

use qt_flow::time::{MINUTE, SECOND};

/// The six families of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// 1–40: imbalances, deltas, profile and VWAP of executed and resting flow.
    OrderFlow,
    /// 41–70: speed, sizes, runs and parent orders of the prints.
    TapeReading,
    /// 71–90: volume by price row and side of the last closed five-minute bar.
    Footprint,
    /// 91–110: depth and cost of the displayed book.
    Liquidity,
    /// 111–150: spread, mid, impact.
    Microstructure,
    /// 151–250: indicators on closed bars.
    Technical,
}

impl Family {
    /// Name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderFlow => "order_flow",
            Self::TapeReading => "tape_reading",
            Self::Footprint => "footprint",
            Self::Liquidity => "liquidity",
            Self::Microstructure => "microstructure",
            Self::Technical => "technical",
        }
    }
}

/// Data that a feature reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Trades.
    T,
    /// Best bid and ask.
    L1,
    /// Price-level book.
    L2,
    /// By-order book.
    L3,
    /// Closed bars.
    B,
}

impl Input {
    /// Code in the catalogue.
    pub const fn code(self) -> &'static str {
        match self {
            Self::T => "T",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::B => "B",
        }
    }
}

/// How far a feature looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Events in `(t − ns, t]`.
    Time(i64),
    /// The last n touch updates.
    Updates(u32),
    /// The last n contracts traded.
    Contracts(u32),
    /// The last n closed bars.
    Bars(u32),
    /// The last n closed five-minute bars with their price rows.
    Footprints(u32),
    /// The last n parent orders.
    Parents(u32),
    /// The last n closed volume buckets.
    Buckets(u32),
    /// Event by event; a signal holds this many ns after the event that raised it, 0 until the next one.
    Event(i64),
    /// Exponential decay with this time constant in ns.
    Decay(i64),
    /// Since the session opened.
    Session,
    /// The last n sessions before this one; the warm-up counts sessions too.
    Sessions(u32),
    /// The state in force now.
    State,
    /// A recursion over every bar of the contract.
    Recursion,
}

/// A duration as people write it: `10 s`, `5 min`.
fn duration(ns: i64) -> String {
    if ns % MINUTE == 0 { format!("{} min", ns / MINUTE) } else { format!("{} s", ns / SECOND) }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(ns) => f.write_str(&duration(*ns)),
            Self::Updates(n) => write!(f, "{n} touch updates"),
            Self::Contracts(n) => write!(f, "{n} contracts"),
            Self::Bars(1) => f.write_str("1 bar"),
            Self::Bars(n) => write!(f, "{n} bars"),
            Self::Footprints(n) => write!(f, "{n} × 5 min bar"),
            Self::Parents(n) => write!(f, "{n} parents"),
            Self::Buckets(n) => write!(f, "{n} buckets"),
            Self::Event(0) => f.write_str("event"),
            Self::Event(ns) => write!(f, "event, held {}", duration(*ns)),
            Self::Decay(ns) => write!(f, "τ = {}", duration(*ns)),
            Self::Session => f.write_str("session"),
            Self::Sessions(1) => f.write_str("1 session"),
            Self::Sessions(n) => write!(f, "{n} sessions"),
            Self::State => f.write_str("state"),
            Self::Recursion => f.write_str("recursion"),
        }
    }
}

/// When the output stops being NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmup {
    /// `Wt`: this many ns after the session start. Lifted by `warmup = "partial"`.
    Time(i64),
    /// `Wn`: after this many items or bars; sessions where the window counts them.
    Items(u32),
    /// `Ws`: from the first event that makes the formula computable.
    State,
    /// `0`: never NaN for want of history; 0 when nothing qualifies.
    None,
}

impl Warmup {
    /// Rule code of the catalogue.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Time(_) => "Wt",
            Self::Items(_) => "Wn",
            Self::State => "Ws",
            Self::None => "0",
        }
    }
}

/// What a zero denominator gives once warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// `Z0`: 0.
    Zero,
    /// `ZN`: NaN.
    Nan,
    /// The formula has no denominator that can be 0.
    Never,
}

/// What the numbers are, for comparisons between implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Equal to 1e-9 relative.
    Float,
    /// A whole number: equal.
    Integer,
    /// One of a few codes: equal.
    Flag,
}

impl Kind {
    /// Name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Flag => "flag",
        }
    }
}

/// When the state behind the feature starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At every session start.
    Session,
    /// Only when the next contract begins.
    Roll,
    /// It mirrors the book, which is kept over sessions.
    Book,
}

impl Reset {
    /// Name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Roll => "roll",
            Self::Book => "book",
        }
    }
}

/// Effect of a transformation of the whole input on the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symmetry {
    /// The value does not change.
    Keeps,
    /// The value changes its sign (swapped sides) or is multiplied (scaled sizes).
    Moves,
    /// Neither holds in general.
    Open,
}

/// Recipe that keeps the value current, by the codes of the catalogue's conventions.
pub type Update = &'static str;

/// One catalogue entry.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Number in the catalogue, 1–250.
    pub number: u16,
    /// Column name.
    pub name: &'static str,
    /// Family.
    pub family: Family,
    /// Formula in the catalogue's symbols, with the decisions taken here.
    pub definition: &'static str,
    /// Data it reads.
    pub inputs: &'static [Input],
    /// How far it looks back.
    pub window: Window,
    /// Unit; empty for a pure number.
    pub unit: &'static str,
    /// Least and greatest possible value.
    pub range: (f64, f64),
    /// What the numbers are.
    pub kind: Kind,
    /// When it stops being NaN.
    pub warmup: Warmup,
    /// What a zero denominator gives.
    pub zero: Zero,
    /// When its state starts again.
    pub reset: Reset,
    /// Effect of swapping sides with negated prices.
    pub swap_sides: Symmetry,
    /// Effect of multiplying all sizes by one factor.
    pub scale_sizes: Symmetry,
    /// Recipe code.
    pub update: Update,
    /// Where the formula comes from.
    pub source: &'static str,
}

/// Greatest range.
pub const REAL: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
/// Non-negative numbers.
pub const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);

impl Spec {
    /// Defaults of the order-flow family: a signed time-window ratio of trades.
    pub const ORDER_FLOW: Self = Self {
        number: 0,
        name: "",
        family: Family::OrderFlow,
        definition: "",
        inputs: &[Input::T],
        window: Window::Session,
        unit: "",
        range: REAL,
        kind: Kind::Float,
        warmup: Warmup::State,
        zero: Zero::Never,
        reset: Reset::Session,
        swap_sides: Symmetry::Moves,
        scale_sizes: Symmetry::Keeps,
        update: "U1",
        source: "standard",
    };

    /// Defaults of the tape-reading family: a size or a rate of prints, of either side.
    pub const TAPE: Self =
        Self { family: Family::TapeReading, swap_sides: Symmetry::Keeps, ..Self::ORDER_FLOW };

    /// Defaults of the footprint family: a number of the last closed five-minute bar.
    pub const FOOTPRINT: Self = Self {
        family: Family::Footprint,
        window: Window::Footprints(1),
        warmup: Warmup::Items(1),
        reset: Reset::Roll,
        swap_sides: Symmetry::Open,
        update: "U8",
        source: "footprint practice",
        ..Self::ORDER_FLOW
    };

    /// Defaults of the microstructure family: a number of the touch over a time window, of neither side.
    pub const MICROSTRUCTURE: Self = Self {
        family: Family::Microstructure,
        inputs: &[Input::L1],
        swap_sides: Symmetry::Keeps,
        ..Self::ORDER_FLOW
    };

    /// Defaults of the technical family: a float of the last closed bar.
    pub const TECHNICAL: Self = Self {
        family: Family::Technical,
        inputs: &[Input::B],
        reset: Reset::Roll,
        swap_sides: Symmetry::Open,
        update: "U5",
        ..Self::ORDER_FLOW
    };

    /// Defaults of the features that mirror the touch or the book.
    pub const BOOK: Self = Self {
        inputs: &[Input::L1],
        window: Window::State,
        reset: Reset::Book,
        update: "U3",
        ..Self::ORDER_FLOW
    };

    /// Length of the time warm-up in ns, 0 where it is none.
    pub const fn warmup_ns(&self) -> i64 {
        match self.warmup {
            Warmup::Time(ns) => ns,
            _ => 0,
        }
    }

    /// Length of the time window in ns, 0 where it is none.
    pub const fn window_ns(&self) -> i64 {
        match self.window {
            Window::Time(ns) | Window::Decay(ns) => ns,
            _ => 0,
        }
    }
}
