//! Orders addressed by id: a first-in-first-out queue per price.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::ladder::{Ladder, Level};
use super::{Order, fold, index};

/// No node.
const NIL: u32 = u32::MAX;

/// A price: what all its orders display, and the ends of their queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    pub(super) size: i64,
    /// Orders that display something.
    pub(super) orders: u32,
    head: u32,
    tail: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self { size: 0, orders: 0, head: NIL, tail: NIL }
    }
}

impl Level for Queue {
    #[inline(always)]
    fn size(&self) -> i64 {
        self.size
    }
}

impl Queue {
    /// Adds contracts and orders, or takes them away.
    #[inline]
    pub(super) fn add(&mut self, size: i64, orders: i32) {
        self.size += size;
        self.orders = self.orders.wrapping_add_signed(orders);
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    order: Order,
    prev: u32,
    next: u32,
}

/// Hash of an id: one multiplication. Ids come from an exchange, not from an adversary.
#[derive(Debug, Default, Clone, Copy)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(self.0 ^ u64::from(b));
        }
    }

    fn write_i64(&mut self, id: i64) {
        self.write_u64(id as u64);
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Every order of both sides.
#[derive(Debug, Clone, Default)]
pub(super) struct Queues {
    nodes: Vec<Node>,
    free: Vec<u32>,
    ids: HashMap<i64, u32, BuildHasherDefault<IdHasher>>,
}

impl Queues {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn get(&self, id: i64) -> Option<&Order> {
        self.ids.get(&id).map(|&n| &self.nodes[n as usize].order)
    }

    /// Puts an order whose id is not there yet at the back of its price.
    pub(super) fn add(&mut self, sides: &mut [Ladder<Queue>; 2], order: Order) {
        let node = Node { order, prev: NIL, next: NIL };
        let n = if let Some(n) = self.free.pop() {
            self.nodes[n as usize] = node;
            n
        } else {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        };
        self.ids.insert(order.id, n);
        self.link(sides, n);
    }

    /// Takes an order out; false when the id is not known.
    pub(super) fn remove(&mut self, sides: &mut [Ladder<Queue>; 2], id: i64) -> bool {
        let Some(n) = self.ids.remove(&id) else { return false };
        self.unlink(sides, n);
        self.free.push(n);
        true
    }

    /// Changes an order that is there. More size or another price costs the place in the queue; less does not.
    pub(super) fn edit(&mut self, sides: &mut [Ladder<Queue>; 2], order: Order) {
        let Some(&n) = self.ids.get(&order.id) else { return };
        let old = self.nodes[n as usize].order;
        if order.px != old.px || order.size > old.size {
            self.unlink(sides, n);
            self.nodes[n as usize].order = order;
            self.link(sides, n);
        } else {
            let s = index(old.side);
            sides[s].update(fold(old.px, s), |q| q.add(i64::from(order.size) - i64::from(old.size), 0));
            self.nodes[n as usize].order = order;
        }
    }

    /// Contracts and orders that are filled before this one at its price.
    pub(super) fn ahead(&self, id: i64) -> Option<(i64, u32)> {
        let (mut size, mut orders) = (0, 0);
        let mut n = self.nodes[*self.ids.get(&id)? as usize].prev;
        while n != NIL {
            let node = &self.nodes[n as usize];
            size += i64::from(node.order.size);
            orders += 1;
            n = node.prev;
        }
        Some((size, orders))
    }

    /// Every order of a side, best price and first in its queue first.
    pub(super) fn in_order(&self, side: &Ladder<Queue>) -> Vec<Order> {
        let mut out = Vec::new();
        for (_, queue) in side.iter() {
            let mut n = queue.head;
            while let Some(node) = self.nodes.get(n as usize) {
                out.push(node.order);
                n = node.next;
            }
        }
        out
    }

    /// The last order of the worst price of a side.
    pub(super) fn worst(&self, side: &Ladder<Queue>) -> Option<i64> {
        let tail = side.get(side.worst()?).tail;
        self.nodes.get(tail as usize).map(|node| node.order.id)
    }

    /// Forgets the orders of one side.
    pub(super) fn clear_side(&mut self, sides: &mut [Ladder<Queue>; 2], s: usize) {
        while let Some(id) = self.worst(&sides[s]) {
            self.remove(sides, id);
        }
    }

    fn link(&mut self, sides: &mut [Ladder<Queue>; 2], n: u32) {
        let order = self.nodes[n as usize].order;
        let s = index(order.side);
        let before = sides[s].update(fold(order.px, s), |q| {
            q.add(i64::from(order.size), 1);
            let before = std::mem::replace(&mut q.tail, n);
            if before == NIL {
                q.head = n;
            }
            before
        });
        let node = &mut self.nodes[n as usize];
        (node.prev, node.next) = (before, NIL);
        if let Some(node) = self.nodes.get_mut(before as usize) {
            node.next = n;
        }
    }

    fn unlink(&mut self, sides: &mut [Ladder<Queue>; 2], n: u32) {
        let Node { order, prev, next } = self.nodes[n as usize];
        if let Some(node) = self.nodes.get_mut(prev as usize) {
            node.next = next;
        }
        if let Some(node) = self.nodes.get_mut(next as usize) {
            node.prev = prev;
        }
        let s = index(order.side);
        sides[s].update(fold(order.px, s), |q| {
            q.add(-i64::from(order.size), -1);
            if q.head == n {
                q.head = next;
            }
            if q.tail == n {
                q.tail = prev;
            }
            if q.orders == 0 {
                *q = Queue::default();
            }
        });
    }
}
