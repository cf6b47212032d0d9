//! Footprints: five-minute bars with the volume that either side took at every price row.

use crate::bars::{Bar, BarBuilder};
use crate::pages::Pages;
use crate::profile::{ValueArea, point_of_control, value_area};
use crate::tape::Print;
use crate::time::MINUTE;

/// Length of a footprint, ns.
pub const SPAN: i64 = 5 * MINUTE;

/// What traded at one price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PriceRow {
    /// Ticks.
    pub px: i32,
    /// Contracts bought by aggressors.
    pub buy: i64,
    /// Contracts sold by aggressors.
    pub sell: i64,
    /// Contracts traded, signed or not.
    pub total: i64,
}

/// A closed footprint. One without a print is flat at the close before it, with no rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Its prices and times.
    pub bar: Bar,
    /// Contracts bought by aggressors.
    pub buy: i64,
    /// Contracts sold by aggressors.
    pub sell: i64,
    /// Greatest running delta, contracts bought less sold; at least 0, where it starts.
    pub delta_max: i64,
    /// Least running delta; at most 0.
    pub delta_min: i64,
    rows: Vec<PriceRow>,
    poc: Option<PriceRow>,
    area: Option<ValueArea>,
}

impl Footprint {
    /// Contracts bought less contracts sold.
    pub const fn delta(&self) -> i64 {
        self.buy - self.sell
    }

    /// Price rows that traded, from the lowest up.
    pub fn rows(&self) -> &[PriceRow] {
        &self.rows
    }

    /// The row at a price; empty where nothing traded.
    pub fn at(&self, px: i64) -> PriceRow {
        let found = self.rows.binary_search_by_key(&px, |r| i64::from(r.px));
        found.map_or_else(|_| PriceRow::default(), |k| self.rows[k])
    }

    /// Ticks from the lowest row to the highest, both counted, empty ones too.
    pub fn height(&self) -> i64 {
        i64::from(self.bar.high) - i64::from(self.bar.low) + 1
    }

    /// Buyers at the two highest rows as a fraction of twice the mean row; (0, 1) unless price closed below them.
    pub fn absorbed_high(&self) -> (i128, i128) {
        let top = i64::from(self.bar.high);
        if i64::from(self.bar.close) > top - 2 {
            return (0, 1);
        }
        self.in_mean_rows(self.at(top).buy + self.at(top - 1).buy)
    }

    /// Sellers at the two lowest rows as a fraction of twice the mean row; (0, 1) unless price closed above them.
    pub fn absorbed_low(&self) -> (i128, i128) {
        let bottom = i64::from(self.bar.low);
        if i64::from(self.bar.close) < bottom + 2 {
            return (0, 1);
        }
        self.in_mean_rows(self.at(bottom).sell + self.at(bottom + 1).sell)
    }

    /// Contracts of two rows against twice the mean row.
    fn in_mean_rows(&self, contracts: i64) -> (i128, i128) {
        (i128::from(contracts) * i128::from(self.height()), 2 * i128::from(self.bar.volume))
    }

    /// Row of greatest volume, by the rules of the session profile; `None` without a print.
    pub const fn poc(&self) -> Option<&PriceRow> {
        self.poc.as_ref()
    }

    /// Value area of the bar's own profile; `None` without a print.
    pub const fn area(&self) -> Option<ValueArea> {
        self.area
    }

    /// Finds point of control and value area.
    fn settle(&mut self) {
        let volume = i128::from(self.bar.volume);
        let weighted: i128 = self.rows.iter().map(|r| i128::from(r.px) * i128::from(r.total)).sum();
        let greatest = self.rows.iter().map(|r| r.total).max().unwrap_or(0);
        let distance = |px| (i128::from(px) * volume - weighted).abs();
        let poc = point_of_control(self.rows.iter().map(|r| (r.px, r.total)), greatest, distance);
        self.poc = poc.map(|px| self.at(px.into()));
        let row = |at: Option<usize>| at.and_then(|k| self.rows.get(k)).map(|r| i64::from(r.px));
        let traded = |px: i64, way: i64| {
            let above = self.rows.partition_point(|r| i64::from(r.px) < px + i64::from(way > 0));
            row(if way > 0 { Some(above) } else { above.checked_sub(1) }).unwrap_or(px + way)
        };
        let volume = |px| self.at(px).total;
        self.area =
            poc.map(|px| value_area(px, self.bar.low, self.bar.high, self.bar.volume, volume, traded));
    }
}

