//! Orders addressed by position: one list per side, worst first, as `ProfitDLL` describes its offer book.
//!
//! Position 0 is the last entry, the best one. The feed is the only judge of the sequence: entries are neither
//! sorted nor looked up by id or price, because removals carry a position and nothing else.

use super::ladder::Ladder;
use super::queues::Queue;
use super::{Order, fold, index};

/// Every order of both sides.
#[derive(Debug, Clone, Default)]
pub(super) struct List([Vec<Order>; 2]);

impl List {
    pub(super) fn len(&self) -> usize {
        self.0[0].len() + self.0[1].len()
    }

    /// The entry at a position, 0 for the best.
    pub(super) fn get(&self, side: i8, position: usize) -> Option<&Order> {
        self.0[index(side)].iter().nth_back(position)
    }

    /// Puts an order at a position; false when the list is too short.
    pub(super) fn add(&mut self, sides: &mut [Ladder<Queue>; 2], position: usize, order: Order) -> bool {
        let list = &mut self.0[index(order.side)];
        let Some(at) = list.len().checked_sub(position) else { return false };
        list.insert(at, order);
        shown(sides, &order, 1);
        true
    }

    /// Replaces the entry at a position that is there.
    pub(super) fn edit(&mut self, sides: &mut [Ladder<Queue>; 2], position: usize, order: Order) {
        if let Some(entry) = self.0[index(order.side)].iter_mut().nth_back(position) {
            shown(sides, entry, -1);
            *entry = order;
            shown(sides, &order, 1);
        }
    }

    /// Takes out the entry at a position, false when there is none.
    pub(super) fn remove(&mut self, sides: &mut [Ladder<Queue>; 2], side: i8, position: usize) -> bool {
        let list = &mut self.0[index(side)];
        let Some(at) = list.len().checked_sub(position + 1) else { return false };
        shown(sides, &list.remove(at), -1);
        true
    }

    /// Takes out the entry at a position and every better one; false when there is none.
    pub(super) fn remove_from(&mut self, sides: &mut [Ladder<Queue>; 2], side: i8, position: usize) -> bool {
        let list = &mut self.0[index(side)];
        let Some(at) = list.len().checked_sub(position + 1) else { return false };
        for order in list.drain(at..) {
            shown(sides, &order, -1);
        }
        true
    }

    /// Takes out the worst entry of a side.
    pub(super) fn drop_worst(&mut self, sides: &mut [Ladder<Queue>; 2], s: usize) {
        if !self.0[s].is_empty() {
            shown(sides, &self.0[s].remove(0), -1);
        }
    }

    /// Forgets the orders of one side; the caller clears its levels.
    pub(super) fn clear_side(&mut self, s: usize) {
        self.0[s].clear();
    }

    /// The order with this id, the best one if there are several.
    pub(super) fn find(&self, id: i64) -> Option<&Order> {
        self.0.iter().flat_map(|list| list.iter().rev()).find(|o| o.id == id)
    }

    /// Every order of a side, best first.
    pub(super) fn in_order(&self, side: i8) -> Vec<Order> {
        self.0[index(side)].iter().rev().copied().collect()
    }

    /// Contracts and orders at the same price that come before the order with this id.
    pub(super) fn ahead(&self, id: i64) -> Option<(i64, u32)> {
        let order = self.find(id)?;
        let before = self.0[index(order.side)].iter().rev().take_while(|o| o.id != id);
        Some(
            before
                .filter(|o| o.px == order.px && o.size > 0)
                .fold((0, 0), |(size, n), o| (size + i64::from(o.size), n + 1)),
        )
    }
}

/// Adds what an order displays to its level, or takes it away. An entry edited down to nothing keeps its place
/// in the list until the feed removes it, and displays nothing.
fn shown(sides: &mut [Ladder<Queue>; 2], order: &Order, sign: i32) {
    if order.size > 0 {
        let s = index(order.side);
        sides[s].update(fold(order.px, s), |q| q.add(i64::from(order.size) * i64::from(sign), sign));
    }
}
