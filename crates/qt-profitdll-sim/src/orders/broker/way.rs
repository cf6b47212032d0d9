//! A request's way to the market, and what the market makes of it.

use super::{Broker, Task};
use crate::orders::flight::{Action, Flight};
use crate::orders::local_day;
use crate::orders::order::Fill;
use crate::orders::status::{HEALTHY, OrderStatus, Stage};

impl Broker {
    pub(super) fn hop(&mut self, mut flight: Flight) {
        flight.hop += 1;
        if let Some((stage, text)) = flight.refusal.clone().filter(|r| r.0.hop() == flight.hop) {
            self.refuse(&flight, stage, &text);
            return;
        }
        if flight.hop == Stage::Market.hop() {
            self.at_market(flight);
            return;
        }
        let (key, mute) = (flight.order, flight.mute);
        let order = self.order(key);
        let (new, works) = (flight.action == Action::New, order.status.is_working());
        let status = match (flight.hop, flight.action) {
            (2, Action::New) => OrderStatus::CreatedInHades,
            (3, Action::New) => OrderStatus::SentToBroker,
            (4, Action::New) => OrderStatus::PendingNew,
            (3, Action::Cancel) if works => OrderStatus::PendingCancel,
            (3, Action::Change { .. }) if works => OrderStatus::PendingReplace,
            _ => order.status,
        };
        if new && flight.hop == 4 {
            let id = format!("SIM.{}.{:06}", local_day(order.created_ns), key + 1);
            self.by_permanent.insert(id.clone(), key);
            self.order_mut(key).cl_ord_id = id;
        }
        self.answer(&flight, HEALTHY[usize::from(flight.hop)], "");
        flight.due = self.now.saturating_add(self.settings.hop_ns);
        self.schedule(flight.due, Task::Hop(flight));
        if status == self.order(key).status {
            self.save(key, None);
        } else {
            self.order_mut(key).status = status;
            self.commit(key, None, mute);
        }
    }

    pub(super) fn refuse(&mut self, flight: &Flight, stage: Stage, text: &str) {
        self.answer(flight, stage.answer(), text);
        let order = self.order_mut(flight.order);
        if order.status.is_final() {
            self.save(flight.order, None);
            return;
        }
        order.text = text.into();
        if flight.action == Action::New {
            order.status = stage.refused();
        } else if order.status.is_working() {
            order.status = order.settled;
        }
        self.commit(flight.order, None, flight.mute);
    }

    pub(super) fn at_market(&mut self, flight: Flight) {
        let (key, now) = (flight.order, self.now);
        let Some(m) = self.market_of(&self.order(key).ticker) else {
            self.refuse(&flight, Stage::Market, "Ativo desconhecido");
            return;
        };
        if flight.action != Action::New && !self.order(key).status.is_working() {
            self.refuse(&flight, Stage::Market, "Ordem não está em aberto");
            return;
        }
        let done = match flight.action {
            Action::New => {
                let order = self.order(key).clone();
                self.asking = Some(flight);
                self.markets[m].enter(&order, now)
            }
            Action::Cancel => {
                self.asking = Some(flight);
                self.markets[m].leave(key, now).map(drop)
            }
            Action::Change { price, stop_price, quantity } => {
                if quantity <= self.order(key).traded {
                    self.refuse(&flight, Stage::Market, "Quantidade não excede a executada");
                    return;
                }
                self.asking = Some(flight);
                self.markets[m].withdraw(key, now).and_then(|_| {
                    let order = self.order_mut(key);
                    (order.price, order.stop_price, order.quantity) = (price, stop_price, quantity);
                    let order = order.clone();
                    self.markets[m].enter(&order, now)
                })
            }
        };
        self.drain(m);
        if let Some(flight) = self.asking.take() {
            let text = done.err().unwrap_or_else(|| "Ordem não está em aberto".into());
            self.refuse(&flight, Stage::Market, &text);
        }
    }

