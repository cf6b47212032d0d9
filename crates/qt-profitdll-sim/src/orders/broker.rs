//! The broker's side: requests and market events in, notifications out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use qt_core::Event;
use qt_core::event::Kind;
use qt_profitdll::codes::nresult;

use super::account::{AccountKey, Accounts, Announce};
use super::exchange::{Listing, Market};
use super::flight::{Action, Flight};
use super::local_day;
use super::note::{Answer, Note};
use super::order::{
    CancelRequest, ChangeRequest, Fill, NO_PRICE, NewRequest, Order, OrderId, Receipt, Side, Type,
};
use super::persist::{Log, Mark, Record};
use super::position::{Position, PositionKind};
use super::script::{Request, Script, Settings};
use super::status::{HEALTHY, OrderStatus, Stage};

/// Ids of a session start at its number times this: those of another session are never taken for its own.
const SESSION: i64 = 1_000_000;

/// Something that happens at a time.
#[derive(Debug)]
pub(super) enum Task {
    /// A request takes its next hop.
    Hop(Flight),
    /// A notification that was held back.
    Tell(Note),
    /// These accounts are announced; the last portion brings what was missed.
    Announce(Vec<usize>, bool),
    /// Order history of an account and its days arrives.
    History(AccountKey, i64, i64),
}

/// Trouble with the updates of one order.
#[derive(Debug, Clone, Copy, Default)]
struct Trouble {
    duplicate: u32,
    late_ns: i64,
}

/// The broker's side of the vendor's world.
#[derive(Debug)]
pub struct Broker {
    pub(super) settings: Settings,
    pub(super) accounts: Accounts,
    pub(super) markets: Vec<Market>,
    pub(super) orders: Vec<Order>,
    trouble: Vec<Trouble>,
    by_local: HashMap<i64, u64>,
    by_permanent: HashMap<String, u64>,
    pub(super) positions: BTreeMap<(AccountKey, String), Position>,
    fills: Vec<Fill>,
    tasks: BTreeMap<(i64, u64), Task>,
    next_task: u64,
    notes: Vec<Note>,
    pub(super) now: i64,
    session: i64,
    next_local: i64,
    next_message: i64,
    next_event: i64,
    script: Script,
    connected: bool,
    /// Orders and positions that changed while nobody was connected.
    untold: (BTreeSet<u64>, BTreeSet<(AccountKey, String)>),
    /// `(account, local day)` whose orders have been loaded.
    pub(super) loaded: BTreeSet<(AccountKey, i64)>,
    load_history: bool,
    day_trade: bool,
    /// The request that the market is answering.
    asking: Option<Flight>,
    pub(super) log: Option<Log>,
    fault: Option<String>,
    events: i64,
    resume_at: i64,
}

impl Broker {
    /// A broker's side before the first event; with a state file, as the last process left it.
    ///
    /// # Errors
    /// Text that names the setting, the account, or the state file and byte.
    pub fn new(settings: Settings, listings: Vec<Listing>) -> Result<Self, String> {
        settings.check()?;
        let accounts = Accounts::new(settings.accounts.clone())?;
        let markets =
            listings.into_iter().map(|l| Market::new(l, settings.queue)).collect::<Result<Vec<_>, _>>()?;
        let mut broker = Self {
            accounts,
            markets,
            orders: Vec::new(),
            trouble: Vec::new(),
            by_local: HashMap::new(),
            by_permanent: HashMap::new(),
            positions: BTreeMap::new(),
            fills: Vec::new(),
            tasks: BTreeMap::new(),
            next_task: 0,
            notes: Vec::new(),
            now: 0,
            session: 1,
            next_local: 1,
            next_message: 1,
            next_event: 1,
            script: Script::new(settings.rules.clone()),
            connected: false,
            untold: Default::default(),
            loaded: BTreeSet::new(),
            load_history: true,
            day_trade: false,
            asking: None,
            log: None,
            fault: None,
            events: 0,
            resume_at: 0,
            settings,
        };
        broker.carry()?;
        if let Some(path) = broker.settings.state_file.clone() {
            let (log, records) = Log::open(&path)?;
            broker.log = Some(log);
            broker.restore(&records)?;
        }
        Ok(broker)
    }

    fn carry(&mut self) -> Result<(), String> {
        for c in &self.settings.carried {
            let listing = self.markets.iter().map(|m| &m.listing).find(|l| l.ticker == c.ticker);
            let Some(listing) = listing.filter(|_| self.accounts.find(&c.account).is_some()) else {
                return Err(format!(
                    "orders: a position of {:?} in {}: no such account or ticker",
                    c.account, c.ticker
                ));
            };
            let position = Position::carried(c.quantity, c.price / listing.tick_size);
            self.positions.insert((c.account.clone(), c.ticker.clone()), position);
        }
        Ok(())
    }

    // ---- what a state file holds