/// Makes footprints, anchored at the session start like the one-minute bars.
#[derive(Debug, Clone)]
pub struct Footprints {
    bars: BarBuilder,
    rows: Pages<PriceRow>,
    delta: i64,
    delta_max: i64,
    delta_min: i64,
    closed: Option<Footprint>,
}

impl Default for Footprints {
    fn default() -> Self {
        let (bars, rows) = (BarBuilder::of(SPAN), Pages::default());
        Self { bars, rows, delta: 0, delta_max: 0, delta_min: 0, closed: None }
    }
}

impl Footprints {
    /// Asks for footprints.
    pub fn enable(&mut self) {
        self.bars.enable();
    }

    /// Whether somebody asked for them.
    #[inline]
    pub fn enabled(&self) -> bool {
        self.bars.active()
    }

    /// Takes a print of the session that began at `session_start`.
    #[inline]
    pub fn push(&mut self, p: &Print, session_start: i64) {
        self.bars.push(p, session_start);
        let size = i64::from(p.size);
        let row = self.rows.at_mut(p.px);
        row.px = p.px;
        row.buy += size * i64::from(p.side > 0);
        row.sell += size * i64::from(p.side < 0);
        row.total += size;
        self.delta += size * i64::from(p.side);
        self.delta_max = self.delta_max.max(self.delta);
        self.delta_min = self.delta_min.min(self.delta);
    }

    /// End of the forming footprint.
    #[inline]
    pub fn due(&self) -> Option<i64> {
        self.bars.due()
    }

    /// Closes the forming footprint at its end; the next one begins there. True when there was one.
    pub fn close(&mut self) -> bool {
        let bar = self.bars.close();
        self.finish(bar)
    }

    /// Ends the session at `now`: the forming footprint closes there if it has begun. True when one closed.
    pub fn end_session(&mut self, now: i64) -> bool {
        let bar = self.bars.end_session(now);
        self.finish(bar)
    }

    fn finish(&mut self, bar: Option<Bar>) -> bool {
        let Some(bar) = bar else { return false };
        let closed = self.closed.get_or_insert_default();
        closed.bar = bar;
        (closed.buy, closed.sell) = bar.sides.unwrap_or_default();
        (closed.delta_max, closed.delta_min) = (self.delta_max, self.delta_min);
        closed.rows.clear();
        closed.rows.extend(self.rows.iter().map(|(_, row)| row).filter(|row| row.total > 0));
        closed.settle();
        self.begin();
        true
    }

    fn begin(&mut self) {
        self.rows.clear();
        (self.delta, self.delta_max, self.delta_min) = (0, 0, 0);
    }

    /// The last closed footprint of the contract.
    #[inline]
    pub fn last(&self) -> Option<&Footprint> {
        self.closed.as_ref()
    }

