//! The receive clock, and the vendor's dates read quickly.
#![allow(unsafe_code)] // the vendor's text

use std::time::{SystemTime, UNIX_EPOCH};

use crate::blob::DATE;
use crate::structs::SYSTEMTIME;
use crate::time::{BRASILIA_NS, TimeError, from_system, parse};
use crate::wide::Wide;

const MS: i64 = 1_000_000;
const DAY: i64 = 86_400_000 * MS;
/// Units of text that are looked at: more than a date has.
const LONGEST: usize = 32;
/// Length of `dd/mm/yyyy`.
const DAY_TEXT: usize = 10;

/// Time at which a callback arrived, ns UTC: the one place of the feed that reads a clock.
#[inline(always)]
pub(super) fn receive_time() -> i64 {
    #[allow(clippy::disallowed_methods)] // replay takes the stamp from the record
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64)
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

/// Reads dates and remembers the day of the last one, because the next one is of the same day.
#[derive(Debug, Default)]
pub(super) struct Dates {
    text: [u8; DAY_TEXT],
    numbers: [u16; 3],
    /// Midnight in Brasília of the remembered texts and numbers, ns UTC.
    text_midnight: i64,
    numbers_midnight: i64,
}

impl Dates {
    /// Date of a wide text.
    ///
    /// # Safety
    /// `text` is NULL, or readable up to its NUL or for [`LONGEST`] units.
    #[inline(always)]
    pub(super) unsafe fn of_text<W: Wide>(&mut self, text: *const W) -> Date {
        let mut bytes = [0_u8; LONGEST];
        let mut length = 0;
        while !text.is_null() && length < LONGEST {
            // SAFETY: no unit before this one was NUL, and it is one of the first `LONGEST`.
            let unit = unsafe { *text.add(length) }.value();
            if unit == 0 {
                break;
            }
            bytes[length] = u8::try_from(unit).unwrap_or(u8::MAX);
            length += 1;
        }
        self.of_bytes(&bytes[..length])
    }

    /// Date of 8-bit text.
    #[inline(always)]
    pub(super) fn of_bytes(&mut self, bytes: &[u8]) -> Date {
        if let Ok(text) = <&[u8; DATE]>::try_from(bytes)
            && text[..DAY_TEXT] == self.text
            && let Some(ms) = milliseconds(text)
        {
            return Date::At(self.text_midnight + i64::from(ms) * MS);
        }
        self.of_new_day(bytes)
    }

    #[cold]
    #[inline(never)]
    fn of_new_day(&mut self, bytes: &[u8]) -> Date {
        let date = Date::from(parse(bytes));
        if let (Date::At(ts), Some(text)) = (date, bytes.first_chunk()) {
            self.text = *text;
            self.text_midnight = midnight(ts);
        }
        date
    }

    /// Date of a broken-down time.
    #[inline(always)]
    pub(super) fn of_system_time(&mut self, t: &SYSTEMTIME) -> Date {
        let numbers = [t.wYear, t.wMonth, t.wDay];
        if numbers == self.numbers
            && t.wHour < 24
            && t.wMinute < 60
            && t.wSecond < 60
            && t.wMilliseconds < 1000
        {
            let seconds = (i64::from(t.wHour) * 60 + i64::from(t.wMinute)) * 60 + i64::from(t.wSecond);
            let ms = seconds * 1000 + i64::from(t.wMilliseconds);
            if self.numbers_midnight != 0 {
                return Date::At(self.numbers_midnight + ms * MS);
            }
        }
        let date = Date::from(from_system(*t));
        if let Date::At(ts) = date {
            self.numbers = numbers;
            self.numbers_midnight = midnight(ts);
        }
        date
    }
}

/// Milliseconds of the day in `dd/mm/yyyy HH:mm:ss.zzz`; `None` when the time is not written so.
#[inline(always)]
fn milliseconds(text: &[u8; DATE]) -> Option<u32> {
    let marks = text[10] == b' ' && text[13] == b':' && text[16] == b':' && matches!(text[19], b'.' | b':');
    let mut wrong = !marks;
    let mut digit = |at: usize| {
        let digit = u32::from(text[at].wrapping_sub(b'0'));
        wrong |= digit > 9;
        digit
    };
    let mut two = |at: usize| digit(at) * 10 + digit(at + 1);
    let (hour, minute, second, centi) = (two(11), two(14), two(17), two(20));
    let milli = centi * 10 + digit(22);
    wrong |= hour > 23 || minute > 59 || second > 59;
    (!wrong).then_some(((hour * 60 + minute) * 60 + second) * 1000 + milli)
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
