//! What the client asks for.

use qt_profitdll::codes::nresult;

use super::{Broker, SESSION, Task, Trouble};
use crate::orders::account::AccountKey;
use crate::orders::flight::{Action, Flight};
use crate::orders::local_day;
use crate::orders::order::{
    CancelRequest, ChangeRequest, NO_PRICE, NewRequest, Order, OrderId, Receipt, Side, Type,
};
use crate::orders::position::PositionKind;
use crate::orders::script::Request;
use crate::orders::status::{HEALTHY, OrderStatus, Stage};

impl Broker {
    /// Sends a new order. Codes say what no order comes of; everything else is an order that may be refused on its way.
    ///
    /// # Errors
    /// `NL_NOT_FOUND` (account), `NL_INVALID_TICKER`, `NL_INVALID_ARGS`, `NL_NO_PASSWORD`.
    pub fn send(&mut self, now: i64, r: &NewRequest) -> Result<Receipt, i32> {
        self.advance(now);
        self.authorised(&r.account, &r.password)?;
        let alias = is_alias(&r.ticker);
        if !alias && self.market_of(&r.ticker).is_none_or(|m| self.markets[m].listing.exchange != r.exchange)
        {
            return Err(nresult::NL_INVALID_TICKER);
        }
        let priced = |price: f64| price.is_finite() && price > 0.0;
        let fits = match r.kind {
            Type::Market => true,
            Type::Limit => priced(r.price),
            Type::StopLimit => priced(r.price) && priced(r.stop_price),
        };
        if r.quantity <= 0 || !fits {
            return Err(nresult::NL_INVALID_ARGS);
        }
        let is_stop = r.kind == Type::StopLimit;
        let order = Order {
            key: self.orders.len() as u64,
            local_id: 0,
            cl_ord_id: String::new(),
            account: r.account.clone(),
            ticker: r.ticker.clone(),
            exchange: r.exchange.clone(),
            side: r.side,
            kind: r.kind,
            price: if r.kind == Type::Market { NO_PRICE } else { r.price },
            stop_price: if is_stop { r.stop_price } else { NO_PRICE },
            quantity: r.quantity,
            traded: 0,
            traded_ticks: 0,
            average: 0.0,
            status: OrderStatus::ClientCreated,
            settled: OrderStatus::ClientCreated,
            triggered: false,
            text: String::new(),
            created_ns: self.now,
            updated_ns: self.now,
            closed_ns: 0,
            event_id: 0,
            day_trade: self.day_trade,
        };
        let mut refusals = self.refusals(&order, &r.password);
        if self.sends_since(self.now - 60_000_000_000) >= self.settings.per_minute {
            refusals.push((Stage::Risk, format!("Limite de {} ordens por minuto", self.settings.per_minute)));
        }
        let today = local_day(self.now);
        if self.orders.iter().rev().take_while(|o| local_day(o.created_ns) == today).count()
            >= self.settings.per_day
        {
            refusals.push((Stage::Risk, format!("Limite de {} ordens por dia", self.settings.per_day)));
        }
        let key = order.key;
        self.orders.push(order);
        self.trouble.push(Trouble::default());
        self.show(key);
        let message_id = self.launch(key, Action::New, Request::Send, refusals);
        let local_id = self.order(key).local_id;
        self.advance(now);
        Ok(Receipt { local_id, message_id })
    }

    /// Asks for another price or quantity. At the exchange the order leaves its queue and enters anew, behind what is
    /// displayed then, whatever has changed.
    ///
    /// # Errors
    /// `NL_NOT_FOUND` (account, order), `NL_INVALID_ARGS`, `NL_NO_PASSWORD`.
    pub fn change(&mut self, now: i64, r: &ChangeRequest) -> Result<Receipt, i32> {
        self.advance(now);
        self.authorised(&r.account, &r.password)?;
        let key = self.find(&r.account, &r.order)?;
        let order = self.order(key);
        let stop_price = if r.stop_price > 0.0 { r.stop_price } else { order.stop_price };
        if r.quantity <= 0 || !r.price.is_finite() || !stop_price.is_finite() {
            return Err(nresult::NL_INVALID_ARGS);
        }
        let changed = Order { price: r.price, stop_price, quantity: r.quantity, ..order.clone() };
        let mut refusals = self.refusals(&changed, &r.password);
        if order.kind == Type::Market {
            refusals.push((Stage::Market, "Ordem a mercado não pode ser alterada".into()));
        }
        let action = Action::Change { price: r.price, stop_price, quantity: r.quantity };
        let message_id = self.launch(key, action, Request::Change, refusals);
        let local_id = self.order(key).local_id;
        self.advance(now);
        Ok(Receipt { local_id, message_id })
    }

    /// Tells an order as it stands once more.
    ///
    /// # Errors
    /// `NL_NOT_FOUND`.
    pub fn request_order(&mut self, now: i64, id: &OrderId) -> Result<(), i32> {
        self.advance(now);
        let key = self.details(id).map(|o| o.key).ok_or(nresult::NL_NOT_FOUND)?;
        self.tell_order(key);
        Ok(())
    }

    /// Asks for the end of an order.
    ///
    /// # Errors
    /// `NL_NOT_FOUND` (account, order), `NL_NO_PASSWORD`.
    pub fn cancel(&mut self, now: i64, r: &CancelRequest) -> Result<Receipt, i32> {
        self.advance(now);
        self.authorised(&r.account, &r.password)?;
        let key = self.find(&r.account, &r.order)?;
        let message_id = self.launch_cancel(key, &r.password);
        let local_id = self.order(key).local_id;
        self.advance(now);
        Ok(Receipt { local_id, message_id })
    }

