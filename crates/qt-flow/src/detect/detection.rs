//! What a detector says.

/// Numbers of evidence per detection.
pub const EVIDENCE: usize = 6;

/// What was detected.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DetectorKind {
    /// A parent order that walked several rows.
    Sweep = 1,
    /// A quick run of prints of one side with growing sizes.
    SweepRun = 2,
    /// An order restored after it was executed: by-order feeds.
    IcebergNative = 3,
    /// A row refilled again and again after trades.
    IcebergSynthetic = 4,
    /// Equal prints at one price.
    IcebergTape = 5,
    /// One-sided aggression that did not move the mid.
    Absorption = 6,
    /// A large order withdrawn unexecuted.
    Spoofing = 7,
    /// Several orders of one side, added and withdrawn together.
    Layering = 8,
    /// A burst that moved the mid, and was given back.
    Ignition = 9,
    /// A burst of updates that were undone at once.
    Stuffing = 10,
    /// Heavy aggression at an extreme of a footprint that price then left.
    AbsorptionBar = 11,
    /// Aggressors that dried up at an extreme of a footprint.
    Exhaustion = 12,
}

impl DetectorKind {
    /// Every kind, by code.
    pub const ALL: [Self; 12] = [
        Self::Sweep,
        Self::SweepRun,
        Self::IcebergNative,
        Self::IcebergSynthetic,
        Self::IcebergTape,
        Self::Absorption,
        Self::Spoofing,
        Self::Layering,
        Self::Ignition,
        Self::Stuffing,
        Self::AbsorptionBar,
        Self::Exhaustion,
    ];

    /// Name for users.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::SweepRun => "sweep_run",
            Self::IcebergNative => "iceberg_native",
            Self::IcebergSynthetic => "iceberg_synthetic",
            Self::IcebergTape => "iceberg_tape",
            Self::Absorption => "absorption",
            Self::Spoofing => "spoofing",
            Self::Layering => "layering",
            Self::Ignition => "ignition",
            Self::Stuffing => "stuffing",
            Self::AbsorptionBar => "absorption_bar",
            Self::Exhaustion => "exhaustion",
        }
    }

    /// Names of the numbers of evidence, in their order.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Sweep => &["levels", "volume", "prints", "consumed_share", "span_ns", "first_px"],
            Self::SweepRun => &["length", "volume", "slope", "speed", "span_ns", "first_px"],
            Self::IcebergNative => &["hidden", "restorations", "order_id", "shown", "restored", "traded"],
            Self::IcebergSynthetic => &["hidden", "refills", "refilled", "shown", "traded", "age_ns"],
            Self::IcebergTape => &["prints", "volume", "mean_size", "cv", "span_ns"],
            Self::Absorption => &["delta", "usual", "mid_move", "buy", "sell"],
            Self::Spoofing => &["size", "usual", "withdrawn", "pressure", "lifetime_ns", "order_id"],
            Self::Layering => &["rows", "size", "withdrawn", "pressure", "span_ns"],
            Self::Ignition => &["move", "given_back", "volume", "usual_volume", "trades", "delay_ns"],
            Self::Stuffing => &["updates", "usual", "z", "undone_share", "trades"],
            Self::AbsorptionBar => &["ratio", "absorbed", "volume", "height", "close"],
            Self::Exhaustion => &["last", "inside", "volume", "close"],
        }
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// Something detected, with what speaks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// When it became certain, ns: nothing after it was needed.
    pub ts: i64,
    /// What.
    pub kind: DetectorKind,
    /// 1 upward pressure, −1 downward, 0 none.
    pub side: i8,
    /// Strength, 0 to 1.
    pub score: f64,
    /// How good the evidence of this feed is, 0 to 1.
    pub confidence: f64,
    /// Where, ticks; `PX_NONE` where it has no price.
    pub px: i32,
    /// Numbers that it rests on, named by [`DetectorKind::fields`]; NaN beyond them.
    pub evidence: [f64; EVIDENCE],
}

/// Detections kept until they are taken; beyond this the oldest are dropped and counted.
pub const MAX_DETECTIONS: usize = 1 << 16;

/// Collects the kinds that somebody asked for.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    wanted: u32,
    found: Vec<Detection>,
    /// Detections dropped because nobody took them.
    pub dropped: u64,
}

impl Sink {
    /// Asks for a kind.
    pub fn want(&mut self, kind: DetectorKind) {
        self.wanted |= 1 << kind as u32;
        self.found.reserve(256);
    }

    /// Takes a detection.
    pub fn push(&mut self, d: Detection) {
        if self.wanted & 1 << d.kind as u32 == 0 {
            return;
        }
        if self.found.len() == MAX_DETECTIONS {
            // Half at once: dropping one by one would move the rest every time.
            self.found.drain(..MAX_DETECTIONS / 2);
            self.dropped += (MAX_DETECTIONS / 2) as u64;
        }
        self.found.push(d);
    }

    /// Hands over what was found since the last call.
    pub fn take(&mut self) -> Vec<Detection> {
        std::mem::take(&mut self.found)
    }
}

/// The latest detection of one kind, as a held signal.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Held {
    /// When, ns; meaningless before the first.
    ts: i64,
    /// Side, or signed score.
    value: f64,
    any: bool,
}

impl Held {
    /// Takes a detection with its signed value.
    pub fn set(&mut self, ts: i64, value: f64) {
        *self = Self { ts, value, any: true };
    }

    /// The value while it is younger than `hold`.
    #[inline]
    pub fn live(&self, t: i64, hold: i64) -> Option<f64> {
        (self.any && t - self.ts < hold).then_some(self.value)
    }
}

/// Evidence from its numbers.
pub(super) fn evidence<const N: usize>(numbers: [f64; N]) -> [f64; EVIDENCE] {
    let mut out = [f64::NAN; EVIDENCE];
    out[..N].copy_from_slice(&numbers);
    out
}
