//! What the client is told, and when: notifications, the connection, accounts.

use super::{Broker, SESSION, Task, Trouble};
use crate::orders::account::{Accounts, Announce};
use crate::orders::flight::Flight;
use crate::orders::local_day;
use crate::orders::note::{Answer, Note};
use crate::orders::order::Fill;
use crate::orders::status::{HEALTHY, OrderStatus, Stage};

impl Broker {
    /// Notifications since the last call, in order.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    pub(in crate::orders) fn say(&mut self, note: Note) {
        // What the library itself knows needs no connection.
        let own = match &note {
            Note::Answer(a) => [HEALTHY[0], Stage::Proxy.answer()].contains(&a.code),
            Note::Order(o) => matches!(o.status, OrderStatus::ClientCreated | OrderStatus::OrderNotCreated),
            _ => false,
        };
        if self.connected || own {
            self.notes.push(note);
            return;
        }
        match note {
            Note::Order(order) => drop(self.untold.0.insert(order.key)),
            Note::Position { account, ticker, .. } => {
                self.untold.1.insert((self.accounts.get(account).key.clone(), ticker));
            }
            _ => {}
        }
    }

    pub(super) fn tell_order(&mut self, key: u64) {
        self.show(key);
        let note = Note::Order(Box::new(self.order(key).clone()));
        let Trouble { duplicate, late_ns } = self.trouble[key as usize];
        let late = self.now.saturating_add(late_ns);
        if late_ns == 0 {
            for _ in 0..duplicate {
                self.say(note.clone());
            }
            self.say(note);
        } else if duplicate == 0 {
            self.schedule(late, Task::Tell(note));
        } else {
            for _ in 0..duplicate {
                self.schedule(late, Task::Tell(note.clone()));
            }
            self.say(note);
        }
    }

    pub(super) fn answer(&mut self, flight: &Flight, code: u8, text: &str) {
        if flight.mute || flight.message_id == 0 {
            return;
        }
        let order = self.order(flight.order);
        let note = Answer {
            message_id: flight.message_id,
            code,
            broker_id: order.account.broker_id,
            order: order.id(),
            text: text.into(),
        };
        self.say(Note::Answer(note));
    }

    /// Gives an order its id in this session.
    pub(in crate::orders) fn show(&mut self, key: u64) {
        if self.order(key).local_id == 0 {
            let local = self.session * SESSION + self.next_local;
            self.next_local += 1;
            self.order_mut(key).local_id = local;
            self.by_local.insert(local, key);
        }
    }

    /// An order changed: keep it, then tell.
    pub(super) fn commit(&mut self, key: u64, fill: Option<Fill>, quiet: bool) {
        let (now, event_id) = (self.now, self.next_event);
        self.next_event += 1;
        let order = self.order_mut(key);
        (order.event_id, order.updated_ns) = (event_id, now);
        if order.status.is_final() && order.closed_ns == 0 {
            order.closed_ns = now;
        }
        let untold = order.status.is_newly_delivered() && self.settings.build < 41;
        self.save(key, fill);
        if !(quiet || untold) {
            self.tell_order(key);
        }
    }

    // ---- connection and accounts

    /// The connection of the broker stands or falls. When it stands, accounts are announced (again), then what changed
    /// in between, then today's orders unless history is off.
    pub fn set_connected(&mut self, connected: bool, now: i64) {
        self.advance(now);
        if connected == self.connected {
            return;
        }
        self.connected = connected;
        if connected {
            self.announce_all(self.settings.announce);
        }
        self.advance(now);
    }

    /// Whether the connection of the broker stands.
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Announces every account, as `GetAccount` asks.
    pub fn request_accounts(&mut self, now: i64) {
        self.advance(now);
        self.announce_all(Announce::Whole);
        self.advance(now);
    }

    pub(super) fn announce_all(&mut self, how: Announce) {
        let portions = self.accounts.portions(how);
        let (last, mut due) = (portions.len(), self.now);
        for (i, portion) in portions.into_iter().enumerate() {
            due = due.saturating_add(self.settings.announce_ns);
            self.schedule(due, Task::Announce(portion, i + 1 == last));
        }
    }

    pub(super) fn announce(&mut self, portion: &[usize], last: bool) {
        for broker_id in self.accounts.brokers() {
            let changed =
                portion.iter().filter(|i| self.accounts.get(**i).key.broker_id == broker_id).count() as u32;
            if changed > 0 {
                self.say(Note::BrokerAccounts { broker_id, changed });
            }
        }
        for i in portion {
            self.accounts.announce(*i);
            let master = self.accounts.get(*i).key.master();
            self.say(match self.accounts.find(&master) {
                Some(master) if master != *i => Note::SubAccounts(master),
                _ => Note::Account(*i),
            });
        }
        if last && self.connected {
            self.catch_up();
        }
    }

    pub(super) fn catch_up(&mut self) {
        for i in 0..self.accounts.len() {
            self.say(Note::Position {
                account: i,
                ticker: "-1".into(),
                exchange: String::new(),
                event_id: 0,
            });
        }
        let (orders, positions) = std::mem::take(&mut self.untold);
        for key in orders {
            self.tell_order(key);
        }
        for (account, ticker) in positions {
            self.tell_position(&account, &ticker);
        }
        if self.load_history {
            let (now, today) = (self.now, local_day(self.now));
            for i in 0..self.accounts.len() {
                let key = self.accounts.get(i).key.clone();
                if key.sub.is_empty() && !self.loaded.contains(&(key.clone(), today)) {
                    self.schedule(
                        now.saturating_add(self.settings.history_ns),
                        Task::History(key, today, today),
                    );
                }
            }
        }
    }

    /// Whether today's orders are loaded after the connection.
    pub fn set_history(&mut self, on: bool) {
        self.load_history = on;
    }

    /// Whether orders from here on are tagged as day trades.
    pub fn set_day_trade(&mut self, on: bool) {
        self.day_trade = on;
    }

    /// The accounts.
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}