    /// Asks for the end of every open order of an account, in one ticker or in all, those of other sessions included;
    /// returns how many that are.
    ///
    /// # Errors
    /// `NL_NOT_FOUND` (account), `NL_INVALID_TICKER`, `NL_NO_PASSWORD`.
    pub fn cancel_all(
        &mut self,
        now: i64,
        account: &AccountKey,
        ticker: Option<&str>,
        password: &str,
    ) -> Result<usize, i32> {
        self.advance(now);
        self.authorised(account, password)?;
        if ticker.is_some_and(|t| self.market_of(t).is_none()) {
            return Err(nresult::NL_INVALID_TICKER);
        }
        let is_meant = |o: &&Order| {
            o.account == *account && !o.status.is_final() && ticker.is_none_or(|t| o.ticker == t)
        };
        let keys: Vec<u64> = self.orders.iter().filter(is_meant).map(|o| o.key).collect();
        for key in &keys {
            self.launch_cancel(*key, password);
        }
        self.advance(now);
        Ok(keys.len())
    }

    /// Sends the order that takes a position to zero: at the market without a price. Open orders stay.
    ///
    /// # Errors
    /// `NL_NO_POSITION`, and as [`Broker::send`].
    pub fn zero_position(
        &mut self,
        now: i64,
        account: &AccountKey,
        ticker: &str,
        password: &str,
        price: Option<f64>,
        kind: PositionKind,
    ) -> Result<Receipt, i32> {
        self.advance(now);
        self.authorised(account, password)?;
        let m = self.market_of(ticker).ok_or(nresult::NL_INVALID_TICKER)?;
        let open = self.position(account, ticker).open(kind).quantity;
        if open == 0 {
            return Err(nresult::NL_NO_POSITION);
        }
        let request = NewRequest {
            account: account.clone(),
            password: password.into(),
            ticker: ticker.into(),
            exchange: self.markets[m].listing.exchange.clone(),
            side: if open > 0 { Side::Sell } else { Side::Buy },
            kind: if price.is_some() { Type::Limit } else { Type::Market },
            price: price.unwrap_or(NO_PRICE),
            stop_price: NO_PRICE,
            quantity: open.abs(),
        };
        self.send(now, &request)
    }

    pub(super) fn authorised(&self, account: &AccountKey, password: &str) -> Result<(), i32> {
        if self.accounts.find(account).is_none() {
            return Err(nresult::NL_NOT_FOUND);
        }
        if password.is_empty() {
            return Err(nresult::NL_NO_PASSWORD);
        }
        Ok(())
    }

    pub(super) fn sends_since(&self, ns: i64) -> usize {
        self.orders.len() - self.orders.partition_point(|o| o.created_ns <= ns)
    }

    /// Why an order as it would be cannot stand, by its form alone.
    pub(super) fn refusals(&self, order: &Order, password: &str) -> Vec<(Stage, String)> {
        let mut refusals = Vec::new();
        if self.settings.password.as_deref().is_some_and(|p| p != password) {
            refusals.push((Stage::Gateway, "Assinatura eletrônica inválida".into()));
        }
        let Some(m) = self.market_of(&order.ticker) else {
            refusals.push((Stage::Gateway, format!("Ordem inválida: {} não é um contrato", order.ticker)));
            return refusals;
        };
        let listing = &self.markets[m].listing;
        if order.quantity % listing.lot != 0 {
            refusals.push((Stage::Risk, format!("Quantidade deve ser múltipla do lote ({})", listing.lot)));
        }
        let off_grid = |price: f64| price != NO_PRICE && listing.ticks(price).is_none();
        if off_grid(order.price) || off_grid(order.stop_price) {
            refusals
                .push((Stage::Market, format!("Preço fora do incremento mínimo ({})", listing.tick_size)));
        }
        refusals
    }

    pub(super) fn launch_cancel(&mut self, key: u64, password: &str) -> i64 {
        let wrong = self.settings.password.as_deref().is_some_and(|p| p != password);
        let refusals = if wrong {
            vec![(Stage::Gateway, "Assinatura eletrônica inválida".to_string())]
        } else {
            Vec::new()
        };
        self.launch(key, Action::Cancel, Request::Cancel, refusals)
    }

    /// A request leaves the caller.
    pub(super) fn launch(
        &mut self,
        key: u64,
        action: Action,
        request: Request,
        mut refusals: Vec<(Stage, String)>,
    ) -> i64 {
        let trouble = self.script.trouble(request, &self.orders[key as usize].ticker);
        if !self.connected {
            refusals.push((Stage::Proxy, "Sem conexão com a corretora".into()));
        }
        refusals.extend(trouble.reject);
        let message_id = self.session * SESSION + self.next_message;
        self.next_message += 1;
        if action == Action::New {
            self.trouble[key as usize] = Trouble { duplicate: trouble.duplicate, late_ns: trouble.late_ns };
        }
        let due = self.now.saturating_add(self.settings.hop_ns).saturating_add(trouble.delay_ns);
        let refusal = refusals.into_iter().min_by_key(|r| r.0.hop());
        let flight = Flight { order: key, action, message_id, hop: 0, due, refusal, mute: trouble.mute };
        self.schedule(due, Task::Hop(flight.clone()));
        self.answer(&flight, HEALTHY[0], "");
        if action == Action::New {
            self.commit(key, None, flight.mute);
        } else {
            self.save(key, None);
        }
        message_id
    }
}

/// A continuous alias such as `WDOFUT`: good for market data, not for orders.
fn is_alias(ticker: &str) -> bool {
    ticker.len() == 6 && ticker.ends_with("FUT")
}
