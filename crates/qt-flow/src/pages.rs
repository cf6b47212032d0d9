//! A value per price row, in pages that exist only where something traded.

use std::cell::Cell;

const PAGE_BITS: u32 = 8;
const PAGE: usize = 1 << PAGE_BITS;

/// Neighbouring rows.
#[derive(Debug, Clone)]
struct Page<T> {
    number: i32,
    rows: Box<[T; PAGE]>,
}

/// Rows by tick. Memory follows the prices that traded and not their range; cleared pages are used again.
#[derive(Debug, Clone)]
pub struct Pages<T> {
    /// In the order of their prices.
    used: Vec<Page<T>>,
    spare: Vec<Page<T>>,
    /// Place of the page that was written last.
    recent: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { used: Vec::new(), spare: Vec::new(), recent: 0 }
    }
}

impl<T: Copy + Default> Pages<T> {
    /// The row of a price.
    #[inline]
    pub fn at_mut(&mut self, px: i32) -> &mut T {
        let number = px >> PAGE_BITS;
        // The next print is nearly always in the page of the last one.
        if self.used.get(self.recent).is_none_or(|p| p.number != number) {
            self.recent = self.place(number);
        }
        &mut self.used[self.recent].rows[px as usize & (PAGE - 1)]
    }

    /// Place of a page; makes it where there is none.
    fn place(&mut self, number: i32) -> usize {
        match self.used.binary_search_by_key(&number, |p| p.number) {
            Ok(at) => at,
            Err(at) => {
                let fresh = || Page { number, rows: Box::new([T::default(); PAGE]) };
                let mut page = self.spare.pop().unwrap_or_else(fresh);
                page.number = number;
                self.used.insert(at, page);
                at
            }
        }
    }

    /// The row of a price; the default where nothing traded.
    pub fn at(&self, px: i64) -> T {
        let number = (px >> PAGE_BITS) as i32;
        self.used
            .binary_search_by_key(&number, |p| p.number)
            .map_or_else(|_| T::default(), |at| self.used[at].rows[px as usize & (PAGE - 1)])
    }

    /// The same for neighbouring prices: `place` is where the page of the last one was.
    #[inline(always)]
    pub fn at_near(&self, px: i64, place: &Cell<usize>) -> T {
        let number = (px >> PAGE_BITS) as i32;
        match self.used.get(place.get()) {
            Some(page) if page.number == number => page.rows[px as usize & (PAGE - 1)],
            _ => self.at_far(px, place),
        }
    }

    #[cold]
    #[inline(never)]
    fn at_far(&self, px: i64, place: &Cell<usize>) -> T {
        let number = (px >> PAGE_BITS) as i32;
        self.used.binary_search_by_key(&number, |p| p.number).map_or_else(
            |_| T::default(),
            |at| {
                place.set(at);
                self.used[at].rows[px as usize & (PAGE - 1)]
            },
        )
    }

    /// The nearest row above a price (`way` 1) or below it (−1) that is not empty.
    #[cold]
    #[inline(never)]
    pub fn next(&self, px: i64, way: i64) -> Option<i64>
    where
        T: PartialEq,
    {
        let filled = |page: &Page<T>, slot: usize| page.rows[slot] != T::default();
        let price = |page: &Page<T>, slot: usize| i64::from(page.number) << PAGE_BITS | slot as i64;
        let at = self.used.partition_point(|p| i64::from(p.number) < px >> PAGE_BITS);
        if way > 0 {
            let rows = self.used[at..].iter().flat_map(|p| (0..PAGE).map(move |slot| (p, slot)));
            rows.filter(|(p, slot)| filled(p, *slot)).map(|(p, slot)| price(p, slot)).find(|row| *row > px)
        } else {
            let end = self.used.len().min(at + 1);
            let rows = self.used[..end].iter().rev().flat_map(|p| (0..PAGE).rev().map(move |slot| (p, slot)));
            rows.filter(|(p, slot)| filled(p, *slot)).map(|(p, slot)| price(p, slot)).find(|row| *row < px)
        }
    }

    /// Every row of the pages there are, from the lowest price up.
    pub fn iter(&self) -> impl Iterator<Item = (i32, T)> {
        self.used.iter().flat_map(|page| {
            let first = page.number << PAGE_BITS;
            page.rows.iter().enumerate().map(move |(slot, row)| (first | slot as i32, *row))
        })
    }

    /// Empties every row.
    pub fn clear(&mut self) {
        for mut page in self.used.drain(..) {
            page.rows.fill(T::default());
            self.spare.push(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_price_come_back_in_order() {
        let mut rows = Pages::<i64>::default();
        for px in [300, -1, 299, i32::MAX, i32::MIN, 300] {
            *rows.at_mut(px) += 1;
        }
        let traded: Vec<(i32, i64)> = rows.iter().filter(|(_, n)| *n > 0).collect();
        assert_eq!(traded, [(i32::MIN, 1), (-1, 1), (299, 1), (300, 2), (i32::MAX, 1)]);
        assert_eq!((rows.at(300), rows.at(301), rows.at(5_000)), (2, 0, 0));
        let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
        let up = |px| rows.next(px, 1);
        assert_eq!(
            [up(least), up(-1), up(299), up(300), up(most)],
            [Some(-1), Some(299), Some(300), Some(most), None]
        );
        let down = |px| rows.next(px, -1);
        assert_eq!(
            [down(most), down(301), down(300), down(0), down(least)],
            [Some(300), Some(300), Some(299), Some(-1), None]
        );
        rows.clear();
        assert_eq!(rows.iter().count(), 0);
        *rows.at_mut(1) += 1;
        // 300 was in slot 44 of its page.
        assert_eq!((rows.at(1), rows.at(44)), (1, 0));
    }
}