    fn restore(&mut self, records: &[(Mark, Record)]) -> Result<(), String> {
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
    fn reenter(&mut self) {
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

    fn write(&mut self, record: &Record) {
        let mark = Mark { events: self.events.max(self.resume_at), now: self.now };
        if let Some(log) = &mut self.log
            && let Err(e) = log.append(mark, record)
        {
            self.fault = Some(e);
            self.log = None;
        }
    }

    fn save(&mut self, key: u64, fill: Option<Fill>) {
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

    // ---- time

    /// Engine time: the greatest time given so far, ns UTC.
    pub const fn now_ns(&self) -> i64 {
        self.now
    }

    /// When something happens next without a market event.
    pub fn next_due(&self) -> Option<i64> {
        self.tasks.keys().next().map(|k| k.0)
    }

    /// Lets time pass to `until_ns`. What happens inside a packet waits for its end.
    pub fn advance(&mut self, until_ns: i64) {
        if self.events >= self.resume_at && !self.markets.iter().any(|m| m.in_packet) {
            while let Some(entry) = self.tasks.first_entry()
                && entry.key().0 <= until_ns
            {
                let ((due, _), task) = entry.remove_entry();
                self.now = self.now.max(due);
                self.run(task);
            }
        }
        self.now = self.now.max(until_ns);
    }

    pub(super) fn schedule(&mut self, due: i64, task: Task) {
        self.tasks.insert((due, self.next_task), task);
        self.next_task += 1;
    }

    fn run(&mut self, task: Task) {
        match task {
            Task::Hop(flight) => self.hop(flight),
            Task::Tell(note) => self.say(note),
            Task::Announce(portion, last) => self.announce(&portion, last),
            Task::History(account, from, to) => self.history_arrives(&account, from, to),
        }
    }

    /// Applies one market event: what is due comes first, then what the event does to our orders.
    ///
    /// # Errors
    /// Text that says that the event's instrument is not listed or that time runs backwards.
    pub fn on_market(&mut self, e: &Event) -> Result<(), String> {
        let m = usize::from(e.instrument);
        if m >= self.markets.len() {
            return Err(format!("event of instrument {m}; {} are listed", self.markets.len()));
        }
        self.advance(e.ts_event);
        let market = &mut self.markets[m];
        market.venue.update(e).map_err(|e| e.to_string())?;
        market.in_packet = !e.ends_packet();
        market.last = (e.ts_recv, e.sequence);
        self.events += 1;
        if self.events == self.resume_at {
            self.reenter();
        }
        if !self.markets[m].is_idle() {
            self.drain(m);
            for key in self.markets[m].triggered() {
                self.order_mut(key).triggered = true;
                self.save(key, None);
            }
        }
        if self.events > self.resume_at && self.events % self.settings.mark_events == 0 && self.log.is_some()
        {
            self.write(&Record::Market);
        }
        Ok(())
    }

    /// An instrument enters a phase by decree: no event of the market.
    ///
    /// # Errors
    /// As [`Broker::on_market`].
    pub fn enter_phase(&mut self, instrument: usize, phase: u8) -> Result<(), String> {
        let market = self.markets.get_mut(instrument).ok_or("no such instrument")?;
        let (ts_recv, sequence) = market.last;
        let ts_event = self.now.max(market.venue.now_ns());
        let e = Event {
            kind: Kind::Session as u8,
            action: phase,
            ts_event,
            ts_recv,
            sequence,
            ..Event::default()
        };
        market.venue.update(&e).map_err(|e| e.to_string())?;
        market.in_packet = false;
        self.drain(instrument);
        Ok(())
    }

    // ---- notifications

    /// Notifications since the last call, in order.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    pub(super) fn say(&mut self, note: Note) {
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

    fn tell_order(&mut self, key: u64) {
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

    fn answer(&mut self, flight: &Flight, code: u8, text: &str) {
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
    pub(super) fn show(&mut self, key: u64) {
        if self.order(key).local_id == 0 {
            let local = self.session * SESSION + self.next_local;
            self.next_local += 1;
            self.order_mut(key).local_id = local;
            self.by_local.insert(local, key);
        }
    }

    /// An order changed: keep it, then tell.
    fn commit(&mut self, key: u64, fill: Option<Fill>, quiet: bool) {
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

    fn announce_all(&mut self, how: Announce) {
        let portions = self.accounts.portions(how);
        let (last, mut due) = (portions.len(), self.now);
        for (i, portion) in portions.into_iter().enumerate() {
            due = due.saturating_add(self.settings.announce_ns);
            self.schedule(due, Task::Announce(portion, i + 1 == last));
        }
    }

    fn announce(&mut self, portion: &[usize], last: bool) {
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

    fn catch_up(&mut self) {
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

    // ---- requests

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

    fn authorised(&self, account: &AccountKey, password: &str) -> Result<(), i32> {
        if self.accounts.find(account).is_none() {
            return Err(nresult::NL_NOT_FOUND);
        }
        if password.is_empty() {
            return Err(nresult::NL_NO_PASSWORD);
        }
        Ok(())
    }

    fn sends_since(&self, ns: i64) -> usize {
        self.orders.len() - self.orders.partition_point(|o| o.created_ns <= ns)
    }

    /// Why an order as it would be cannot stand, by its form alone.
    fn refusals(&self, order: &Order, password: &str) -> Vec<(Stage, String)> {
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

    fn launch_cancel(&mut self, key: u64, password: &str) -> i64 {
        let wrong = self.settings.password.as_deref().is_some_and(|p| p != password);
        let refusals = if wrong {
            vec![(Stage::Gateway, "Assinatura eletrônica inválida".to_string())]
        } else {
            Vec::new()
        };
        self.launch(key, Action::Cancel, Request::Cancel, refusals)
    }

    /// A request leaves the caller.
    fn launch(
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

    // ---- the way to the market

    fn hop(&mut self, mut flight: Flight) {
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

    fn refuse(&mut self, flight: &Flight, stage: Stage, text: &str) {
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

    fn at_market(&mut self, flight: Flight) {
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
    fn drain(&mut self, m: usize) {
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
    fn asked(&mut self, key: u64) -> Option<Flight> {
        self.asking.take_if(|f| f.order == key)
    }

    fn accepted(&mut self, key: u64) {
        // Nobody asks when an order of the last process enters again.
        let Some(flight) = self.asked(key) else { return };
        let status = if flight.action == Action::New { OrderStatus::New } else { OrderStatus::Replaced };
        let order = self.order_mut(key);
        (order.status, order.settled) = (status, status);
        self.answer(&flight, HEALTHY[5], "");
        self.commit(key, None, flight.mute);
    }

    fn not_accepted(&mut self, key: u64, reason: &str) {
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

    fn filled(&mut self, key: u64, m: usize, px: i32, size: i64, ts: i64) {
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

    fn ended(&mut self, key: u64, reason: &str) {
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

    // ---- reading

    /// An order by what the client calls it, of one account.
    ///
    /// # Errors
    /// `NL_NOT_FOUND`.
    fn find(&self, account: &AccountKey, id: &OrderId) -> Result<u64, i32> {
        let order = self.details(id).filter(|o| o.account == *account);
        order.map(|o| o.key).ok_or(nresult::NL_NOT_FOUND)
    }

    /// An order as it stands, by its session id or else its permanent one; `None` when this session does not know it.
    pub fn details(&self, id: &OrderId) -> Option<&Order> {
        let key =
            if id.local > 0 { self.by_local.get(&id.local) } else { self.by_permanent.get(&id.permanent) };
        key.map(|k| self.order(*k)).filter(|o| o.local_id != 0)
    }

    /// Every order of every session, by number.
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// Every execution of every session, in order.
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// The position of an account in a ticker as of now.
    pub fn position(&self, account: &AccountKey, ticker: &str) -> Position {
        let mut position =
            self.positions.get(&(account.clone(), ticker.to_string())).copied().unwrap_or_default();
        position.roll(local_day(self.now));
        position
    }

    /// Tickers in which an account has or had a position, with the letter of the exchange.
    pub fn position_assets(&self, account: &AccountKey) -> Vec<(String, String)> {
        let of_account = |k: &&(AccountKey, String)| k.0 == *account;
        let exchange = |t: &str| self.listing(t).map(|l| l.exchange.clone()).unwrap_or_default();
        self.positions.keys().filter(of_account).map(|k| (k.1.clone(), exchange(&k.1))).collect()
    }

    /// A listed instrument.
    pub fn listing(&self, ticker: &str) -> Option<&Listing> {
        self.market_of(ticker).map(|m| &self.markets[m].listing)
    }

    /// Recorded touch of a ticker in ticks, `(bid, ask)`; `PX_NONE` where there is none.
    pub fn touch(&self, ticker: &str) -> Option<(i32, i32)> {
        let touch = self.markets[self.market_of(ticker)?].venue.best();
        Some((touch.bid_px, touch.ask_px))
    }

    fn tell_position(&mut self, account: &AccountKey, ticker: &str) {
        let Some(index) = self.accounts.find(account) else { return };
        let exchange = self.listing(ticker).map(|l| l.exchange.clone()).unwrap_or_default();
        let event_id = self.position(account, ticker).event_id;
        self.say(Note::Position { account: index, ticker: ticker.into(), exchange, event_id });
    }

    fn position_of(&mut self, order: &Order) -> &mut Position {
        self.positions.entry((order.account.clone(), order.ticker.clone())).or_default()
    }

    fn market_of(&self, ticker: &str) -> Option<usize> {
        self.markets.iter().position(|m| m.listing.ticker == ticker)
    }

    pub(super) fn order(&self, key: u64) -> &Order {
        &self.orders[key as usize]
    }

    fn order_mut(&mut self, key: u64) -> &mut Order {
        &mut self.orders[key as usize]
    }
}

/// A continuous alias such as `WDOFUT`: good for market data, not for orders.
fn is_alias(ticker: &str) -> bool {
    ticker.len() == 6 && ticker.ends_with("FUT")
}
