//! The vendor's dates read quickly, and the greatest one believed.
#![allow(unsafe_code)] // the vendor's text

use crate::blob::DATE;
use crate::structs::SYSTEMTIME;
use crate::time::{BRASILIA_NS, TimeError, from_system, parse};
use crate::wide::{Wide, units};

const MS: i64 = 1_000_000;
const SECOND: i64 = 1000 * MS;
const DAY: i64 = 86_400 * SECOND;
/// Units of text that are looked at: more than a date has.
const LONGEST: usize = 32;
/// Length of `dd/mm/yyyy HH:mm:ss.`.
const SECOND_TEXT: usize = DATE - 3;

/// How far ahead of what is known a date may be before another one must agree with it.
const MARGIN: i64 = DAY;

/// The greatest exchange time seen, which undated records carry.
///
/// One garbled date far ahead must not stamp all of them: a date more than a day after both the greatest one and an
/// exchange time known to have passed is doubted until the next one agrees with it to within a day, as the first ones
/// after a weekend or in another recording do. How the receive clock stands plays no part: a simulated market may be
/// years away from it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Latest {
    /// ns UTC; 0 before the first.
    pub(super) time: i64,
    /// The date that the next one may confirm; 0 none.
    doubted: i64,
}

impl Latest {
    /// Takes note of a date, `passed` being an exchange time that has passed for sure (0 unknown); false when it is
    /// doubted.
    #[inline(always)]
    pub(super) const fn saw(&mut self, ts: i64, passed: i64) -> bool {
        let known = if passed > self.time { passed } else { self.time };
        if known != 0 && ts.saturating_sub(known) > MARGIN {
            return self.is_confirmed(ts);
        }
        self.doubted = 0;
        if ts > self.time {
            self.time = ts;
        }
        true
    }

    #[cold]
    const fn is_confirmed(&mut self, ts: i64) -> bool {
        let agrees = self.doubted != 0 && ts.abs_diff(self.doubted) <= MARGIN as u64;
        if agrees {
            (self.time, self.doubted) = (ts, 0);
        } else {
            self.doubted = ts;
        }
        agrees
    }
}

/// A date of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Date {
    /// ns UTC.
    At(i64),
    /// None given: NULL, empty, or all zero.
    Absent,
    /// Something that is no date.
    Unreadable,
}

impl From<Result<Option<i64>, TimeError>> for Date {
    fn from(read: Result<Option<i64>, TimeError>) -> Self {
        match read {
            Ok(Some(ts)) => Self::At(ts),
            Ok(None) => Self::Absent,
            Err(TimeError) => Self::Unreadable,
        }
    }
}

/// Reads dates and remembers the last one, because the next one differs in its milliseconds at most.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// `dd/mm/yyyy HH:mm:ss.` read last, and its ns UTC.
    text: Option<([u8; SECOND_TEXT], i64)>,
    /// Year, month and day read last, and their midnight in Brasília, ns UTC.
    numbers: Option<([u16; 3], i64)>,
}

impl Dates {
    /// Date of a wide text.
    ///
    /// # Safety
    /// `text` is NULL, or readable up to its NUL or for [`LONGEST`] units.
    #[inline(always)]
    pub(super) unsafe fn of_text<W: Wide>(&mut self, text: *const W) -> Date {
        // SAFETY: every unit before this one was equal to one that is not NUL, or a digit.
        let unit = |at: usize| unsafe { *text.add(at) }.value();
        if let Some((known, second)) = &self.text
            && !text.is_null()
            && (0..SECOND_TEXT).all(|at| unit(at) == u32::from(known[at]))
            && let Some(a) = digit(unit(SECOND_TEXT))
            && let Some(b) = digit(unit(SECOND_TEXT + 1))
            && let Some(c) = digit(unit(SECOND_TEXT + 2))
            && unit(DATE) == 0
        {
            return Date::At(second + i64::from(a * 100 + b * 10 + c) * MS);
        }
        // SAFETY: the caller's promise.
        unsafe { self.of_new_text(text) }
    }

    #[cold]
    #[inline(never)]
    unsafe fn of_new_text<W: Wide>(&mut self, text: *const W) -> Date {
        let mut bytes = [0_u8; LONGEST];
        // SAFETY: the caller's promise.
        let units = unsafe { units(text, LONGEST) };
        for (byte, unit) in bytes.iter_mut().zip(units) {
            *byte = u8::try_from(unit.value()).unwrap_or(u8::MAX);
        }
        self.of_bytes(&bytes[..units.len()])
    }

    /// Date of 8-bit text.
    pub(super) fn of_bytes(&mut self, bytes: &[u8]) -> Date {
        let date = Date::from(parse(bytes));
        if let (Date::At(ts), DATE, Some(text)) = (date, bytes.len(), bytes.first_chunk())
            && bytes[2] == b'/'
        {
            self.text = Some((*text, ts.div_euclid(SECOND) * SECOND));
        }
        date
    }

    /// Date of a broken-down time.
    #[inline(always)]
    pub(super) fn of_system_time(&mut self, t: &SYSTEMTIME) -> Date {
        let numbers = [t.wYear, t.wMonth, t.wDay];
        let clock = t.wHour < 24 && t.wMinute < 60 && t.wSecond < 60 && t.wMilliseconds < 1000;
        if let Some((known, midnight)) = self.numbers
            && numbers == known
            && clock
        {
            let seconds = (i64::from(t.wHour) * 60 + i64::from(t.wMinute)) * 60 + i64::from(t.wSecond);
            return Date::At(midnight + (seconds * 1000 + i64::from(t.wMilliseconds)) * MS);
        }
        let date = Date::from(from_system(*t));
        if let Date::At(ts) = date {
            self.numbers = Some((numbers, midnight(ts)));
        }
        date
    }
}

