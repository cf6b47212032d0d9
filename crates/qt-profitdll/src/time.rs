//! The vendor's times, from and to ns since 1970 UTC.
//!
//! All of them are Brasília local time without a zone, with milliseconds at best. Brasília is taken as UTC-3
//! throughout: summer time ended in 2019, and the library's history reaches back two years at the very most. All-zero
//! times, and the zero of a TDateTime, mean that there is none.

use qt_core::calendar::Date;

use crate::blob::DATE;
use crate::structs::SYSTEMTIME;
use crate::wide::Wide;

/// Brasília's distance from UTC, ns.
pub const BRASILIA_NS: i64 = -3 * 3600 * 1_000_000_000;

const MS: i64 = 1_000_000;
const SECOND: i64 = 1000 * MS;
const DAY: i64 = 86_400 * SECOND;

/// Days from 1899-12-30, the zero of a TDateTime, to 1970-01-01.
const DELPHI_EPOCH: i32 = 25_569;

/// A text or a set of numbers that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time of the vendor's: dd/mm/yyyy HH:mm:ss.zzz, its date alone, or nothing")]
pub struct TimeError;

/// Numbers of a date and time, Brasília.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Civil {
    /// Year.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u16,
    /// Day of the month.
    pub day: u16,
    /// Hour.
    pub hour: u16,
    /// Minute.
    pub minute: u16,
    /// Second.
    pub second: u16,
    /// Millisecond.
    pub ms: u16,
}

impl Civil {
    /// The moment as ns UTC; `None` when all numbers are zero or the date is the zero of a TDateTime.
    ///
    /// # Errors
    /// [`TimeError`] when a number is out of its range or the moment out of that of ns (years 1678 to 2261).
    pub fn to_ns(self) -> Result<Option<i64>, TimeError> {
        let date = (self.year, self.month, self.day);
        if matches!(date, (0, 0, 0) | (1899, 12, 30)) {
            return Ok(None);
        }
        let known = (1678..2262).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.ms < 1000;
        let day = Date::new(i32::from(self.year), self.month as u8, self.day as u8);
        // The days behind the end of a month would silently be those of the next one.
        if !known || Date::from_days(day.days()) != day {
            return Err(TimeError);
        }
        let seconds = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        let local = (i64::from(day.days()) * DAY).checked_add(seconds * SECOND + i64::from(self.ms) * MS);
        Ok(Some(local.and_then(|ns| ns.checked_sub(BRASILIA_NS)).ok_or(TimeError)?))
    }

    /// The numbers of `ns`, rounded down to the millisecond.
    #[must_use]
    pub fn from_ns(ns: i64) -> Self {
        let local = i128::from(ns) + i128::from(BRASILIA_NS);
        let date = Date::from_days(local.div_euclid(i128::from(DAY)) as i32);
        let ms = (local.rem_euclid(i128::from(DAY)) / i128::from(MS)) as u32;
        Self {
            year: date.year as u16,
            month: u16::from(date.month),
            day: u16::from(date.day),
            hour: (ms / 3_600_000) as u16,
            minute: (ms / 60_000 % 60) as u16,
            second: (ms / 1000 % 60) as u16,
            ms: (ms % 1000) as u16,
        }
    }
}

impl From<SYSTEMTIME> for Civil {
    fn from(t: SYSTEMTIME) -> Self {
        Self {
            year: t.wYear,
            month: t.wMonth,
            day: t.wDay,
            hour: t.wHour,
            minute: t.wMinute,
            second: t.wSecond,
            ms: t.wMilliseconds,
        }
    }
}

/// A `SYSTEMTIME` as ns UTC; `None` when it is not set. Its day of the week is ignored.
///
/// # Errors
/// [`TimeError`] when a number is out of its range.
pub fn from_system(t: SYSTEMTIME) -> Result<Option<i64>, TimeError> {
    Civil::from(t).to_ns()
}

