//! Days on which B3 does not trade, and days on which it opens late.
//!
//! Facts only: what a date means for a contract (expiry, front month) is evaluated in Python. The years 2018
//! to 2027 were compared with two published calendars and with recorded bars; see the tests.

/// A day of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day with these numbers; they are not checked.
    #[must_use]
    pub const fn new(year: i32, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }

    /// Days since 1970-01-01 (Hinnant, *chrono-compatible low-level date algorithms*).
    #[must_use]
    pub const fn days(self) -> i32 {
        let y = self.year - (self.month <= 2) as i32;
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let shifted = (self.month as i32 + 9) % 12;
        let doy = (153 * shifted + 2) / 5 + self.day as i32 - 1;
        era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
    }

    /// The day `days` after 1970-01-01.
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let shifted = (5 * doy + 2) / 153;
        let day = (doy - (153 * shifted + 2) / 5 + 1) as u8;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u8;
        Self { year: yoe + era * 400 + (month <= 2) as i32, month, day }
    }

    /// This day moved by `n` days.
    #[must_use]
    pub const fn plus(self, n: i32) -> Self {
        Self::from_days(self.days() + n)
    }

    /// Day of the week: 0 Monday to 6 Sunday.
    #[must_use]
    pub const fn weekday(self) -> u8 {
        (self.days() + 3).rem_euclid(7) as u8
    }

    /// Easter Sunday of a year (Meeus 1991, *Astronomical Algorithms*, ch. 8).
    #[must_use]
    pub const fn easter(year: i32) -> Self {
        let (a, b, c) = (year % 19, year / 100, year % 100);
        let (d, e) = (b / 4, b % 4);
        let f = (b + 8) / 25;
        let g = (b - f + 1) / 3;
        let h = (19 * a + b - d - g + 15) % 30;
        let (i, k) = (c / 4, c % 4);
        let l = (32 + 2 * e + 2 * i - h - k) % 7;
        let m = (a + 11 * h + 22 * l) / 451;
        let n = h + l - 7 * m + 114;
        Self::new(year, (n / 31) as u8, (n % 31 + 1) as u8)
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// First and last year whose holidays are published.
pub const YEARS: (i32, i32) = (2018, 2027);

/// Holidays with a fixed date: name, month, day, first year, last year.
const FIXED: &[(&str, u8, u8, i32, i32)] = &[
    ("New Year", 1, 1, i32::MIN, i32::MAX),
    // São Paulo's own holidays closed the exchange until 2021. In 2020 the pandemic moved 9 July and
    // 20 November to days on which B3 traded; both dates were sessions that year.
    ("Anniversary of São Paulo", 1, 25, i32::MIN, 2021),
    ("Tiradentes", 4, 21, i32::MIN, i32::MAX),
    ("Labour Day", 5, 1, i32::MIN, i32::MAX),
    ("Constitutionalist Revolution", 7, 9, i32::MIN, 2019),
    ("Constitutionalist Revolution", 7, 9, 2021, 2021),
    ("Independence", 9, 7, i32::MIN, i32::MAX),
    ("Our Lady of Aparecida", 10, 12, i32::MIN, i32::MAX),
    ("All Souls", 11, 2, i32::MIN, i32::MAX),
    ("Republic", 11, 15, i32::MIN, i32::MAX),
    ("Black Awareness", 11, 20, i32::MIN, 2019),
    ("Black Awareness", 11, 20, 2024, i32::MAX),
    ("Christmas Eve", 12, 24, i32::MIN, i32::MAX),
    ("Christmas", 12, 25, i32::MIN, i32::MAX),
];

/// Holidays counted from Easter Sunday: name and days.
const MOVING: &[(&str, i32)] =
    &[("Carnival Monday", -48), ("Carnival Tuesday", -47), ("Good Friday", -2), ("Corpus Christi", 60)];

/// Weekdays of `year` on which B3 is closed, ascending, with their names.
#[must_use]
pub fn holidays(year: i32) -> Vec<(Date, &'static str)> {
    let easter = Date::easter(year);
    let mut out: Vec<_> = FIXED
        .iter()
        .filter(|&&(_, _, _, from, to)| (from..=to).contains(&year))
        .map(|&(name, month, day, _, _)| (Date::new(year, month, day), name))
        .chain(MOVING.iter().map(|&(name, n)| (easter.plus(n), name)))
        .collect();
    // The last weekday of the year is for the banks' books; on a weekend it is the Friday before.
    let last = Date::new(year, 12, 31);
    let back = i32::from(last.weekday()) - 4;
    out.push((last.plus(-back.max(0)), "Last weekday of the year"));
    out.retain(|(d, _)| d.weekday() < 5);
    out.sort_unstable();
    out
}

/// Ash Wednesday: derivatives open at 13:00.
#[must_use]
pub const fn late_open(year: i32) -> (Date, &'static str) {
    (Date::easter(year).plus(-46), "13:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_over_four_centuries() {
        assert_eq!(Date::new(1970, 1, 1).days(), 0);
        assert_eq!(Date::new(2000, 3, 1).days(), 11_017);
        for days in -135_140..=200_000 {
            assert_eq!(Date::from_days(days).days(), days);
        }
        assert_eq!(Date::new(2025, 8, 1).weekday(), 4);
        assert_eq!(Date::new(1970, 1, 1).weekday(), 3);
    }

    #[test]
    fn easter_of_known_years() {
        for (y, m, d) in
            [(2018, 4, 1), (2019, 4, 21), (2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28)]
        {
            assert_eq!(Date::easter(y), Date::new(y, m, d));
        }
    }

    /// Weekday closures as two published calendars list them; 2018, 2019 and 2021 also agree with recorded bars.
    const CLOSED: &[(i32, usize, &str)] = &[
        (2018, 245, "0101 0125 0212 0213 0330 0501 0531 0709 0907 1012 1102 1115 1120 1224 1225 1231"),
        (2019, 248, "0101 0125 0304 0305 0419 0501 0620 0709 1115 1120 1224 1225 1231"),
        (2020, 249, "0101 0224 0225 0410 0421 0501 0611 0907 1012 1102 1224 1225 1231"),
        (2021, 247, "0101 0125 0215 0216 0402 0421 0603 0709 0907 1012 1102 1115 1224 1231"),
        (2022, 250, "0228 0301 0415 0421 0616 0907 1012 1102 1115 1230"),
        (2023, 248, "0220 0221 0407 0421 0501 0608 0907 1012 1102 1115 1225 1229"),
        (2024, 251, "0101 0212 0213 0329 0501 0530 1115 1120 1224 1225 1231"),
        (2025, 250, "0101 0303 0304 0418 0421 0501 0619 1120 1224 1225 1231"),
        (2026, 247, "0101 0216 0217 0403 0421 0501 0604 0907 1012 1102 1120 1224 1225 1231"),
        (2027, 249, "0101 0208 0209 0326 0421 0527 0907 1012 1102 1115 1224 1231"),
    ];

    #[test]
    fn holidays_equal_the_published_ones() {
        assert_eq!((CLOSED[0].0, CLOSED[CLOSED.len() - 1].0), YEARS);
        for &(year, sessions, days) in CLOSED {
            let found = holidays(year);
            let text: Vec<_> = found.iter().map(|(d, _)| format!("{:02}{:02}", d.month, d.day)).collect();
            assert_eq!(text.join(" "), days, "{year}");
            let weekdays = (Date::new(year, 1, 1).days()..Date::new(year + 1, 1, 1).days())
                .filter(|&d| Date::from_days(d).weekday() < 5)
                .count();
            assert_eq!(weekdays - found.len(), sessions, "{year}");
        }
    }

    #[test]
    fn ash_wednesday_opens_late() {
        assert_eq!(late_open(2018).0, Date::new(2018, 2, 14));
        assert_eq!(late_open(2019).0, Date::new(2019, 3, 6));
    }
}
