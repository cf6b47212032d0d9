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

impl<T: Copy + Default> Slots<T> {
    fn at(side: i8, px: i32) -> usize {
        2 * px.rem_euclid(SLOTS as i32) as usize + usize::from(side > 0)
    }

    pub(super) fn get(&self, side: i8, px: i32) -> Option<&T> {
        let (owner, row) = &self.rows[Self::at(side, px)];
        (*owner == px).then_some(row)
    }

    pub(super) fn put(&mut self, side: i8, px: i32, row: T) {
        self.rows[Self::at(side, px)] = (px, row);
    }

    pub(super) fn remove(&mut self, side: i8, px: i32) {
        self.rows[Self::at(side, px)].0 = PX_NONE;
    }

    pub(super) fn clear(&mut self) {
        self.rows.fill((PX_NONE, T::default()));
    }
}
