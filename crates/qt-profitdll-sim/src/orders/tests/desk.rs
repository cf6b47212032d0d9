//! A broker's side with a hand-written market.

use qt_core::Event;
use qt_core::event::{Kind, action, phase};

use super::super::*;

pub const MS: i64 = 1_000_000;
/// 2025-08-04 09:00 in Brasília.
pub const OPEN: i64 = 1_754_308_800_000_000_000;

pub fn listings() -> Vec<Listing> {
    let listing = |ticker: &str, tick_size, lot| Listing {
        ticker: ticker.into(),
        exchange: "F".into(),
        tick_size,
        lot,
    };
    vec![listing("WDOU25", 0.5, 1), listing("DOLU25", 0.5, 5)]
}

/// No waiting anywhere.
pub fn at_once() -> Settings {
    Settings { hop_ns: 0, ..Settings::default() }
}

pub fn account() -> AccountKey {
    AccountKey::new(15003, "1001")
}

pub struct Desk {
    pub broker: Broker,
    pub log: Vec<Note>,
    pub ms: i64,
    sequence: i64,
}

impl Desk {
    /// Connected, with a book in ticks: bids 100×10, 99×20, 98×30; asks 101×5, 102×8, 103×20.
    pub fn new(settings: Settings) -> Self {
        let mut desk = Self::bare(Broker::new(settings, listings()).unwrap());
        desk.broker.set_connected(true, OPEN);
        desk.book();
        desk.log.clear();
        desk
    }

    pub fn bare(broker: Broker) -> Self {
        Self { broker, log: Vec::new(), ms: 0, sequence: 0 }
    }

    pub fn book(&mut self) {
        for (i, (bid, ask)) in [(10, 5), (20, 8), (30, 20)].into_iter().enumerate() {
            self.level(1, 100 - i as i32, bid);
            self.level(-1, 101 + i as i32, ask);
        }
    }

    pub fn now(&self) -> i64 {
        OPEN + self.ms * MS
    }

    pub fn event(&mut self, e: Event) -> &mut Self {
        self.sequence += 1;
        let now = self.now();
        let e = Event { ts_event: now, ts_recv: now, sequence: self.sequence, ..e };
        self.broker.on_market(&e).unwrap();
        self.collect()
    }

    pub fn level(&mut self, side: i8, px: i32, size: i32) -> &mut Self {
        let action = if size > 0 { action::EDIT } else { action::DELETE };
        self.event(Event { kind: Kind::Level as u8, action, side, px, size, ..Event::default() })
    }

    pub fn trade(&mut self, side: i8, px: i32, size: i32) -> &mut Self {
        self.event(Event { kind: Kind::Trade as u8, side, px, size, ..Event::default() })
    }

    pub fn close(&mut self) -> &mut Self {
        self.event(Event { kind: Kind::Session as u8, action: phase::CLOSED, ..Event::default() })
    }

    pub fn wait(&mut self, ms: i64) -> &mut Self {
        self.ms += ms;
        self.broker.advance(self.now());
        self.collect()
    }

    pub fn collect(&mut self) -> &mut Self {
        self.log.extend(self.broker.take_notes());
        self
    }

    pub fn request(side: Side, kind: Type, price: f64, quantity: i64) -> NewRequest {
        NewRequest {
            account: account(),
            password: "sign".into(),
            ticker: "WDOU25".into(),
            exchange: "F".into(),
            side,
            kind,
            price,
            stop_price: order::NO_PRICE,
            quantity,
        }
    }

    pub fn send(&mut self, r: &NewRequest) -> OrderId {
        let receipt = self.broker.send(self.now(), r).unwrap();
        self.collect();
        OrderId::local(receipt.local_id)
    }

    pub fn limit(&mut self, side: Side, price: f64, quantity: i64) -> OrderId {
        let r = Self::request(side, Type::Limit, price, quantity);
        self.send(&r)
    }

    pub fn market(&mut self, side: Side, quantity: i64) -> OrderId {
        let r = Self::request(side, Type::Market, order::NO_PRICE, quantity);
        self.send(&r)
    }

    pub fn change(&mut self, id: &OrderId, price: f64, quantity: i64) -> Receipt {
        let r = ChangeRequest {
            account: account(),
            password: "sign".into(),
            order: id.clone(),
            price,
            stop_price: order::NO_PRICE,
            quantity,
        };
        let receipt = self.broker.change(self.now(), &r).unwrap();
        self.collect();
        receipt
    }

    pub fn cancel(&mut self, id: &OrderId) -> Receipt {
        let r = CancelRequest { account: account(), password: "sign".into(), order: id.clone() };
        let receipt = self.broker.cancel(self.now(), &r).unwrap();
        self.collect();
        receipt
    }

    pub fn order(&self, id: &OrderId) -> &Order {
        self.broker.details(id).unwrap()
    }

    pub fn status(&self, id: &OrderId) -> OrderStatus {
        self.order(id).status
    }

    /// Statuses that were told, in order.
    pub fn told(&self) -> Vec<u8> {
        let status = |n: &Note| if let Note::Order(o) = n { Some(o.status as u8) } else { None };
        self.log.iter().filter_map(status).collect()
    }

    /// Codes of the answers, in order.
    pub fn answers(&self) -> Vec<u8> {
        let code = |n: &Note| if let Note::Answer(a) = n { Some(a.code) } else { None };
        self.log.iter().filter_map(code).collect()
    }

    pub fn open(&self) -> (i64, f64) {
        let p = self.broker.position(&account(), "WDOU25").total;
        (p.quantity, p.average)
    }
}
