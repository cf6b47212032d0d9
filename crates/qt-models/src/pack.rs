//! Packs trees into the arrays that the walk runs over.
//!
//! Every numerical split becomes the same question, `cell <= threshold`, whose no includes NaN:
//!
//! * A row is first read into cells, one for each way in which the model reads a feature ([`Reading`]), so that a missing
//!   value is NaN whatever the library calls missing.
//! * Where a missing value goes right, a NaN does so by itself. Where it goes left, the question is turned round: the cell
//!   holds `-value`, the threshold is that of "goes right", and the children change places.

use std::collections::BTreeMap;

use crate::tree::{Child, Reading, Split, Test, Tree};

/// Trees walked side by side.
pub const LANES: usize = 16;

/// Marks a node that asks for membership in a set.
pub const SET: u32 = 1 << 31;

/// Sixteen bytes: a split, or a leaf.
///
/// A split goes to `next` when its cell is at most `threshold`, else to the node behind it. A leaf reads cell 0, which is
/// minus infinity, has its value as the threshold, and goes to itself.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Node {
    /// Threshold; a leaf's value; for a set, bits of its place (start in the high half, words in the low half).
    pub threshold: f64,
    /// The node of a yes; the one of a no lies behind it.
    pub next: u32,
    /// Cell that is asked, with [`SET`] for membership.
    pub cell: u32,
}

/// Where a cell's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// How it is read.
    pub reading: Reading,
    /// Feature of the row.
    pub feature: u32,
    /// Whether the cell holds minus the value.
    pub negated: bool,
}

/// Trees of about the same depth that are walked together.
#[derive(Debug, Clone)]
pub struct Group {
    /// Root of each lane's tree.
    pub roots: [u32; LANES],
    /// Place of each lane's tree in the model; the last group repeats its last tree.
    pub trees: [u32; LANES],
    /// Steps that bring every lane to a leaf.
    pub depth: u32,
    /// Whether any split asks for membership in a set.
    pub sets: bool,
}

/// The arrays of a forest, closed in themselves: no index leads out of them. Only [`Packed::proved`] makes one.
#[derive(Debug, Clone)]
pub struct Packed {
    nodes: Vec<Node>,
    sets: Vec<u32>,
    cells: Vec<Cell>,
    groups: Vec<Group>,
}

impl Packed {
    /// The arrays, once every index has been seen to lie within them.
    fn proved(
        nodes: Vec<Node>,
        sets: Vec<u32>,
        cells: Vec<Cell>,
        groups: Vec<Group>,
    ) -> Result<Self, String> {
        let closed = nodes.iter().enumerate().all(|(at, node)| {
            let leaf = node.next as usize == at && node.cell == 0;
            let split = (node.next as usize) < nodes.len() - 1 && (node.cell & !SET) as usize <= cells.len();
            leaf || split
        });
        let rooted = groups.iter().flat_map(|group| group.roots).all(|root| (root as usize) < nodes.len());
        if !closed || !rooted {
            return Err("its trees lead nowhere".into());
        }
        Ok(Self { nodes, sets, cells, groups })
    }

    /// Nodes of all trees, level by level.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Bitsets of categorical splits.
    pub fn sets(&self) -> &[u32] {
        &self.sets
    }

    /// Cells 1 and up.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Trees by depth.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// Collects trees.
#[derive(Debug)]
pub struct Packer {
    nodes: Vec<Node>,
    sets: Vec<u32>,
    cells: BTreeMap<Cell, u32>,
    /// Depth, place, root and sets of each tree.
    trees: Vec<(u32, u32, u32, bool)>,
}

impl Packer {
    /// No trees yet.
    pub fn new() -> Self {
        Self { nodes: Vec::new(), sets: Vec::new(), cells: BTreeMap::new(), trees: Vec::new() }
    }

