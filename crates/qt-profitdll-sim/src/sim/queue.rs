//! The one queue of the library: everything that becomes a callback passes through it, in order.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use qt_core::Event;

use super::clock;
use super::history::Request;
use super::world::Subscription;
use crate::market::TickerState;

/// One thing for the ConnectorThread to do.
pub enum Item {
    /// A packet of the market.
    Packet(Vec<Event>),
    /// A packet that happens and is not told: the connection is down, or there was no room.
    Untold(Vec<Event>),
    /// A connection state.
    State(i32, i32),
    /// The health of the delivery.
    Health(i32),
    /// The login is complete: the market is there, and the broker where one was asked for.
    Connected,
    /// The market connection is there or not.
    Market(bool),
    /// The broker connection is there or not.
    Broker(bool),
    /// Full books for every subscription.
    FullBooks,
    /// A subscription begins.
    Subscribe(Subscription),
    /// Parts of a subscription end.
    Unsubscribe(Subscription),
    /// A name that no asset has.
    InvalidTicker(String, String),
    /// A ticker that existed until now.
    Delist(String),
    /// Details of an asset.
    TickerInfo(usize, String),
    /// A chunk of a history request.
    History(Box<Request>),
    /// Every ticker enters a state, or the one before it.
    Enter(Option<TickerState>),
    /// The last trade comes again, with this size.
    TradeEdit(i64),
    /// A trade without date and price.
    Sentinel,
    /// The next contract begins.
    Roll,
    /// Whatever another module wants called on this thread.
    Call(Box<dyn FnOnce() + Send>),
    /// The thread ends.
    Stop,
}

impl Item {
    /// Market events in it.
    fn events(&self) -> usize {
        match self {
            Self::Packet(events) => events.len(),
            _ => 0,
        }
    }
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    deferred: Vec<(Instant, Item)>,
    events: usize,
    most: usize,
    /// An item was taken and is not done yet.
    busy: bool,
    pushed: u64,
    done: u64,
}

/// The queue.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an item; returns its ticket for [`Queue::wait`].
    pub fn push(&self, item: Item) -> u64 {
        let mut state = self.lock();
        state.events += item.events();
        state.most = state.most.max(state.events);
        state.pushed += 1;
        state.items.push_back(item);
        self.changed.notify_all();
        state.pushed
    }

    /// Appends an item when its time comes.
    pub fn push_after(&self, delay: Duration, item: Item) {
        if delay.is_zero() {
            self.push(item);
            return;
        }
        self.lock().deferred.push((clock::now() + delay, item));
        self.changed.notify_all();
    }

    /// Takes the next item, waiting for it; the item before it counts as done.
    pub fn pop(&self) -> Item {
        let mut state = self.lock();
        if state.busy {
            state.busy = false;
            state.done += 1;
            self.changed.notify_all();
        }
        loop {
            let now = clock::now();
            if let Some(i) = state.deferred.iter().position(|d| d.0 <= now) {
                let (_, item) = state.deferred.remove(i);
                state.pushed += 1;
                state.items.push_back(item);
            }
            if let Some(item) = state.items.pop_front() {
                state.events -= item.events();
                state.busy = true;
                self.changed.notify_all();
                return item;
            }
            let wait = state.deferred.iter().map(|d| d.0.saturating_duration_since(now)).min();
            let wait = wait.unwrap_or(Duration::from_secs(3_600));
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the item of this ticket, and all before it, are done.
    pub fn wait(&self, ticket: u64) {
        let mut state = self.lock();
        while state.done < ticket {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until fewer than `n` market events wait, or the time is over; returns how many wait.
    pub fn wait_below(&self, n: usize, time: Duration) -> usize {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, time, |s| s.events >= n);
        waited.unwrap_or_else(PoisonError::into_inner).0.events
    }

    /// Market events that wait, and the most that ever did.
    pub fn depth(&self) -> (usize, usize) {
        let state = self.lock();
        (state.events, state.most)
    }

    /// Drops all that waits: the session ends.
    pub fn clear(&self) {
        let mut state = self.lock();
        let waiting = state.items.len() as u64;
        state.items.clear();
        state.deferred.clear();
        state.done += waiting;
        state.events = 0;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn items_come_in_order_and_late_ones_when_due() {
        let queue = Arc::new(Queue::default());
        queue.push_after(Duration::from_millis(30), Item::State(2, 4));
        queue.push(Item::Packet(vec![Event::default(); 3]));
        assert_eq!(queue.depth(), (3, 3));
        let ticket = queue.push(Item::Sentinel);
        let waiter = std::thread::spawn({
            let queue = queue.clone();
            move || queue.wait(ticket)
        });
        assert!(matches!(queue.pop(), Item::Packet(_)));
        assert!(matches!(queue.pop(), Item::Sentinel));
        assert!(!waiter.is_finished());
        assert!(matches!(queue.pop(), Item::State(2, 4)));
        waiter.join().unwrap();
        assert_eq!(queue.depth(), (0, 3));
    }
}
