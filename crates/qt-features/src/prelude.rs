//! What a feature file needs.

pub use qt_flow::detect::{DetectorKind, DetectorSettings};
pub use qt_flow::mlofi::{DEPTH, LEVELS, Levels};
pub use qt_flow::time::{MINUTE, SECOND};
pub use qt_flow::touch::{NO_ASK, NO_BID};
pub use qt_flow::window::WindowId;
pub use qt_flow::{Bar, Flow, Footprint, Parent, PriceRow, Print, RowChange, Touch};

pub use crate::feature::{Feature, Setup, cause, float, ratio_or_nan, ratio_or_zero};
pub use crate::held::{Rule, held, held_in_atr};
pub use crate::indicators::{Adx, Atr, Directional, Ema, Last, Line, Macd, Rsi, Wilder};
pub use crate::rolling::{Extremes, Floats, Moments, Total, log_ratio, quotient};
pub use crate::spec::{Family, Input, Kind, POSITIVE, REAL, Reset, Spec, Symmetry, Warmup, Window, Zero};