    /// Forgets the forming and the closed footprint: the next contract begins.
    pub fn clear(&mut self) {
        self.bars.clear();
        self.begin();
        self.closed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn print(ts: i64, px: i32, size: i32, side: i8) -> Print {
        Print { ts, px, size, side, ..Print::default() }
    }

    #[test]
    fn a_footprint_by_hand() {
        let mut f = Footprints::default();
        let start = 7 * SECOND;
        let at = |s: i64| start + s * SECOND;
        for p in [
            print(at(301), 100, 5, 1),
            print(at(302), 102, 9, -1),
            print(at(303), 102, 20, 1),
            print(at(304), 99, 30, -1),
            print(at(305), 100, 6, 0),
        ] {
            f.push(&p, start);
        }
        assert_eq!((f.due(), f.last()), (Some(at(600)), None));
        assert!(f.close());
        let fp = f.last().unwrap();
        assert_eq!((fp.bar.start, fp.bar.end), (at(300), at(600)));
        assert_eq!(
            (fp.bar.open, fp.bar.high, fp.bar.low, fp.bar.close, fp.bar.volume),
            (100, 102, 99, 100, 70)
        );
        assert_eq!((fp.buy, fp.sell, fp.delta(), fp.height()), (25, 39, -14, 4));
        // Running delta: 5, −4, 16, −14, −14.
        assert_eq!((fp.delta_max, fp.delta_min), (16, -14));
        let row = |px, buy, sell, total| PriceRow { px, buy, sell, total };
        assert_eq!(fp.rows(), [row(99, 0, 30, 30), row(100, 5, 0, 11), row(102, 20, 9, 29)]);
        assert_eq!((fp.at(100), fp.at(101)), (row(100, 5, 0, 11), PriceRow::default()));
        // 49 needed: 30 at 99, then 100 and 101 (11), then 102 alone (29).
        assert_eq!((fp.poc().map(|r| r.px), fp.area()), (Some(99), Some(ValueArea { low: 99, high: 102 })));

        assert!(f.close(), "five minutes without a print");
        let fp = f.last().unwrap();
        assert_eq!((fp.bar.high, fp.bar.low, fp.bar.close, fp.bar.volume), (100, 100, 100, 0));
        assert_eq!((fp.rows(), fp.poc(), fp.area()), (&[][..], None, None));
        assert_eq!((fp.buy, fp.sell, fp.delta_max, fp.delta_min), (0, 0, 0, 0));
    }

    #[test]
    fn a_session_end_closes_it_and_a_roll_forgets_it() {
        let mut f = Footprints::default();
        assert!(!f.end_session(0));
        f.push(&print(0, 10, 1, 1), 0);
        assert!(f.end_session(SECOND));
        assert_eq!(f.last().map(|fp| (fp.bar.end, fp.buy)), Some((SECOND, 1)));
        f.push(&print(2 * SECOND, 10, 4, 1), 2 * SECOND);
        assert_eq!(f.last().map(|fp| fp.buy), Some(1));
        f.clear();
        assert_eq!((f.last(), f.due()), (None, None));
        f.push(&print(3 * SECOND, 11, 2, 1), 3 * SECOND);
        assert!(f.close());
        assert_eq!(f.last().map(|fp| (fp.buy, fp.rows().len(), fp.delta_max)), Some((2, 1, 2)));
    }

    #[test]
    fn no_product_is_too_great() {
        let mut f = Footprints::default();
        for (px, side) in [(i32::MAX, 1), (i32::MIN + 1, -1), (0, 1)] {
            f.push(&print(0, px, i32::MAX, side), 0);
        }
        f.close();
        let fp = f.last().unwrap();
        let height = (1_i128 << 32) - 1;
        assert_eq!(fp.absorbed_high(), (i128::from(i32::MAX) * height, 6 * i128::from(i32::MAX)));
        assert_eq!(fp.absorbed_low(), fp.absorbed_high());
    }

    #[test]
    fn ties_of_the_point_of_control_go_towards_the_mean_then_down() {
        for (prints, poc) in [
            (&[(100, 5), (110, 5), (108, 1)][..], 110),
            (&[(110, 5), (100, 5)], 100),
            (&[(-7, 1), (-9, 1)], -9),
        ] {
            let mut f = Footprints::default();
            for &(px, size) in prints {
                f.push(&print(0, px, size, 0), 0);
            }
            f.close();
            assert_eq!(f.last().and_then(Footprint::poc).map(|r| r.px), Some(poc));
        }
    }
}
