//! The library's own clock: pauses, pace and slow callbacks are of real time. The market's time is in its events.

use std::time::Instant;

/// Now.
#[allow(clippy::disallowed_methods)] // the one place where the simulator reads the clock
pub fn now() -> Instant {
    Instant::now()
}
