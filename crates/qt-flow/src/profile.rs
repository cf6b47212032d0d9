//! Volume profile of the session: point of control and value area.

use crate::moments::Moments;
use crate::pages::Pages;

/// Value area: the lowest and highest row of the 70 % of volume around the point of control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueArea {
    /// Lowest row, ticks.
    pub low: i32,
    /// Highest row, ticks.
    pub high: i32,
}

/// Of the rows that hold `greatest`, the nearest to the volume-weighted mean, then the lower one. `distance` is that of
/// a row from the mean, in any unit.
pub fn point_of_control(
    rows: impl Iterator<Item = (i32, i64)>,
    greatest: i64,
    distance: impl Fn(i32) -> i128,
) -> Option<i32> {
    let greatest = rows.filter(|(_, volume)| *volume == greatest);
    greatest.map(|(px, _)| (distance(px), px)).min().map(|(_, px)| px)
}

/// Less than any volume: there is no row any more.
const NOTHING: i64 = -1;

/// From the point of control, adds the two rows above or below that hold more (above on ties) until 70 % of `total`
/// are inside. `low` and `high` are the extreme rows that traded; empty rows between them count as 0. `traded` is the
/// nearest row that traded above a row (1) or below it (−1), where there is one: one print far away must not be walked
/// to.
pub fn value_area(
    poc: i32,
    low: i32,
    high: i32,
    total: i64,
    volume: impl Fn(i64) -> i64,
    traded: impl Fn(i64, i64) -> i64,
) -> ValueArea {
    let (bottom, top) = (i64::from(low), i64::from(high));
    let (mut low, mut high) = (i64::from(poc), i64::from(poc));
    let mut inside = volume(low);
    let next_above = |high| if high < top { volume(high + 1) + volume(high + 2) } else { NOTHING };
    let next_below = |low| if low > bottom { volume(low - 1) + volume(low - 2) } else { NOTHING };
    let (mut above, mut below) = (next_above(high), next_below(low));
    while inside * 10 < total * 7 && above.max(below) != NOTHING {
        if above >= below {
            inside += above;
            // Pairs of empty rows go by one by one, as nothing below holds more.
            high = if above == 0 { high + (traded(high, 1) - high - 1) / 2 * 2 } else { (high + 2).min(top) };
            above = next_above(high);
        } else {
            inside += below;
            low = if below == 0 { low - (low - traded(low, -1) - 1) / 2 * 2 } else { (low - 2).max(bottom) };
            below = next_below(low);
        }
    }
    ValueArea { low: low as i32, high: high as i32 }
}

/// Volume by price, one row per tick.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    enabled: bool,
    wants_area: bool,
    rows: Pages<i64>,
    low: i32,
    high: i32,
    total: i64,
    poc: i32,
    poc_volume: i64,
    /// Rows that hold `poc_volume`.
    ties: u32,
    /// Whether a print came since the last refresh.
    stale: bool,
    area: Option<ValueArea>,
}

impl Profile {
    /// Asks for the point of control.
    pub fn enable(&mut self) {
        self.enabled = true;
    }

    /// Asks for the value area.
    pub fn enable_area(&mut self) {
        self.enabled = true;
        self.wants_area = true;
    }

    /// Whether somebody asked for it.
    #[inline]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Takes a print.
    #[inline]
    pub fn push(&mut self, px: i32, size: i32) {
        if self.total == 0 {
            (self.low, self.high) = (px, px);
        }
        self.low = self.low.min(px);
        self.high = self.high.max(px);
        self.total += i64::from(size);
        let row = self.rows.at_mut(px);
        *row += i64::from(size);
        let volume = *row;
        if volume > self.poc_volume {
            (self.poc, self.poc_volume, self.ties) = (px, volume, 1);
        } else if volume == self.poc_volume {
            self.ties += 1;
        }
        self.stale = true;
    }

    /// Settles ties and the value area after prints.
    #[inline]
    pub fn refresh(&mut self, moments: &Moments) {
        if self.stale {
            self.settle(moments);
        }
    }

    fn settle(&mut self, moments: &Moments) {
        self.stale = false;
        if self.ties > 1 {
            let distance = |px| moments.from_mean(px);
            self.poc = point_of_control(self.rows.iter(), self.poc_volume, distance).unwrap_or(self.poc);
        }
        if self.wants_area {
            let near = std::cell::Cell::new(0);
            let volume = |px| self.rows.at_near(px, &near);
            let traded = |px, way| self.rows.next(px, way).unwrap_or(px + way);
            self.area = Some(value_area(self.poc, self.low, self.high, self.total, volume, traded));
        }
    }