    /// Trees so far.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Adds the next tree of the model; the error says what is wrong with its shape.
    pub fn push(&mut self, tree: &Tree) -> Result<(), String> {
        let root = self.nodes.len();
        // Two nodes per split and the root, all below 2^31, so that indices fit and the mark of a set stays free.
        if root + 2 * tree.splits.len() + 1 > SET as usize {
            return Err("the model has more than 2^31 nodes".into());
        }
        let mut seen = vec![false; tree.splits.len()];
        let (mut depth, mut sets) = (0, false);
        let mut level = vec![(root, tree.root)];
        self.nodes.push(Node::leaf(root, 0.0));
        loop {
            let mut below = Vec::new();
            for (at, child) in level {
                let split = match child {
                    Child::Leaf(value) => {
                        self.nodes[at] = Node::leaf(at, value);
                        continue;
                    }
                    Child::Split(index) => {
                        let split =
                            tree.splits.get(index).ok_or_else(|| format!("there is no node {index}"))?;
                        if std::mem::replace(&mut seen[index], true) {
                            return Err(format!("node {index} hangs from two places"));
                        }
                        split
                    }
                };
                let next = self.nodes.len();
                let (threshold, cell, turned) = self.question(split);
                sets |= cell & SET != 0;
                self.nodes[at] = Node { threshold, next: next as u32, cell };
                let children = if turned { [split.right, split.left] } else { [split.left, split.right] };
                for (k, child) in children.into_iter().enumerate() {
                    self.nodes.push(Node::leaf(next + k, 0.0));
                    below.push((next + k, child));
                }
            }
            if below.is_empty() {
                break;
            }
            depth += 1;
            level = below;
        }
        self.trees.push((depth, self.trees.len() as u32, root as u32, sets));
        Ok(())
    }

    /// Threshold and cell of a split, and whether yes and no have changed places.
    fn question(&mut self, split: &Split) -> (f64, u32, bool) {
        let (reading, threshold, turned) = match split.test {
            Test::AtMost { reading: Reading::Filled, threshold, .. } => (Reading::Filled, threshold, false),
            Test::AtMost { reading, threshold, default_left: false } => (reading, threshold, false),
            // Right is `v > t`: `-v <= -(the value after t)`. Nothing is greater than infinity.
            Test::AtMost { reading, threshold, default_left: true } => {
                let after = if threshold == f64::INFINITY { f64::NAN } else { -threshold.next_up() };
                (reading, after, true)
            }
            // Left is `v < t`: `v <= the value before t`. Nothing is less than minus infinity.
            Test::Below { threshold, default_left: false } => {
                let before = if threshold == f32::NEG_INFINITY { f32::NAN } else { threshold.next_down() };
                (Reading::Single, f64::from(before), false)
            }
            // Right is `v >= t`.
            Test::Below { threshold, default_left: true } => (Reading::Single, f64::from(-threshold), true),
            Test::In(ref words) => {
                let place = (self.sets.len() as u64) << 32 | words.len() as u64;
                self.sets.extend_from_slice(words);
                let cell = self.cell(Cell { reading: Reading::Kept, feature: split.feature, negated: false });
                return (f64::from_bits(place), cell | SET, false);
            }
        };
        let cell = self.cell(Cell { reading, feature: split.feature, negated: turned });
        (threshold, cell, turned)
    }

    fn cell(&mut self, cell: Cell) -> u32 {
        let next = self.cells.len() as u32;
        *self.cells.entry(cell).or_insert(next)
    }

    /// The arrays: cells in the order in which a row is read, trees by depth.
    pub fn finish(mut self) -> Result<Packed, String> {
        let mut place = vec![0; self.cells.len()];
        for (k, provisional) in self.cells.values().enumerate() {
            place[*provisional as usize] = 1 + k as u32;
        }
        for (at, node) in self.nodes.iter_mut().enumerate() {
            if node.next != at as u32 {
                node.cell = node.cell & SET | place[(node.cell & !SET) as usize];
            }
        }
        self.trees.sort_unstable();
        let groups = self.trees.chunks(LANES).map(|trees| {
            let lane = |k: usize| trees[k.min(trees.len() - 1)];
            Group {
                roots: std::array::from_fn(|k| lane(k).2),
                trees: std::array::from_fn(|k| lane(k).1),
                depth: lane(LANES).0,
                sets: trees.iter().any(|tree| tree.3),
            }
        });
        let groups = groups.collect();
        Packed::proved(self.nodes, self.sets, self.cells.into_keys().collect(), groups)
    }
}

impl Node {
    const fn leaf(at: usize, value: f64) -> Self {
        Self { threshold: value, next: at as u32, cell: 0 }
    }
}
