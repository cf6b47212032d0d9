//! Trailing time windows that share one ring of rows.
//!
//! A window of length W at time t holds the rows in `(t − W, t]`. The ring keeps each row once; a window is a
//! cursor and the sums of what has left it, so adding a row costs the same for one window or twenty, and every
//! row leaves every window once.
//!
//! An hour of rows is long: the ring keeps of each the pause before it and its numbers in few bytes. A row after a
//! pause of more than four seconds, or with a number that does not fit, is kept whole beside the ring. So is the
//! newest row, which may still take in others of its time. The ring grows by blocks, which go round: there are as many
//! as the fullest moment needed.

use std::collections::VecDeque;

/// One row of a ring.
pub trait Row: Copy + Default {
    /// What windows sum up over their rows.
    type Sums: Sums;
    /// All of a row but its time, in few bytes.
    type Small: Copy + Default;
    /// Time of the row in ns.
    fn ts(&self) -> i64;
    /// Adds this row to the sums.
    fn add_to(&self, sums: &mut Self::Sums);
    /// Takes in a later row of the same time, if rows of one time may be kept as one.
    fn merge(&mut self, _later: &Self) -> bool {
        false
    }
    /// The row without its time; `None` where a number does not fit.
    fn small(&self) -> Option<Self::Small>;
    /// The row again.
    fn whole(ts: i64, small: Self::Small) -> Self;
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

/// A place between two rows of a ring.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    /// Position of the row behind it.
    position: u64,
    /// Time of the row before it.
    before: i64,
}

impl Cursor {
    /// Position of the row that is passed next.
    #[inline]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Passes the row that [`Windows::at`] gave.
    #[inline(always)]
    pub fn pass(&mut self, row: &impl Row) {
        (self.position, self.before) = (self.position + 1, row.ts());
    }
}

#[derive(Debug, Clone)]
struct Window<R: Row> {
    length: i64,
    /// Before the oldest row inside.
    cursor: Cursor,
    /// Sums of the rows that have left.
    left: R::Sums,
    /// Before this time no row leaves: when the oldest one does, or the least time where there was none.
    due: i64,
}

/// A row in the ring.
#[derive(Debug, Clone, Copy, Default)]
struct Kept<S> {
    /// Time since the row before it in ns, or [`WHOLE`].
    pause: u32,
    small: S,
}

/// In place of a pause: the row is kept whole.
const WHOLE: u32 = u32::MAX;

/// Rows of a block.
const BLOCK: usize = 128;

type Block<S> = Box<[Kept<S>; BLOCK]>;

/// A ring of rows with its windows.
#[derive(Debug, Clone)]
pub struct Windows<R: Row> {
    /// Full blocks, the oldest first.
    full: VecDeque<Block<R::Small>>,
    /// The block that is being filled; the newest row is not in it yet.
    open: Block<R::Small>,
    /// Position of the first row of all; below 0 where nobody needs the first blocks any more.
    begin: i64,
    /// Rows that are kept whole, with their positions.
    whole: VecDeque<(u64, R)>,
    /// The row before the next one, while there is one.
    newest: R,
    /// Before the newest row, or where it would be.
    end: Cursor,
    /// Position of the next row; positions only grow.
    head: u64,
    /// Rows from this position on are kept although no window holds them.
    hold: u64,
    totals: R::Sums,
    spans: Vec<Window<R>>,
    /// Length of the shortest window.
    shortest: i64,
    /// Earliest time at which a row may leave a window.
    next_exit: i64,
}

