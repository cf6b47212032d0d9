//! The broker's side: requests and market events in, notifications out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use qt_core::Event;
use qt_core::event::Kind;
use qt_profitdll::codes::nresult;

use super::account::{AccountKey, Accounts};
use super::exchange::{Listing, Market};
use super::flight::Flight;
use super::local_day;
use super::note::Note;
use super::order::{Fill, Order, OrderId};
use super::persist::{Log, Record};
use super::position::Position;
use super::script::{Script, Settings};

mod requests;
mod state_file;
mod told;
mod way;

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