    /// Row of greatest volume, in ticks, as of the last refresh; `None` before the first print.
    #[inline]
    pub fn poc(&self) -> Option<i32> {
        (self.total > 0).then_some(self.poc)
    }

    /// Value area as of the last refresh; `None` before the first print.
    #[inline]
    pub fn area(&self) -> Option<ValueArea> {
        self.area
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.rows.clear();
        (self.total, self.poc_volume, self.ties) = (0, 0, 0);
        self.stale = false;
        self.area = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn profile(prints: &[(i32, i32)]) -> (Profile, Moments) {
        let (mut p, mut m) = (Profile::default(), Moments::default());
        p.enable_area();
        for &(px, q) in prints {
            p.push(px, q);
            m.push(px, q);
        }
        p.refresh(&m);
        (p, m)
    }

    #[test]
    fn point_of_control_and_value_area_by_hand() {
        let (p, _) = profile(&[(100, 5), (101, 20), (102, 9), (103, 4), (99, 10), (98, 1), (97, 1)]);
        assert_eq!(p.poc(), Some(101));
        // 50 in all, 35 needed: 20 at 101; above 9+4 = 13 < below 5+10 = 15: low 99; 35 reached.
        assert_eq!(p.area(), Some(ValueArea { low: 99, high: 101 }));
    }

    #[test]
    fn ties_go_towards_the_mean_then_down() {
        let (p, _) = profile(&[(100, 5), (110, 5), (108, 1)]);
        assert_eq!(p.poc(), Some(110));
        let (p, _) = profile(&[(110, 5), (100, 5)]);
        assert_eq!(p.poc(), Some(100));
    }

    #[test]
    fn rows_beyond_the_range_are_not_added() {
        let (p, _) = profile(&[(100, 1), (101, 1), (102, 1)]);
        assert_eq!(p.poc(), Some(101));
        assert_eq!(p.area(), Some(ValueArea { low: 101, high: 102 }).map(|a| ValueArea { low: 100, ..a }));
        let (mut p, m) = profile(&[(100, 3)]);
        assert_eq!(p.area(), Some(ValueArea { low: 100, high: 100 }));
        p.clear();
        p.refresh(&m);
        assert_eq!((p.poc(), p.area()), (None, None));
    }

    #[test]
    fn a_print_far_away_is_not_walked_to() {
        let far = i32::MAX;
        let area = |prints: &[(i32, i32)]| profile(prints).0.area().map(|a| (a.low, a.high));
        assert_eq!(area(&[(100, 6), (far, 5)]), Some((100, far)));
        assert_eq!(area(&[(100, 6), (-far, 5)]), Some((-far, 100)));
        assert_eq!(area(&[(100, 6), (far, 1), (-far, 5)]), Some((-far, far)));
    }

    proptest! {
        #[test]
        fn equals_the_naive_profile(prints in prop::collection::vec((-600i32..600, 1i32..50), 1..200), cut in 1usize..200) {
            let prints = &prints[..prints.len().min(cut)]; // few prints leave wide gaps
            let (p, _) = profile(prints);
            let mut rows = BTreeMap::new();
            for &(px, q) in prints {
                *rows.entry(px).or_insert(0i64) += i64::from(q);
            }
            let total: i64 = rows.values().sum();
            let weighted: i64 = rows.iter().map(|(px, v)| i64::from(*px) * v).sum();
            let poc = *rows.iter().min_by_key(|(px, v)| (-**v, (i64::from(**px) * total - weighted).abs(), **px)).unwrap().0;
            prop_assert_eq!(p.poc(), Some(poc));
            let at = |px: i32| rows.get(&px).copied().unwrap_or(0);
            let (bottom, top) = (*rows.keys().next().unwrap(), *rows.keys().last().unwrap());
            let (mut low, mut high, mut inside) = (poc, poc, at(poc));
            while inside * 100 < total * 70 {
                let a = if high < top { at(high + 1) + at(high + 2) } else { -1 };
                let b = if low > bottom { at(low - 1) + at(low - 2) } else { -1 };
                if a >= b { high = top.min(high + 2); inside += a } else { low = bottom.max(low - 2); inside += b }
            }
            prop_assert_eq!(p.area(), Some(ValueArea { low, high }));
        }
    }
}
