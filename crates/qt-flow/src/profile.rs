//! Volume profile of the session: point of control and value area.

use std::cmp::Ordering;

use crate::moments::Moments;

const PAGE_BITS: u32 = 8;
const PAGE: usize = 1 << PAGE_BITS;

/// Traded volume of neighbouring prices.
#[derive(Debug, Clone)]
struct Page {
    number: i32,
    rows: Box<[i64; PAGE]>,
}

/// Value area: the lowest and highest row of the 70 % of volume around the point of control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueArea {
    /// Lowest row, ticks.
    pub low: i32,
    /// Highest row, ticks.
    pub high: i32,
}

/// Volume by price, one row per tick. Pages exist only where prices traded, so that memory follows the rows and
/// not the range.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    enabled: bool,
    wants_area: bool,
    pages: Vec<Page>,
    spare: Vec<Page>,
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
        let row = self.row_mut(px);
        *row += i64::from(size);
        let volume = *row;
        if volume > self.poc_volume {
            (self.poc, self.poc_volume, self.ties) = (px, volume, 1);
        } else if volume == self.poc_volume {
            self.ties += 1;
        }
        self.stale = true;
    }

    fn row_mut(&mut self, px: i32) -> &mut i64 {
        let number = px >> PAGE_BITS;
        let at = match self.pages.binary_search_by_key(&number, |p| p.number) {
            Ok(at) => at,
            Err(at) => {
                let mut page = self.spare.pop().unwrap_or_else(|| Page { number, rows: Box::new([0; PAGE]) });
                page.number = number;
                self.pages.insert(at, page);
                at
            }
        };
        &mut self.pages[at].rows[px as usize & (PAGE - 1)]
    }

    fn volume(&self, px: i64) -> i64 {
        let number = (px >> PAGE_BITS) as i32;
        self.pages
            .binary_search_by_key(&number, |p| p.number)
            .map_or(0, |at| self.pages[at].rows[px as usize & (PAGE - 1)])
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
            self.poc = self.nearest_of_the_greatest(moments);
        }
        if self.wants_area {
            self.area = Some(self.expand());
        }
    }

    /// Ties go to the row nearest to the volume-weighted mean, then to the lower row.
    fn nearest_of_the_greatest(&self, moments: &Moments) -> i32 {
        let mut best = self.poc;
        let mut first = true;
        for page in &self.pages {
            for (slot, &volume) in page.rows.iter().enumerate() {
                if volume == self.poc_volume {
                    let px = (page.number << PAGE_BITS) | slot as i32;
                    if first || moments.compare(px, best) == Ordering::Less {
                        best = px;
                    }
                    first = false;
                }
            }
        }
        best
    }

    /// From the point of control, adds the two rows above or below that hold more (above on ties).
    fn expand(&self) -> ValueArea {
        let (bottom, top) = (i64::from(self.low), i64::from(self.high));
        let (mut low, mut high) = (i64::from(self.poc), i64::from(self.poc));
        let mut inside = self.poc_volume;
        while inside * 10 < self.total * 7 {
            let above = (high < top).then(|| self.volume(high + 1) + self.volume(high + 2));
            let below = (low > bottom).then(|| self.volume(low - 1) + self.volume(low - 2));
            match (above, below) {
                (Some(a), b) if b.is_none_or(|b| a >= b) => {
                    inside += a;
                    high = (high + 2).min(top);
                }
                (_, Some(b)) => {
                    inside += b;
                    low = (low - 2).max(bottom);
                }
                _ => break,
            }
        }
        ValueArea { low: low as i32, high: high as i32 }
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
        for mut page in self.pages.drain(..) {
            page.rows.fill(0);
            self.spare.push(page);
        }
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

    proptest! {
        #[test]
        fn equals_the_naive_profile(prints in prop::collection::vec((-600i32..600, 1i32..50), 1..200)) {
            let (p, _) = profile(&prints);
            let mut rows = BTreeMap::new();
            for &(px, q) in &prints {
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