/// `ns` as a `SYSTEMTIME`, rounded down to the millisecond; `None` becomes all zero.
#[must_use]
pub fn to_system(ns: Option<i64>) -> SYSTEMTIME {
    let Some(ns) = ns else { return SYSTEMTIME::default() };
    let t = Civil::from_ns(ns);
    let monday_0 = Date::new(i32::from(t.year), t.month as u8, t.day as u8).weekday();
    SYSTEMTIME {
        wYear: t.year,
        wMonth: t.month,
        wDayOfWeek: (u16::from(monday_0) + 1) % 7,
        wDay: t.day,
        wHour: t.hour,
        wMinute: t.minute,
        wSecond: t.second,
        wMilliseconds: t.ms,
    }
}

/// A TDateTime (days since 1899-12-30) as ns UTC, to the millisecond; `None` for 0.
///
/// # Errors
/// [`TimeError`] when it is negative, not finite or behind the year 2261.
pub fn from_delphi(days: f64) -> Result<Option<i64>, TimeError> {
    if days == 0.0 {
        return Ok(None);
    }
    if !(0.0..132_000.0).contains(&days) {
        return Err(TimeError);
    }
    let ms = (days * 86_400_000.0).round() as i64;
    Ok(Some((ms - i64::from(DELPHI_EPOCH) * 86_400_000) * MS - BRASILIA_NS))
}

/// `ns` as a TDateTime, rounded down to the millisecond.
#[must_use]
pub fn to_delphi(ns: i64) -> f64 {
    let local = ns.saturating_add(BRASILIA_NS);
    local.div_euclid(MS) as f64 / 86_400_000.0 + f64::from(DELPHI_EPOCH)
}

/// The vendor's text as ns UTC: `dd/mm/yyyy HH:mm:ss.zzz`, with `:` before the milliseconds, without them, or the date
/// alone; `None` when it is empty or all zero. One to three digits of milliseconds are a decimal fraction.
///
/// # Errors
/// [`TimeError`] when it is anything else.
pub fn parse(text: &[u8]) -> Result<Option<i64>, TimeError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    let mut rest = text;
    let mut t = Civil {
        day: number(&mut rest, 2)?,
        month: after(&mut rest, b"/", 2)?,
        year: after(&mut rest, b"/", 4)?,
        ..Civil::default()
    };
    if !rest.is_empty() {
        t.hour = after(&mut rest, b" ", 2)?;
        t.minute = after(&mut rest, b":", 2)?;
        t.second = after(&mut rest, b":", 2)?;
    }
    if !rest.is_empty() {
        let digits = rest.len() - 1;
        if !(1..=3).contains(&digits) {
            return Err(TimeError);
        }
        t.ms = after(&mut rest, b".:", digits)? * [100, 10, 1][digits - 1];
    }
    t.to_ns()
}

/// [`parse`] for wide text.
///
/// # Errors
/// As for [`parse`].
pub fn parse_wide<W: Wide>(text: &[W]) -> Result<Option<i64>, TimeError> {
    let mut narrow = [0; 32];
    if text.len() > narrow.len() {
        return Err(TimeError);
    }
    for (byte, unit) in narrow.iter_mut().zip(text) {
        *byte = u8::try_from(unit.value()).map_err(|_| TimeError)?;
    }
    parse(&narrow[..text.len()])
}

/// The first `digits` bytes as a number.
fn number(rest: &mut &[u8], digits: usize) -> Result<u16, TimeError> {
    let (head, tail) = rest.split_at_checked(digits).ok_or(TimeError)?;
    *rest = tail;
    head.iter().try_fold(0, |n: u16, c| match c {
        b'0'..=b'9' => Ok(n * 10 + u16::from(c - b'0')),
        _ => Err(TimeError),
    })
}

/// A number behind one of `separators`.
fn after(rest: &mut &[u8], separators: &[u8], digits: usize) -> Result<u16, TimeError> {
    match rest.split_first() {
        Some((c, tail)) if separators.contains(c) => *rest = tail,
        _ => return Err(TimeError),
    }
    number(rest, digits)
}

