//! Lengths of time in ns.

/// One millisecond.
pub const MILLI: i64 = 1_000_000;
/// One second.
pub const SECOND: i64 = 1_000_000_000;
/// One minute.
pub const MINUTE: i64 = 60 * SECOND;