    /// What the venue says about our orders.
    pub(super) fn drain(&mut self, m: usize) {
        use qt_venue::Status as S;
        for report in self.markets[m].venue.take_reports() {
            let Some(key) = self.markets[m].order_of(report.client_id) else { continue };
            match report.status {
                S::Accepted => self.accepted(key),
                S::Filled => self.filled(key, m, report.px, report.size, report.ts),
                S::CancelRejected => {}
                S::Rejected => {
                    self.markets[m].unlink(report.client_id);
                    self.not_accepted(key, report.reason);
                }
                S::Cancelled => {
                    self.markets[m].unlink(report.client_id);
                    self.ended(key, report.reason);
                }
            }
            if self.order(key).status.is_final() {
                self.markets[m].unlink(report.client_id);
            }
        }
    }

    /// The request for this order that the market has just answered.
    pub(super) fn asked(&mut self, key: u64) -> Option<Flight> {
        self.asking.take_if(|f| f.order == key)
    }

    pub(super) fn accepted(&mut self, key: u64) {
        // Nobody asks when an order of the last process enters again.
        let Some(flight) = self.asked(key) else { return };
        let status = if flight.action == Action::New { OrderStatus::New } else { OrderStatus::Replaced };
        let order = self.order_mut(key);
        (order.status, order.settled) = (status, status);
        self.answer(&flight, HEALTHY[5], "");
        self.commit(key, None, flight.mute);
    }

    pub(super) fn not_accepted(&mut self, key: u64, reason: &str) {
        let text = match reason {
            "market closed" => "Mercado fechado",
            "not a multiple of the lot" => "Quantidade não é múltipla do lote",
            other => other,
        };
        match self.asked(key) {
            Some(flight) if flight.action == Action::New => self.refuse(&flight, Stage::Market, text),
            asked => {
                let order = self.order_mut(key);
                let part = order.traded > 0;
                order.status =
                    if part { OrderStatus::PartiallyFilledRejected } else { OrderStatus::Rejected };
                order.text = text.into();
                if let Some(flight) = asked {
                    self.answer(&flight, Stage::Market.answer(), text);
                }
                self.commit(key, None, false);
            }
        }
    }

    pub(super) fn filled(&mut self, key: u64, m: usize, px: i32, size: i64, ts: i64) {
        let most = if self.settings.max_fill == 0 { size } else { self.settings.max_fill };
        let mut left = size;
        while left > 0 {
            let part = left.min(most);
            left -= part;
            let points = self.markets[m].listing.points(1.0);
            let fill = Fill { id: self.fills.len() as i64 + 1, order: key, px, size: part, ts };
            self.fills.push(fill);
            let order = self.order_mut(key);
            order.traded += part;
            order.traded_ticks += i64::from(px) * part;
            order.average = order.traded_ticks as f64 * points / order.traded as f64;
            if order.traded == order.quantity {
                (order.status, order.settled) = (OrderStatus::Filled, OrderStatus::Filled);
            } else {
                if order.status == order.settled {
                    order.status = OrderStatus::PartiallyFilled;
                }
                order.settled = OrderStatus::PartiallyFilled;
            }
            let (order, event_id) = (self.order(key).clone(), self.next_event);
            let position = self.position_of(&order);
            position.apply(order.side.sign(), px, part, local_day(ts));
            position.event_id = event_id;
            self.commit(key, Some(fill), false);
            self.tell_position(&order.account, &order.ticker);
        }
    }

    pub(super) fn ended(&mut self, key: u64, reason: &str) {
        let asked = if reason.is_empty() { self.asked(key) } else { None };
        let order = self.order_mut(key);
        order.status = match (reason, order.traded > 0) {
            ("", false) => OrderStatus::Canceled,
            ("", true) => OrderStatus::PartiallyFilledCanceled,
            ("session closed", false) => OrderStatus::Expired,
            ("session closed", true) => OrderStatus::PartiallyFilledExpired,
            _ => OrderStatus::CanceledByAdmin,
        };
        order.text = match reason {
            "session closed" => "Fim do pregão".into(),
            "contract roll" => "Vencimento do contrato".into(),
            other => other.into(),
        };
        let mute = asked.as_ref().is_some_and(|f| f.mute);
        if let Some(flight) = asked {
            self.answer(&flight, HEALTHY[5], "");
        }
        self.commit(key, None, mute);
    }
}
