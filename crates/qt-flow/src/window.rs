//! Trailing time windows that share one ring of rows.
//!
//! A window of length W at time t holds the rows in `(t − W, t]`. The ring keeps each row once; a window is a
//! cursor and the sums of what has left it, so adding a row costs the same for one window or twenty, and every
//! row leaves every window once.

/// One row of a ring.
pub trait Row: Copy + Default {
    /// What windows sum up over their rows.
    type Sums: Sums;
    /// Time of the row in ns.
    fn ts(&self) -> i64;
    /// Adds this row to the sums.
    fn add_to(&self, sums: &mut Self::Sums);
    /// Takes in a later row of the same time, if rows of one time may be kept as one.
    fn merge(&mut self, _later: &Self) -> bool {
        false
    }
}

/// Exact sums over rows.
pub trait Sums: Copy + Default {
    /// These sums without the others.
    #[must_use]
    fn minus(&self, other: &Self) -> Self;
}

/// A window over the ring: the handle that [`Windows::add`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowId(usize);

#[derive(Debug, Clone)]
struct Window<R: Row> {
    length: i64,
    /// Position of the oldest row inside.
    cursor: u64,
    /// Sums of the rows that have left.
    left: R::Sums,
    /// The row that left last.
    last_left: Option<R>,
}

/// A ring of rows with its windows.
#[derive(Debug, Clone)]
pub struct Windows<R: Row> {
    rows: Box<[R]>,
    /// Position of the next row; positions only grow, the slot is the position modulo the capacity.
    head: u64,
    /// Position of the oldest row kept.
    tail: u64,
    /// Rows from this position on are kept although no window holds them.
    hold: u64,
    totals: R::Sums,
    spans: Vec<Window<R>>,
    /// Length of the shortest window.
    shortest: i64,
    /// Earliest time at which a row may leave a window.
    next_exit: i64,
}

/// Rows reserved at the start; the ring doubles when the windows hold more.
const INITIAL_ROWS: usize = 256;

impl<R: Row> Default for Windows<R> {
    fn default() -> Self {
        Self {
            rows: vec![R::default(); INITIAL_ROWS].into_boxed_slice(),
            head: 0,
            tail: 0,
            hold: u64::MAX,
            totals: R::Sums::default(),
            spans: Vec::new(),
            shortest: i64::MAX,
            next_exit: i64::MAX,
        }
    }
}

impl<R: Row> Windows<R> {
    /// A window of `length` ns; asking twice for one length gives the same window.
    pub fn add(&mut self, length: i64) -> WindowId {
        self.shortest = self.shortest.min(length);
        let known = self.spans.iter().position(|w| w.length == length);
        WindowId(known.unwrap_or_else(|| {
            self.spans.push(Window { length, cursor: self.head, left: self.totals, last_left: None });
            self.spans.len() - 1
        }))
    }

    /// Whether no window was asked for.
    pub fn is_idle(&self) -> bool {
        self.spans.is_empty()
    }

    /// Forgets every row; the windows stay.
    pub fn clear(&mut self) {
        self.head = 0;
        self.tail = 0;
        if self.hold != u64::MAX {
            self.hold = 0;
        }
        self.totals = R::Sums::default();
        self.next_exit = i64::MAX;
        for w in &mut self.spans {
            w.cursor = 0;
            w.left = R::Sums::default();
            w.last_left = None;
        }
    }

    /// Adds a row, no older than the one before it.
    #[inline]
    pub fn push(&mut self, row: R) {
        row.add_to(&mut self.totals);
        if self.head > self.tail {
            let last = self.slot(self.head - 1);
            if self.rows[last].ts() == row.ts() && self.rows[last].merge(&row) {
                return;
            }
        }
        if self.head - self.tail == self.rows.len() as u64 {
            self.make_room(row.ts());
        }
        let slot = self.slot(self.head);
        self.rows[slot] = row;
        self.head += 1;
        self.next_exit = self.next_exit.min(row.ts().saturating_add(self.shortest));
    }

