//! What is kept for the next process, and taken over from the last one.

use std::collections::BTreeMap;

use super::{Broker, Task, Trouble};
use crate::orders::local_day;
use crate::orders::order::Fill;
use crate::orders::persist::{Mark, Record};

impl Broker {
    pub(super) fn restore(&mut self, records: &[(Mark, Record)]) -> Result<(), String> {
        let mut last: BTreeMap<u64, usize> = BTreeMap::new();
        for (i, (_, record)) in records.iter().enumerate() {
            match record {
                Record::Session(number) => self.session = self.session.max(number + 1),
                Record::Order { order, fill, .. } => {
                    last.insert(order.key, i);
                    if let Some(f) = fill {
                        let position = self.position_of(order);
                        position.apply(order.side.sign(), f.px, f.size, local_day(f.ts));
                        position.event_id = order.event_id;
                        self.fills.push(*f);
                    }
                }
                Record::Market => {}
            }
        }
        if let Some((mark, _)) = records.last() {
            (self.resume_at, self.now) = (mark.events, mark.now);
        }
        for (expected, (key, i)) in last.iter().enumerate() {
            let Record::Order { order, flights, .. } = &records[*i].1 else { continue };
            if *key != expected as u64 {
                return Err(format!("the state file has no order {expected}, though it has {key}"));
            }
            if !self.markets.iter().any(|m| m.listing.ticker == order.ticker) && !order.status.is_final() {
                return Err(format!(
                    "the state file has an open order in {}, which is not listed",
                    order.ticker
                ));
            }
            self.next_event = self.next_event.max(order.event_id + 1);
            if !order.cl_ord_id.is_empty() {
                self.by_permanent.insert(order.cl_ord_id.clone(), *key);
            }
            self.orders.push((**order).clone());
            self.trouble.push(Trouble::default());
            for flight in flights {
                self.schedule(flight.due, Task::Hop(flight.clone()));
            }
        }
        let kept = |i: usize, record: &Record| match record {
            Record::Order { order, fill, .. } => fill.is_some() || last[&order.key] == i,
            Record::Session(number) => *number + 1 == self.session,
            Record::Market => i + 1 == records.len(),
        };
        let keep: Vec<_> =
            records.iter().enumerate().filter(|(i, r)| kept(*i, &r.1)).map(|(_, r)| r).collect();
        if let Some(log) = self.log.as_mut().filter(|_| keep.len() * 2 < records.len()) {
            log.rewrite(keep.into_iter())?;
        }
        self.write(&Record::Session(self.session));
        if self.resume_at == 0 {
            self.reenter();
        }
        self.fault.take().map_or(Ok(()), Err)
    }

    /// Puts what worked when the last process ended into the market again, behind what is displayed.
    pub(super) fn reenter(&mut self) {
        for key in 0..self.orders.len() as u64 {
            let order = self.order(key);
            if !order.status.is_working() {
                continue;
            }
            let (order, now) = (order.clone(), self.now);
            if let Some(m) = self.market_of(&order.ticker) {
                if let Err(e) = self.markets[m].enter(&order, now) {
                    self.fault = Some(e);
                }
                self.drain(m);
            }
        }
    }

    pub(super) fn write(&mut self, record: &Record) {
        let mark = Mark { events: self.events.max(self.resume_at), now: self.now };
        if let Some(log) = &mut self.log
            && let Err(e) = log.append(mark, record)
        {
            self.fault = Some(e);
            self.log = None;
        }
    }

    pub(super) fn save(&mut self, key: u64, fill: Option<Fill>) {
        if self.log.is_none() {
            return;
        }
        let of_order = |t: &Task| match t {
            Task::Hop(f) if f.order == key => Some(f.clone()),
            _ => None,
        };
        let flights = self.tasks.values().filter_map(of_order).collect();
        let order = Box::new(self.order(key).clone());
        self.write(&Record::Order { order, flights, fill });
    }

    /// How many market events must be played through [`Broker::on_market`] before the client hears of the first: what
    /// the last process had seen. Orders that worked then enter the market again after them.
    pub const fn resume_at(&self) -> i64 {
        self.resume_at
    }

    /// There is no market to play: what worked enters now.
    pub fn resume(&mut self) {
        if self.events < self.resume_at {
            self.resume_at = self.events;
            self.reenter();
        }
    }

    /// Notes the market's position in the state file; a process that ends properly calls it last.
    pub fn close(&mut self) {
        self.write(&Record::Market);
    }

    /// The error that ended the keeping of the state file, once.
    pub const fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }

    /// The state file cannot be written since this error; nothing is kept from there on.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}