impl<R: Row> Default for Windows<R> {
    fn default() -> Self {
        Self {
            full: VecDeque::new(),
            open: Box::new([Kept::default(); BLOCK]),
            begin: 0,
            whole: VecDeque::new(),
            newest: R::default(),
            end: Cursor::default(),
            head: 0,
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
            let cursor = self.cursor();
            self.spans.push(Window { length, cursor, left: self.totals, due: i64::MIN });
            self.spans.len() - 1
        }))
    }

    /// Whether no window was asked for.
    pub fn is_idle(&self) -> bool {
        self.spans.is_empty()
    }

    /// Forgets every row; the windows stay.
    pub fn clear(&mut self) {
        self.whole.clear();
        self.end = Cursor::default();
        self.head = 0;
        self.begin = -((self.full.len() * BLOCK) as i64);
        if self.hold != u64::MAX {
            self.hold = 0;
        }
        self.totals = R::Sums::default();
        self.next_exit = i64::MAX;
        for w in &mut self.spans {
            w.cursor = Cursor::default();
            w.left = R::Sums::default();
            w.due = i64::MIN;
        }
    }

    /// Adds a row, no older than the one before it.
    #[inline]
    pub fn push(&mut self, row: R) {
        row.add_to(&mut self.totals);
        if self.head > 0 {
            if self.newest.ts() == row.ts() && self.newest.merge(&row) {
                return;
            }
            self.keep_newest(row.ts());
        }
        self.newest = row;
        self.head += 1;
        self.next_exit = self.next_exit.min(row.ts().saturating_add(self.shortest));
    }

    /// Changes the row at a position that every window still holds: its time stays, its numbers may not grow, so that
    /// it fits where it lies. Anything else is a bug of the caller, which a debug build stops at.
    pub fn amend(&mut self, position: u64, change: impl FnOnce(&mut R)) {
        debug_assert!(position < self.head && self.spans.iter().all(|w| w.cursor.position <= position));
        let newest = position == self.end.position;
        let mut row = if newest { self.newest } else { self.row(position) };
        let mut was = R::Sums::default();
        row.add_to(&mut was);
        change(&mut row);
        if newest {
            self.newest = row;
        } else {
            let number = (position as i64 - self.begin) as usize / BLOCK;
            let kept = &mut self.full.get_mut(number).unwrap_or(&mut self.open)[position as usize % BLOCK];
            match row.small() {
                Some(small) if kept.pause != WHOLE => kept.small = small,
                _ => self.amend_whole(position, row),
            }
        }
        self.totals = self.totals.minus(&was);
        row.add_to(&mut self.totals);
    }

    #[cold]
    fn amend_whole(&mut self, position: u64, row: R) {
        let k = self.whole.partition_point(|(p, _)| *p < position);
        let kept = self.whole.get_mut(k).filter(|(p, _)| *p == position);
        debug_assert!(kept.is_some(), "a row has grown");
        if let Some((_, kept)) = kept {
            *kept = row;
        }
    }

    /// Puts the newest row into the ring, as another one follows it.
    #[inline(always)]
    fn keep_newest(&mut self, now: i64) {
        let Cursor { position, before } = self.end;
        // Less than no time is, without its sign, a long one.
        let pause = self.newest.ts().wrapping_sub(before).cast_unsigned();
        let slot = position as usize % BLOCK;
        self.open[slot] = match self.newest.small() {
            Some(small) if pause < u64::from(WHOLE) => Kept { pause: pause as u32, small },
            _ => self.keep_whole(position),
        };
        self.end.pass(&self.newest);
        if slot == BLOCK - 1 {
            self.open_next(now);
        }
    }

    #[cold]
    #[inline(never)]
    fn keep_whole(&mut self, position: u64) -> Kept<R::Small> {
        self.whole.push_back((position, self.newest));
        Kept { pause: WHOLE, small: R::Small::default() }
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
        let mut next_exit = i64::MAX;
        let mut spans = std::mem::take(&mut self.spans); // put back below: the rows are read meanwhile
        for w in &mut spans {
            if now < w.due {
                next_exit = next_exit.min(w.due);
                continue;
            }
            let Some(begin) = now.checked_sub(w.length) else { continue };
            let next = self.pass_until(begin, &mut w.cursor, &mut w.left);
            w.due = next.map_or(i64::MIN, |next| next.saturating_add(w.length));
            if next.is_some() {
                next_exit = next_exit.min(w.due);
            }
        }
        self.spans = spans;
        self.next_exit = next_exit;
    }

    /// Passes the rows at or before `begin` and adds them up; returns the time of the next one.
    #[inline(always)]
    fn pass_until(&self, begin: i64, cursor: &mut Cursor, sums: &mut R::Sums) -> Option<i64> {
        while cursor.position < self.end.position {
            let first = cursor.position as usize % BLOCK;
            let rows = BLOCK.min(first + (self.end.position - cursor.position) as usize);
            for kept in &self.block(cursor.position)[first..rows] {
                let row = self.whole_of(kept, cursor);
                if row.ts() > begin {
                    return Some(row.ts());
                }
                row.add_to(sums);
                cursor.pass(&row);
            }
        }
        if cursor.position == self.head {
            return None;
        }
        if self.newest.ts() <= begin {
            self.newest.add_to(sums);
            cursor.pass(&self.newest);
            return None;
        }
        Some(self.newest.ts())
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
        let Cursor { position, before } = self.spans[id.0].cursor;
        let position = position.checked_sub(1)?;
        if position == self.end.position {
            return Some(self.newest);
        }
        let kept = self.kept(position);
        Some(if kept.pause == WHOLE { self.look_up(position) } else { R::whole(before, kept.small) })
    }

    /// Position of the oldest row inside the window, that of the next row when it is empty.
    #[inline]
    pub fn first(&self, id: WindowId) -> u64 {
        self.spans[id.0].cursor.position
    }

    /// The oldest row inside the window.
    #[inline]
    pub fn oldest(&self, id: WindowId) -> Option<R> {
        self.at(&self.spans[id.0].cursor)
    }

    /// Position of the next row.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Before the next row.
    pub fn cursor(&self) -> Cursor {
        if self.head == 0 {
            return Cursor::default();
        }
        Cursor { position: self.head, before: self.newest.ts() }
    }

    /// The row behind a cursor, which is still kept; `None` where there is none.
    #[inline(always)]
    pub fn at(&self, cursor: &Cursor) -> Option<R> {
        if cursor.position >= self.end.position {
            return (cursor.position < self.head).then_some(self.newest);
        }
        Some(self.whole_of(self.kept(cursor.position), cursor))
    }

    #[inline(always)]
    fn kept(&self, position: u64) -> &Kept<R::Small> {
        &self.block(position)[position as usize % BLOCK]
    }

    /// The row behind a cursor again, as it is kept.
    #[inline(always)]
    fn whole_of(&self, kept: &Kept<R::Small>, cursor: &Cursor) -> R {
        if kept.pause == WHOLE {
            return self.look_up(cursor.position);
        }
        R::whole(cursor.before + i64::from(kept.pause), kept.small)
    }

    #[cold]
    #[inline(never)]
    fn look_up(&self, position: u64) -> R {
        let k = self.whole.partition_point(|(p, _)| *p < position);
        self.whole.get(k).map(|(_, row)| *row).unwrap_or_default()
    }

    /// The row at a position that is still kept, without its time.
    #[inline]
    pub fn row(&self, position: u64) -> R {
        self.at(&Cursor { position, before: 0 }).unwrap_or_default()
    }

    /// Keeps rows from this position on, whatever the windows hold.
    pub fn keep_from(&mut self, position: u64) {
        self.hold = position;
    }

    /// The block that a position lies in.
    #[inline(always)]
    fn block(&self, position: u64) -> &[Kept<R::Small>; BLOCK] {
        let number = (position as i64 - self.begin) as usize / BLOCK;
        self.full.get(number).unwrap_or(&self.open)
    }

    /// Opens a block: one that no window holds any more, or a new one.
    #[cold]
    #[inline(never)]
    fn open_next(&mut self, now: i64) {
        self.expire(now);
        let first = self.spans.iter().map(|w| w.cursor.position).min().unwrap_or(self.head);
        // With the row that left last.
        let held = first.saturating_sub(1).min(self.hold);
        while self.whole.front().is_some_and(|(position, _)| *position < held) {
            self.whole.pop_front();
        }
        let mut next = None;
        if self.begin + BLOCK as i64 <= held as i64 {
            next = self.full.pop_front();
            self.begin += BLOCK as i64;
        }
        let next = next.unwrap_or_else(|| Box::new([Kept::default(); BLOCK]));
        self.full.push_back(std::mem::replace(&mut self.open, next));
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
        type Small = i8;
        fn ts(&self) -> i64 {
            self.0
        }
        fn add_to(&self, sums: &mut Total) {
            sums.0 += self.1;
        }
        fn small(&self) -> Option<i8> {
            self.1.try_into().ok()
        }
        fn whole(ts: i64, small: i8) -> Self {
            Self(ts, i64::from(small))
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

    /// Mostly short, at times longer than fits.
    fn pause() -> impl Strategy<Value = i64> {
        (0i64..40, 0u8..200).prop_map(|(ns, k)| if k == 0 { ns << 30 } else { ns })
    }

    proptest! {
        #[test]
        fn equals_the_naive_window(steps in prop::collection::vec((pause(), -150i64..150, any::<bool>(), 0usize..40), 1..6000)) {
            let mut w = Windows::<Item>::default();
            let ids = [(7, w.add(7)), (100, w.add(100)), (50_000, w.add(50_000))];
            let (mut t, mut all) = (0, Vec::new());
            for (dt, x, read, back) in steps {
                t += dt;
                w.push(Item(t, x));
                all.push((t, x));
                // A row that even the shortest window holds becomes smaller.
                if let Some(k) = all.len().checked_sub(1 + back).filter(|k| all[*k].0 > t - 7) {
                    w.amend(k as u64, |row| row.1 /= 2);
                    all[k].1 /= 2;
                }
                if read {
                    w.advance(t);
                    for (length, id) in ids {
                        let naive: i64 =
                            all.iter().rev().take_while(|r| r.0 > t - length).map(|r| r.1).sum();
                        prop_assert_eq!(w.sums(id), Total(naive));
                        let left = all.iter().rev().find(|r| r.0 <= t - length);
                        prop_assert_eq!(w.last_left(id).map(|r| (r.0, r.1)), left.copied());
                    }
                }
            }
            prop_assert!(w.full.len() * BLOCK <= 8_192);
        }
    }
}
