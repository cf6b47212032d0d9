//! The walk of sixteen trees side by side. Numerical splits are walked without a branch that depends on the row;
//! categorical ones branch, since asking both questions of every node was measured to cost more.
#![allow(unsafe_code)] // indices that the packer has proved; bounds checks would cost a fifth of the time

use crate::pack::{Group, LANES, Node, Packed, SET};

impl Packed {
    /// Reads a row into the cells behind cell 0.
    #[inline]
    pub fn read(&self, row: &[f64], cells: &mut [f64]) {
        for (value, cell) in cells[1..].iter_mut().zip(self.cells()) {
            let read = cell.reading.read(row[cell.feature as usize]);
            *value = if cell.negated { -read } else { read };
        }
    }

    /// Leaf value of each tree of a group of this forest, into its tree's place.
    ///
    /// # Panics
    ///
    /// If there are fewer cells than the forest has.
    #[inline]
    pub fn walk<const SETS: bool>(&self, group: &Group, cells: &[f64], leaves: &mut [f64]) {
        let nodes = self.nodes();
        assert!(cells.len() > self.cells().len(), "a scratch has the forest's cells");
        let mut at = group.roots;
        for _ in 0..group.depth {
            for lane in &mut at {
                // SAFETY: a lane starts at a root and goes to `next` or the node behind it. `Packed::proved` has seen, for
                // the nodes as they are, that all of these are nodes, and that every cell asked for is one of the forest's,
                // of which there is room for all (above).
                let (Node { threshold, next, cell }, value) = unsafe {
                    let node = *nodes.get_unchecked(*lane as usize);
                    let cell = if SETS { node.cell & !SET } else { node.cell };
                    (node, *cells.get_unchecked(cell as usize))
                };
                let yes = if SETS && cell & SET != 0 {
                    self.within(threshold.to_bits(), value)
                } else {
                    value <= threshold
                };
                *lane = next + u32::from(!yes);
            }
        }
        for k in 0..LANES {
            leaves[group.trees[k] as usize] = nodes[at[k] as usize].threshold;
        }
    }

    /// Whether the integer part of the value is in the bitset at this place: where it starts in the high half, its words in
    /// the low one.
    #[inline]
    fn within(&self, place: u64, value: f64) -> bool {
        // What is not above -1, NaN with it, has no category; what is too large saturates, and no set is as large.
        let category = value as u32;
        let word = category / 32;
        value > -1.0
            && word < place as u32
            && self.sets()[(place >> 32) as usize + word as usize] >> (category % 32) & 1 == 1
    }
}
