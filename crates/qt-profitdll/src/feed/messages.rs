//! Control messages: what the library says at a low rate, kept for Python in a bounded queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One value of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not there: NULL, or a date that is not given.
    Missing,
    /// Any integer.
    Int(i64),
    /// A number that is not a price in ticks.
    Float(f64),
    /// Text made for this message.
    Text(String),
    /// Text that the feed keeps, such as a ticker.
    Kept(Arc<str>),
}

/// One control message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What it is about.
    pub kind: &'static str,
    /// Receive time, ns UTC.
    pub ts_recv: i64,
    /// The arguments of the callback, in order.
    pub values: Vec<Value>,
}

/// A bounded queue. The oldest messages make room for new ones, and [`Messages::take`] says how many.
#[derive(Debug)]
pub struct Messages {
    capacity: usize,
    inner: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    lost: u64,
    lost_at: i64,
}

impl Messages {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), inner: Mutex::default() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message; returns whether another one had to go.
    pub(super) fn push(&self, message: Message) -> bool {
        let mut queue = self.queue();
        let full = queue.messages.len() == self.capacity;
        if full && let Some(oldest) = queue.messages.pop_front() {
            queue.lost += 1;
            queue.lost_at = oldest.ts_recv;
        }
        queue.messages.push_back(message);
        full
    }

    /// Takes every message; the first one is `overflow` with a count when messages were lost since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        let mut queue = self.queue();
        let mut out = Vec::with_capacity(queue.messages.len() + 1);
        if queue.lost > 0 {
            let values = vec![Value::Int(queue.lost as i64)];
            out.push(Message { kind: "overflow", ts_recv: queue.lost_at, values });
            queue.lost = 0;
        }
        out.extend(queue.messages.drain(..));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: i64) -> Message {
        Message { kind: "state", ts_recv: n, values: vec![Value::Int(n)] }
    }

    #[test]
    fn the_oldest_make_room_and_are_announced() {
        let queue = Messages::new(3);
        assert!((0..5).map(|n| queue.push(number(n))).eq([false, false, false, true, true]));
        let taken = queue.take();
        assert_eq!(taken[0], Message { kind: "overflow", ts_recv: 1, values: vec![Value::Int(2)] });
        assert_eq!(taken[1..], [number(2), number(3), number(4)]);
        assert_eq!(queue.take(), []);
    }
}