/// `ns` as the vendor writes it, `dd/mm/yyyy HH:mm:ss.zzz`, rounded down to the millisecond.
#[must_use]
pub fn format(ns: i64) -> [u8; DATE] {
    let t = Civil::from_ns(ns);
    let mut out = *b"00/00/0000 00:00:00.000";
    for (end, mut n) in
        [(2, t.day), (5, t.month), (10, t.year), (13, t.hour), (16, t.minute), (19, t.second), (23, t.ms)]
    {
        let mut at = end;
        while n > 0 {
            at -= 1;
            out[at] = b'0' + (n % 10) as u8;
            n /= 10;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-09-11 10:00:00.123 in Brasília, from `date -u -d 2026-09-11T13:00:00 +%s`.
    const MOMENT: i64 = 1_789_131_600_123_000_000;

    fn text(t: &str) -> Result<Option<i64>, TimeError> {
        parse(t.as_bytes())
    }

    #[test]
    fn every_form_of_the_text_is_read() {
        for form in ["11/09/2026 10:00:00.123", "11/09/2026 10:00:00:123", " 11/09/2026 10:00:00.123 "] {
            assert_eq!(text(form), Ok(Some(MOMENT)), "{form}");
            assert_eq!(parse_wide(&form.encode_utf16().collect::<Vec<_>>()), Ok(Some(MOMENT)), "{form}");
        }
        assert_eq!(text("11/09/2026 10:00:00"), Ok(Some(MOMENT - 123 * MS)));
        assert_eq!(text("11/09/2026 10:00:00.5"), Ok(Some(MOMENT + 377 * MS)));
        assert_eq!(text("11/09/2026"), Ok(Some(MOMENT - 123 * MS - 10 * 3600 * SECOND)));
        for none in ["", "  ", "00/00/0000 00:00:00.000", "30/12/1899 00:00:00.000", "30/12/1899"] {
            assert_eq!(text(none), Ok(None), "{none}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "11/09/26",
            "2026-09-11",
            "31/02/2026",
            "11/13/2026",
            "11/09/2026 24:00:00",
            "11/09/2026 10:60:00",
            "11/09/2026 10:00",
            "11/09/2026 10:00:00.",
            "11/09/2026 10:00:00.1234",
            "11/09/2026x10:00:00",
            "a1/09/2026",
            "11/09/9999",
        ] {
            assert_eq!(text(bad), Err(TimeError), "{bad}");
        }
        assert_eq!(parse_wide(&[0x4E00_u16]), Err(TimeError));
        assert_eq!(parse_wide(&[u16::from(b' '); 33]), Err(TimeError));
    }

    #[test]
    fn system_time_has_sunday_zero_and_all_zero_for_none() {
        let t = to_system(Some(MOMENT));
        assert_eq!((t.wYear, t.wMonth, t.wDay, t.wDayOfWeek), (2026, 9, 11, 5));
        assert_eq!((t.wHour, t.wMinute, t.wSecond, t.wMilliseconds), (10, 0, 0, 123));
        assert_eq!(to_system(Some(MOMENT + 2 * DAY)).wDayOfWeek, 0);
        assert_eq!(from_system(t), Ok(Some(MOMENT)));
        assert_eq!(from_system(to_system(None)), Ok(None));
        assert_eq!(from_system(SYSTEMTIME { wMonth: 13, ..t }), Err(TimeError));
    }

    #[test]
    fn delphi_days_begin_in_1899() {
        assert_eq!(from_delphi(0.0), Ok(None));
        // 25569.125 is 1970-01-01 03:00 in Brasília.
        assert_eq!(from_delphi(25_569.125), Ok(Some(6 * 3600 * SECOND)));
        assert_eq!(to_delphi(6 * 3600 * SECOND), 25_569.125);
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(from_delphi(bad), Err(TimeError));
        }
    }

    proptest! {
        #[test]
        fn whole_milliseconds_survive_every_form(ms in -2_000_000_000_000_i64..9_000_000_000_000) {
            let ns = ms * MS;
            prop_assert_eq!(parse(&format(ns)), Ok(Some(ns)));
            prop_assert_eq!(from_system(to_system(Some(ns))), Ok(Some(ns)));
            prop_assert_eq!(from_delphi(to_delphi(ns)), Ok(Some(ns)));
        }

        #[test]
        fn any_moment_has_numbers(ns: i64) {
            let _ = (to_system(Some(ns)), format(ns), to_delphi(ns));
        }

        #[test]
        fn no_text_panics(bytes: Vec<u8>, near in "[0-9/: .]{0,26}") {
            let _ = (parse(&bytes), parse(near.as_bytes()));
        }
    }
}
