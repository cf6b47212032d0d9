//! A seeded synthetic session: every record carries `flag::SYNTHETIC`, and none comes from a market.
//!
//! The model is a zero-intelligence book (Farmer, Patelli and Zovko, 2005) with the regularities that features
//! look for: self-exciting arrivals (Hawkes, 1971), persistent trade signs from split parent orders (Lillo, Mike
//! and Farmer, 2005), power-law sizes, sweeps, icebergs that refill, a spread that returns to one tick, a
//! U-shaped day and regimes that switch. It fixes shapes, not the numbers of any real market.
//!
//! All arithmetic is on integers, so the same spec gives the same bytes on every machine and in both engines.

mod flow;
mod ladder;

use qt_core::Event;

/// 2025-08-04 09:00 in São Paulo, ns UTC.
pub const DEFAULT_OPEN_NS: i64 = 1_754_308_800_000_000_000;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSpec {
    /// Seed of the generator.
    pub seed: u64,
    /// Length of continuous trading in ns; positive.
    pub duration_ns: i64,
    /// Stop after the packet that reaches this many events; 0 for no limit.
    pub max_events: i64,
    /// First ask in ticks; at least 1,000.
    pub start_px: i32,
    /// Start of continuous trading, ns UTC.
    pub open_ns: i64,
    /// Arrival rate in percent of the default, 1 to 10,000.
    pub intensity: i64,
    /// Size of market orders in percent of the default, 10 to 1,000.
    pub volatility: i64,
    /// Drift: −100 (regimes fall) to 100 (regimes rise).
    pub trend: i64,
    /// Value of the `instrument` field.
    pub instrument: u16,
}

impl Default for SessionSpec {
    fn default() -> Self {
        Self {
            seed: 7,
            duration_ns: 7_200_000_000_000,
            max_events: 0,
            start_px: 10_800,
            open_ns: DEFAULT_OPEN_NS,
            intensity: 100,
            volatility: 100,
            trend: 0,
            instrument: 0,
        }
    }
}

impl SessionSpec {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The name of the field, its value and its range, as text.
    pub fn check(&self) -> Result<(), String> {
        let range = |name: &str, value: i64, least: i64, greatest: i64| {
            if (least..=greatest).contains(&value) {
                Ok(())
            } else {
                Err(format!("generate_session: {name} is {value}, expected {least} to {greatest}"))
            }
        };
        range("duration_ns", self.duration_ns, 1_000_000, 86_400_000_000_000)?;
        range("max_events", self.max_events, 0, i64::MAX)?;
        range("start_px", self.start_px.into(), 1_000, 1_000_000_000)?;
        range("open_ns", self.open_ns, 0, 4_000_000_000_000_000_000)?;
        range("intensity", self.intensity, 1, 10_000)?;
        range("volatility", self.volatility, 10, 1_000)?;
        range("trend", self.trend, -100, 100)
    }
}

/// The session of `spec`: markers, opening snapshot, flow, closing marker.
///
/// # Errors
/// As [`SessionSpec::check`].
pub fn generate_session(spec: &SessionSpec) -> Result<Vec<Event>, String> {
    spec.check()?;
    Ok(flow::Flow::new(spec).run())
}

#[cfg(test)]
mod tests;
