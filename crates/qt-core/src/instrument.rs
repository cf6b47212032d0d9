//! The products of B3 that quantumtrader trades: the only place that knows their numbers.
//!
//! Facts only. The contract of a date, its expiry and its session bounds are evaluated in Python from the
//! generated `instruments.json`; users add instruments of their own in the configuration.

/// Letters of the contract months, January to December.
pub const MONTH_LETTERS: &str = "FGHJKMNQUVXZ";

/// When a contract ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// First business day of every month; the last trade is on the business day before.
    FirstBusinessDay,
    /// Wednesday nearest the 15th of even months, the next session when that day is closed.
    WednesdayNearest15,
}

impl Expiry {
    /// Name of the rule in `instruments.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstBusinessDay => "first_business_day",
            Self::WednesdayNearest15 => "wednesday_nearest_15",
        }
    }

    /// Letters of the months that have a contract.
    #[must_use]
    pub const fn months(self) -> &'static str {
        match self {
            Self::FirstBusinessDay => MONTH_LETTERS,
            Self::WednesdayNearest15 => "GJMQVZ",
        }
    }
}

/// Continuous trading hours in force from a date on, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// First date, `YYYY-MM-DD`.
    pub valid_from: &'static str,
    /// Start of continuous trading, `HH:MM`.
    pub open: &'static str,
    /// End of continuous trading, `HH:MM`.
    pub close: &'static str,
}

/// One product: what all its contracts share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    /// Root of the contract codes.
    pub code: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Points per tick.
    pub tick_size: f64,
    /// Money per point and contract.
    pub point_value: f64,
    /// ISO code of the money.
    pub currency: &'static str,
    /// Orders are multiples of this many contracts.
    pub lot: u32,
    /// IANA zone of `hours`.
    pub timezone: &'static str,
    /// Ascending by date; hours before the first entry are not known.
    pub hours: &'static [Hours],
    /// When its contracts end.
    pub expiry: Expiry,
}

const fn from(valid_from: &'static str, close: &'static str) -> Hours {
    Hours { valid_from, open: "09:00", close }
}

/// Dollar futures. Until 2024 the close followed US daylight saving from the Monday after its change: seen in
/// recorded bars for 2018-01 to 2020-04 and 2021-02 to 2022-01, continued by that rule in between and after.
const DOLLAR_HOURS: &[Hours] = &[
    from("2018-01-02", "18:15"),
    from("2018-03-12", "18:00"),
    from("2018-11-05", "18:15"),
    from("2019-03-11", "18:00"),
    from("2019-11-04", "18:15"),
    from("2020-03-09", "18:00"),
    from("2020-11-03", "18:30"),
    from("2021-03-15", "18:00"),
    from("2021-11-08", "18:30"),
    from("2022-03-14", "18:00"),
    from("2022-11-07", "18:30"),
    from("2023-03-13", "18:00"),
    from("2023-11-06", "18:30"),
];

/// Index futures. 18:25 all year since circular 013/2024-PRE; before that 17:55 during US daylight saving, seen
/// in recorded bars for 2021-08 to 2022-01. The last day of a contract ends earlier and is not listed here.
const INDEX_HOURS: &[Hours] = &[
    from("2021-03-15", "17:55"),
    from("2021-11-08", "18:25"),
    from("2022-03-14", "17:55"),
    from("2022-11-07", "18:25"),
    from("2023-03-13", "17:55"),
    from("2023-11-06", "18:25"),
];

const DOLLAR: Product = Product {
    code: "DOL",
    name: "US dollar future, US$50,000",
    tick_size: 0.5,
    point_value: 50.0,
    currency: "BRL",
    lot: 5,
    timezone: "America/Sao_Paulo",
    hours: DOLLAR_HOURS,
    expiry: Expiry::FirstBusinessDay,
};

const INDEX: Product = Product {
    code: "IND",
    name: "Ibovespa future",
    tick_size: 5.0,
    point_value: 1.0,
    hours: INDEX_HOURS,
    expiry: Expiry::WednesdayNearest15,
    ..DOLLAR
};

/// Every product of the table.
pub const PRODUCTS: &[Product] = &[
    Product { code: "WDO", name: "Mini US dollar future, US$10,000", point_value: 10.0, lot: 1, ..DOLLAR },
    Product { code: "WIN", name: "Mini Ibovespa future", point_value: 0.2, lot: 1, ..INDEX },
    DOLLAR,
    INDEX,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_values_in_reais() {
        let tick_value = |code| {
            let p = PRODUCTS.iter().find(|p| p.code == code).expect("in the table");
            (p.tick_size * p.point_value, p.lot)
        };
        assert_eq!(tick_value("WDO"), (5.0, 1));
        assert_eq!(tick_value("WIN"), (1.0, 1));
        assert_eq!(tick_value("DOL"), (25.0, 5));
        assert_eq!(tick_value("IND"), (5.0, 5));
    }

    #[test]
    fn hours_ascend() {
        for p in PRODUCTS {
            assert!(p.hours.windows(2).all(|w| w[0].valid_from < w[1].valid_from), "{}", p.code);
            assert!(p.hours.iter().all(|h| h.open < h.close));
        }
    }

    #[test]
    fn months_are_letters_of_the_year() {
        let even: String = MONTH_LETTERS.chars().skip(1).step_by(2).collect();
        assert_eq!(Expiry::WednesdayNearest15.months(), even);
        assert_eq!(Expiry::FirstBusinessDay.months().len(), 12);
    }
}
