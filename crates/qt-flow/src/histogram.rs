//! Exact counts of positive integers, with their order statistics.
//!
//! A number is counted at each of its hexadecimal digits, in one trie for every number of digits. So a size below 16
//! costs one step and the greatest size eight, to add, to remove and to look up, whatever the sizes are: there is no
//! bound above which they would be cut off. Nodes that count nothing are used again.

const DIGITS: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// Numbers below each digit.
    counts: [u32; 16],
    /// Node of each digit; 0, which is a root, stands for none.
    children: [u32; 16],
}

/// A multiset of positive integers.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// The first nodes are the roots: node k is that of the numbers with k + 1 digits.
    nodes: Vec<Node>,
    free: Vec<u32>,
    /// Numbers by their digits.
    lengths: [u32; DIGITS],
    len: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { nodes: vec![Node::default(); DIGITS], free: Vec::new(), lengths: [0; DIGITS], len: 0 }
    }
}

/// Hexadecimal digits of a positive number, less one.
#[inline]
fn last_digit(x: u32) -> usize {
    ((x | 1).ilog2() / 4) as usize
}

impl Histogram {
    /// Numbers inside.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a positive number.
    pub fn add(&mut self, x: i32) {
        let x = x.cast_unsigned();
        let root = last_digit(x);
        self.len += 1;
        self.lengths[root] += 1;
        let mut node = root;
        for place in (0..=root).rev() {
            let digit = (x >> (4 * place)) as usize & 15;
            self.nodes[node].counts[digit] += 1;
            if place > 0 {
                let child = self.nodes[node].children[digit] as usize;
                node = if child > 0 { child } else { self.grow(node, digit) };
            }
        }
    }

    fn grow(&mut self, node: usize, digit: usize) -> usize {
        let child = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            self.free.reserve(self.nodes.len()); // room for every node, so that removing never allocates
            (self.nodes.len() - 1) as u32
        });
        self.nodes[node].children[digit] = child;
        child as usize
    }

    /// Takes out a number that is inside.
    pub fn remove(&mut self, x: i32) {
        let x = x.cast_unsigned();
        let root = last_digit(x);
        self.len -= 1;
        self.lengths[root] -= 1;
        let mut node = root;
        for place in (0..=root).rev() {
            let digit = (x >> (4 * place)) as usize & 15;
            let n = &mut self.nodes[node];
            n.counts[digit] -= 1;
            if place > 0 {
                node = n.children[digit] as usize;
                if n.counts[digit] == 0 {
                    // Nothing is left below: the rest of the path counts only this number.
                    n.children[digit] = 0;
                    self.free.push(node as u32);
                }
            }
        }
    }

    /// The number with `rank` numbers before it in ascending order; 0 when there are not so many.
    pub fn select(&self, rank: u32) -> i32 {
        let mut left = rank;
        let Some(root) = descend(&self.lengths, &mut left) else { return 0 };
        let (mut node, mut x) = (root, 0u32);
        for _ in 0..=root {
            let n = &self.nodes[node];
            let Some(digit) = descend(&n.counts, &mut left) else { return 0 };
            x = x << 4 | digit as u32;
            node = n.children[digit] as usize;
        }
        x.cast_signed()
    }

    /// Forgets every number, keeping the memory.
    pub fn clear(&mut self) {
        self.nodes.truncate(DIGITS);
        self.nodes.fill(Node::default());
        self.free.clear();
        self.lengths = [0; DIGITS];
        self.len = 0;
    }
}

/// The slot that holds the item with `left` items before it; `left` becomes its rank within the slot.
#[inline]
fn descend(counts: &[u32], left: &mut u32) -> Option<usize> {
    for (slot, &count) in counts.iter().enumerate() {
        if *left < count {
            return Some(slot);
        }
        *left -= count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_statistics_by_hand() {
        let mut h = Histogram::default();
        assert!(h.is_empty());
        assert_eq!(h.select(0), 0);
        for x in [300, 5, 5, 16, i32::MAX, 15] {
            h.add(x);
        }
        let sorted: Vec<i32> = (0..h.len()).map(|k| h.select(k)).collect();
        assert_eq!(sorted, [5, 5, 15, 16, 300, i32::MAX]);
        h.remove(5);
        h.remove(i32::MAX);
        assert_eq!((h.select(0), h.select(3), h.select(4)), (5, 300, 0));
        h.clear();
        assert_eq!((h.len(), h.select(0)), (0, 0));
    }

    fn size() -> impl Strategy<Value = i32> {
        prop_oneof![4 => 1i32..40, 2 => 1i32..5_000, 1 => 1..=i32::MAX]
    }

    proptest! {
        #[test]
        fn equals_a_sorted_vec(steps in prop::collection::vec((size(), any::<bool>(), 0usize..500), 1..600)) {
            let (mut h, mut queue) = (Histogram::default(), std::collections::VecDeque::new());
            for (x, pop, rank) in steps {
                h.add(x);
                queue.push_back(x);
                for _ in 0..2 * usize::from(pop) {
                    if let Some(oldest) = queue.pop_front() {
                        h.remove(oldest);
                    }
                }
                let mut sorted: Vec<i32> = queue.iter().copied().collect();
                sorted.sort_unstable();
                prop_assert_eq!(h.len() as usize, sorted.len());
                let rank = rank % (sorted.len() + 1);
                prop_assert_eq!(h.select(rank as u32), sorted.get(rank).copied().unwrap_or(0));
            }
        }

        #[test]
        fn memory_is_that_of_the_fullest_moment(sizes in prop::collection::vec(size(), 1..100)) {
            let mut h = Histogram::default();
            for round in 0..50 {
                let turned: Vec<i32> = sizes.iter().map(|x| x.rotate_left(round) & i32::MAX | 1).collect();
                for x in &turned {
                    h.add(*x);
                }
                for x in &turned {
                    h.remove(*x);
                }
            }
            prop_assert!(h.nodes.len() <= DIGITS + sizes.len() * (DIGITS - 1));
            prop_assert!(h.nodes[..DIGITS].iter().all(|n| n.counts == [0; 16]));
            prop_assert_eq!(h.free.len(), h.nodes.len() - DIGITS);
        }
    }
}
