//! Positions as sums of fills, per account and asset.

/// Which position is asked for. The value is the vendor's `PositionType`.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionKind {
    /// What was opened today.
    DayTrade = 1,
    /// Everything, what was carried into the day included.
    Consolidated = 2,
}

impl PositionKind {
    /// The kind with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::DayTrade),
            2 => Some(Self::Consolidated),
            _ => None,
        }
    }
}

/// Open contracts at their average price.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Open {
    /// Signed contracts.
    pub quantity: i64,
    /// Average entry price in ticks; 0 when flat.
    pub average: f64,
}

impl Open {
    /// One execution of `side * size` contracts. What closes leaves the average, what turns starts a new one.
    fn apply(&mut self, side: i64, px: f64, size: i64) {
        let (before, after) = (self.quantity, self.quantity + side * size);
        if before * side >= 0 {
            self.average = (self.average * before.abs() as f64 + px * size as f64) / after.abs() as f64;
        } else if after * before < 0 {
            self.average = px;
        } else if after == 0 {
            self.average = 0.0;
        }
        self.quantity = after;
    }
}

/// Contracts and their summed price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traded {
    /// Contracts.
    pub quantity: i64,
    /// Sum of price in ticks × contracts.
    pub ticks: i64,
}

impl Traded {
    /// Average price in ticks; 0 when nothing traded.
    pub fn average(&self) -> f64 {
        if self.quantity == 0 { 0.0 } else { self.ticks as f64 / self.quantity as f64 }
    }

    fn add(&mut self, px: i32, size: i64) {
        self.quantity += size;
        self.ticks += i64::from(px) * size;
    }
}

/// The position of one account in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Position {
    /// All of it.
    pub total: Open,
    /// What today's executions alone add up to.
    pub day: Open,
    /// Bought today.
    pub bought: Traded,
    /// Sold today.
    pub sold: Traded,
    /// Local day that `day`, `bought` and `sold` belong to.
    pub date: i64,
    /// Number of its last change.
    pub event_id: i64,
}

impl Position {
    /// A position carried into the session.
    pub fn carried(quantity: i64, average: f64) -> Self {
        Self { total: Open { quantity, average }, ..Self::default() }
    }

    /// One execution on local day `date`; the first of a day starts the day's figures anew.
    pub fn apply(&mut self, side: i64, px: i32, size: i64, date: i64) {
        self.roll(date);
        self.total.apply(side, f64::from(px), size);
        self.day.apply(side, f64::from(px), size);
        if side > 0 { &mut self.bought } else { &mut self.sold }.add(px, size);
    }

    /// Enters a local day: yesterday's figures end.
    pub fn roll(&mut self, date: i64) {
        if date > self.date {
            self.date = date;
            (self.day, self.bought, self.sold) = (Open::default(), Traded::default(), Traded::default());
        }
    }

    /// The open part of this kind.
    pub const fn open(&self, kind: PositionKind) -> Open {
        match kind {
            PositionKind::DayTrade => self.day,
            PositionKind::Consolidated => self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_price_through_a_turn() {
        let mut p = Position::default();
        p.apply(1, 100, 2, 1);
        p.apply(1, 103, 1, 1);
        assert_eq!(p.total, Open { quantity: 3, average: 101.0 });
        p.apply(-1, 110, 1, 1);
        assert_eq!(p.total, Open { quantity: 2, average: 101.0 });
        p.apply(-1, 90, 5, 1);
        assert_eq!(p.total, Open { quantity: -3, average: 90.0 });
        p.apply(1, 80, 3, 1);
        assert_eq!(p.total, Open::default());
        assert_eq!((p.bought.quantity, p.sold.quantity), (6, 6));
        assert_eq!(p.sold.average(), (110.0 + 450.0) / 6.0);
    }

    #[test]
    fn a_new_day_keeps_what_is_open_and_starts_its_own_figures() {
        let mut p = Position::carried(-4, 50.0);
        p.apply(1, 40, 1, 7);
        assert_eq!((p.total.quantity, p.day.quantity), (-3, 1));
        p.apply(1, 40, 1, 8);
        assert_eq!((p.total.quantity, p.day.quantity, p.bought.quantity), (-2, 1, 1));
        assert_eq!(p.open(PositionKind::DayTrade).average, 40.0);
    }
}
