//! The clocks of live data: the receive stamp, and deadlines that no correction of the system's time moves.
//!
//! Replay reads neither: it takes the stamp from the record.

use std::time::{Duration, Instant};

/// Time now, ns UTC: what a record is stamped with when it arrives.
#[cfg(all(unix, target_pointer_width = "64"))]
#[allow(unsafe_code)] // the C library's clock
#[inline(always)]
pub fn receive_time() -> i64 {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, out: *mut Timespec) -> i32;
    }
    const CLOCK_REALTIME: i32 = 0;
    // What the standard library calls as well, without the half again that it adds: this is most of a callback's cost.
    let mut now = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the C library's function; `time_t` and `long` have 64 bits here.
    unsafe { clock_gettime(CLOCK_REALTIME, &raw mut now) };
    now.seconds * 1_000_000_000 + now.nanoseconds
}

/// Time now, ns UTC: what a record is stamped with when it arrives.
#[cfg(not(all(unix, target_pointer_width = "64")))]
#[inline(always)]
pub fn receive_time() -> i64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    #[allow(clippy::disallowed_methods)] // the receive stamp of live data
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64)
}

/// A moment on the monotonic clock, which steps and slews of the system's time do not reach.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The moment `wait_ns` from now: at once for a negative wait, never for one that the clock cannot hold.
    #[allow(clippy::disallowed_methods)] // waiting is of real time
    pub fn after(wait_ns: i64) -> Self {
        Self(Instant::now().checked_add(Duration::from_nanos(wait_ns.max(0) as u64)))
    }

    /// Whether the moment has come.
    #[allow(clippy::disallowed_methods)] // waiting is of real time
    pub fn passed(&self) -> bool {
        self.0.is_some_and(|moment| Instant::now() >= moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_pass_in_their_time() {
        assert!(Deadline::after(0).passed() && Deadline::after(i64::MIN).passed());
        let (soon, late) = (Deadline::after(2_000_000), Deadline::after(i64::MAX));
        assert!(!soon.passed());
        std::thread::sleep(Duration::from_millis(3));
        assert!(soon.passed() && !late.passed());
    }

    #[test]
    fn the_stamp_is_the_time_of_day() {
        let (year_2025, year_2100) = (1_735_689_600_000_000_000, 4_102_444_800_000_000_000);
        assert!((year_2025..year_2100).contains(&receive_time()));
    }
}