    /// Earliest time at which a row may leave a window: before it, [`Windows::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.next_exit
    }

    /// Lets rows leave the windows: afterwards every window ends at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        if now >= self.next_exit {
            self.expire(now);
        }
    }

    fn expire(&mut self, now: i64) {
        self.next_exit = i64::MAX;
        let mask = self.rows.len() as u64 - 1;
        for w in &mut self.spans {
            let Some(begin) = now.checked_sub(w.length) else { continue };
            let first = w.cursor;
            while w.cursor < self.head {
                let row = &self.rows[(w.cursor & mask) as usize];
                if row.ts() > begin {
                    self.next_exit = self.next_exit.min(row.ts().saturating_add(w.length));
                    break;
                }
                row.add_to(&mut w.left);
                w.cursor += 1;
            }
            if w.cursor > first {
                w.last_left = Some(self.rows[((w.cursor - 1) & mask) as usize]);
            }
        }
    }

    /// Sums of the rows inside the window, as of the last [`Windows::advance`].
    #[inline]
    pub fn sums(&self, id: WindowId) -> R::Sums {
        self.totals.minus(&self.spans[id.0].left)
    }

    /// Sums of the rows that have left the window.
    #[inline]
    pub fn left(&self, id: WindowId) -> &R::Sums {
        &self.spans[id.0].left
    }

    /// Sums of all rows since [`Windows::clear`].
    #[inline]
    pub fn totals(&self) -> &R::Sums {
        &self.totals
    }

    /// The newest row that has left the window: the last one at or before t − W.
    #[inline]
    pub fn last_left(&self, id: WindowId) -> Option<R> {
        self.spans[id.0].last_left
    }

    /// Position of the oldest row inside the window, that of the next row when it is empty.
    #[inline]
    pub fn first(&self, id: WindowId) -> u64 {
        self.spans[id.0].cursor
    }

    /// The oldest row inside the window.
    #[inline]
    pub fn oldest(&self, id: WindowId) -> Option<&R> {
        let first = self.first(id);
        (first < self.head).then(|| self.row(first))
    }

    /// Position of the next row.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The row at a position that is still kept.
    pub fn row(&self, position: u64) -> &R {
        &self.rows[self.slot(position)]
    }

    /// The row at a position that is still kept, to be changed in ways that the sums do not see.
    pub fn row_mut(&mut self, position: u64) -> &mut R {
        let slot = self.slot(position);
        &mut self.rows[slot]
    }

    /// Changes the sums of all rows; for rows inside every window only.
    pub fn totals_mut(&mut self) -> &mut R::Sums {
        &mut self.totals
    }

    /// Keeps rows from this position on, whatever the windows hold.
    pub fn keep_from(&mut self, position: u64) {
        self.hold = position;
    }

    #[inline(always)]
    fn slot(&self, position: u64) -> usize {
        (position & (self.rows.len() as u64 - 1)) as usize
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, now: i64) {
        self.expire(now);
        let held = self.spans.iter().map(|w| w.cursor).min().unwrap_or(self.head);
        self.tail = held.min(self.hold).min(self.head);
        // Doubling while half full keeps the next call at least half a ring away.
        if self.head - self.tail > self.rows.len() as u64 / 2 {
            let mut grown = vec![R::default(); self.rows.len() * 2].into_boxed_slice();
            let mask = grown.len() as u64 - 1;
            for position in self.tail..self.head {
                grown[(position & mask) as usize] = self.rows[self.slot(position)];
            }
            self.rows = grown;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy, Default)]
    struct Item(i64, i64);
    #[derive(Debug, Clone, Copy, Default, PartialEq)]
    struct Total(i64);
    impl Sums for Total {
        fn minus(&self, other: &Self) -> Self {
            Self(self.0 - other.0)
        }
    }
    impl Row for Item {
        type Sums = Total;
        fn ts(&self) -> i64 {
            self.0
        }
        fn add_to(&self, sums: &mut Total) {
            sums.0 += self.1;
        }
    }

    #[test]
    fn a_row_at_t_counts_and_one_at_t_minus_w_does_not() {
        let mut w = Windows::<Item>::default();
        let id = w.add(10);
        w.push(Item(0, 5));
        w.push(Item(10, 7));
        w.advance(9);
        assert_eq!(w.sums(id), Total(12));
        w.advance(10);
        assert_eq!(w.sums(id), Total(7));
        assert_eq!(w.last_left(id).map(|r| r.1), Some(5));
        w.advance(20);
        assert_eq!(w.sums(id), Total(0));
        assert_eq!(*w.totals(), Total(12));
    }

    proptest! {
        #[test]
        fn equals_the_naive_window(steps in prop::collection::vec((0i64..40, -5i64..6, any::<bool>()), 1..6000)) {
            let mut w = Windows::<Item>::default();
            let ids = [(7, w.add(7)), (100, w.add(100)), (50_000, w.add(50_000))];
            let (mut t, mut all) = (0, Vec::new());
            for (dt, x, read) in steps {
                t += dt;
                w.push(Item(t, x));
                all.push((t, x));
                if read {
                    w.advance(t);
                    for (length, id) in ids {
                        let naive: i64 =
                            all.iter().rev().take_while(|r| r.0 > t - length).map(|r| r.1).sum();
                        prop_assert_eq!(w.sums(id), Total(naive));
                    }
                }
            }
            prop_assert!(w.rows.len() <= 16_384);
        }
    }
}