/// A decimal digit.
#[inline(always)]
const fn digit(unit: u32) -> Option<u32> {
    let digit = unit.wrapping_sub(b'0' as u32);
    if digit < 10 { Some(digit) } else { None }
}

/// Midnight of Brasília before a time, ns UTC.
const fn midnight(ts: i64) -> i64 {
    day_of(ts) * DAY - BRASILIA_NS
}

/// Day of Brasília that a time is in, counted from 1970.
pub(super) const fn day_of(ts: i64) -> i64 {
    (ts + BRASILIA_NS).div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dates: &mut Dates, s: &str) -> Date {
        // SAFETY: both vectors end in NUL and outlive the calls.
        let (two, four) =
            unsafe { (dates.of_text(u16::encode(s).as_ptr()), dates.of_text(u32::encode(s).as_ptr())) };
        assert_eq!(two, four);
        assert_eq!(dates.of_bytes(s.as_bytes()), two);
        two
    }

    #[test]
    fn a_remembered_day_reads_as_a_new_one() {
        let mut warm = Dates::default();
        text(&mut warm, "11/09/2026 09:34:56.789");
        for s in [
            "11/09/2026 09:34:56.789",
            "11/09/2026 23:59:59:999",
            "11/09/2026 00:00:00.000",
            "11/09/2026 09:34:56",
            "11/09/2026",
            "12/09/2026 09:34:56.789",
            "11/09/2026 24:00:00.000",
            "11/09/2026 09:60:00.000",
            "11/09/2026 09:34:60.000",
            "11/09/2026 09:34:56.7x9",
            "11/09/2026 09:34:56,789",
            "11/09/2026x09:34:56.789",
            "11/09/2026 09:34:56.7890123456",
            "31/02/2026 09:34:56.789",
            "",
            "00/00/0000 00:00:00.000",
            "?",
            "€",
            "30/12/1899 00:00:00.000",
        ] {
            let cold = Date::from(parse(if s == "€" { b"?" } else { s.as_bytes() }));
            assert_eq!(text(&mut Dates::default(), s), cold, "{s}");
            assert_eq!(text(&mut warm, s), cold, "{s}");
        }
        // date -u -d '2026-09-11 12:34:56' +%s
        assert_eq!(text(&mut warm, "11/09/2026 09:34:56.789"), Date::At(1_789_130_096_789_000_000));
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { warm.of_text::<u16>(std::ptr::null()) }, Date::Absent);
    }

    #[test]
    fn a_date_far_ahead_needs_another_one_that_agrees() {
        let mut latest = Latest::default();
        let mut saw = |ts, passed| (latest.saw(ts, passed), latest.time);
        assert_eq!(saw(5 * DAY, 0), (true, 5 * DAY));
        assert_eq!(saw(6 * DAY, 0), (true, 6 * DAY));
        assert_eq!(saw(4 * DAY, 0), (true, 6 * DAY));
        // One garbled date moves nothing, nor do two that disagree or have a sound one in between.
        assert_eq!(saw(4000 * DAY, 0), (false, 6 * DAY));
        assert_eq!(saw(6 * DAY + 1, 0), (true, 6 * DAY + 1));
        assert_eq!(saw(4000 * DAY, 0), (false, 6 * DAY + 1));
        assert_eq!(saw(8000 * DAY, 0), (false, 6 * DAY + 1));
        assert_eq!(saw(i64::MAX, 0), (false, 6 * DAY + 1));
        // After a weekend two dates agree, or the server's clock has said that the time has passed.
        assert_eq!(saw(9 * DAY, 0), (false, 6 * DAY + 1));
        assert_eq!(saw(9 * DAY + 1, 0), (true, 9 * DAY + 1));
        assert_eq!(saw(20 * DAY, 19 * DAY), (true, 20 * DAY));
        assert!(!Latest::default().saw(3 * DAY, DAY));
    }

    #[test]
    fn a_text_without_an_end_is_left_at_its_limit() {
        let endless = [u16::from(b'1'); LONGEST];
        // SAFETY: as many units as may be read are there.
        assert_eq!(unsafe { Dates::default().of_text(endless.as_ptr()) }, Date::Unreadable);
    }

    #[test]
    fn numbers_read_as_texts() {
        let mut dates = Dates::default();
        let t = SYSTEMTIME {
            wYear: 2026,
            wMonth: 9,
            wDay: 11,
            wHour: 9,
            wMinute: 34,
            wSecond: 56,
            ..SYSTEMTIME::default()
        };
        for t in [
            t,
            t,
            SYSTEMTIME { wHour: 24, ..t },
            SYSTEMTIME { wMonth: 13, ..t },
            SYSTEMTIME { wMilliseconds: 999, ..t },
            SYSTEMTIME::default(),
            SYSTEMTIME { wDay: 12, ..t },
            t,
        ] {
            assert_eq!(dates.of_system_time(&t), Date::from(from_system(t)), "{t:?}");
        }
        assert_eq!(day_of(1_789_130_096_000_000_000), day_of(1_789_130_096_000_000_000 + DAY) - 1);
    }
}
