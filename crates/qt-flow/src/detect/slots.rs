//! A small table of price rows: row `px` of a side lives in slot `px mod 256`, the later row of a slot wins.

use qt_core::event::PX_NONE;

/// Rows per side that are kept at most.
pub const SLOTS: usize = 256;

#[derive(Debug, Clone)]
pub(super) struct Slots<T> {
    rows: Box<[(i32, T)]>,
}

impl<T: Copy + Default> Default for Slots<T> {
    fn default() -> Self {
        Self { rows: vec![(PX_NONE, T::default()); 2 * SLOTS].into_boxed_slice() }
    }
}

#[inline]
fn slot(side: i8, px: i32) -> usize {
    2 * px.rem_euclid(SLOTS as i32) as usize + usize::from(side > 0)
}

impl<T: Copy + Default> Slots<T> {
    pub(super) fn get(&self, side: i8, px: i32) -> Option<&T> {
        let (owner, row) = &self.rows[slot(side, px)];
        (*owner == px).then_some(row)
    }

    pub(super) fn put(&mut self, side: i8, px: i32, row: T) {
        self.rows[slot(side, px)] = (px, row);
    }

    pub(super) fn remove(&mut self, side: i8, px: i32) {
        self.rows[slot(side, px)].0 = PX_NONE;
    }

    pub(super) fn clear(&mut self) {
        self.rows.fill((PX_NONE, T::default()));
    }
}

/// Where in a list of at most 255 items those of a row are: how many belong to rows of its slot, and the place at which
/// one was found last. Mostly there is none or one, and nobody need search.
#[derive(Debug, Clone)]
pub(super) struct Places([(u8, u8); 2 * SLOTS]);

impl Default for Places {
    fn default() -> Self {
        Self([(0, 0); 2 * SLOTS])
    }
}

impl Places {
    /// An item of this row was put at this place of the list.
    pub(super) fn add(&mut self, side: i8, px: i32, place: usize) {
        let (count, last) = &mut self.0[slot(side, px)];
        (*count, *last) = (*count + 1, place as u8);
    }

    /// An item of this row was taken off the list.
    pub(super) fn remove(&mut self, side: i8, px: i32) {
        self.0[slot(side, px)].0 -= 1;
    }

    /// Place of the first item of this row that is meant.
    #[inline]
    pub(super) fn find<T>(
        &mut self,
        side: i8,
        px: i32,
        items: &[T],
        is_meant: impl Fn(&T) -> bool,
    ) -> Option<usize> {
        let (count, last) = &mut self.0[slot(side, px)];
        let place = usize::from(*last);
        match count {
            0 => None,
            1 if items.get(place).is_some_and(&is_meant) => Some(place),
            _ => items.iter().position(is_meant).inspect(|place| *last = *place as u8),
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.fill((0, 0));
    }
}
