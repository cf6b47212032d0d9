//! The broker's side inside a session: fed by the market as it is delivered, asked from the client's threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use qt_core::Event;
use qt_core::event::phase;
use qt_core::instrument::PRODUCTS;
use qt_profitdll::codes::nresult;

use super::broker::Broker;
use super::exchange::Listing;
use super::script::Settings;
use crate::feed::Spec;
use crate::market::TickerState;
use crate::scenario::{Scenario, Speed};
use crate::sim::queue::Item;
use crate::sim::{SIM, Session, lock};

/// The broker's side and the timer that wakes it where the market does not.
pub struct Desk {
    broker: Mutex<Broker>,
    timer: AtomicBool,
    /// Real seconds per second of the broker's; `None` where only the market makes time pass.
    pace: Option<f64>,
}

impl Desk {
    /// The broker's side of a scenario.
    ///
    /// # Errors
    /// Text that names the setting, or the state file and byte.
    pub fn open(scenario: &Scenario, specs: &[Spec]) -> Result<Self, String> {
        let speed = scenario.market.speed;
        let settings = Settings::read(&scenario.orders, speed == Speed::Lockstep, scenario.profile.build()?)?;
        let lot = |s: &Spec| PRODUCTS.iter().find(|p| s.ticker.starts_with(p.code)).map_or(1, |p| p.lot);
        let listings = specs.iter().map(|s| Listing {
            ticker: s.ticker.clone(),
            exchange: s.exchange.clone(),
            tick_size: s.tick_size,
            lot: lot(s).into(),
        });
        let mut broker = Broker::new(settings, listings.collect())?;
        if !scenario.market.open {
            broker.resume();
            for instrument in 0..specs.len() {
                broker.enter_phase(instrument, phase::CLOSED)?;
            }
        }
        let pace = match speed {
            Speed::Lockstep => None,
            Speed::Max => Some(1.0),
            Speed::Times(times) => Some(times.recip()),
        };
        Ok(Self { broker: Mutex::new(broker), timer: AtomicBool::new(false), pace })
    }

    /// The broker's side, for one call.
    pub fn broker(&self) -> MutexGuard<'_, Broker> {
        lock(&self.broker)
    }

    /// Market events to pass over before the session goes on.
    pub fn resume_at(&self) -> u64 {
        self.broker().resume_at().max(0) as u64
    }

    /// Lives through a packet.
    ///
    /// # Errors
    /// As [`Broker::on_market`].
    pub fn live(&self, packet: &[Event]) -> Result<(), String> {
        let mut broker = self.broker();
        packet.iter().try_for_each(|e| broker.on_market(e))
    }
}

/// A packet of the market reaches the broker's side.
pub fn on_packet(session: &Session, packet: &[Event]) {
    let Some(desk) = &session.orders else { return };
    if let Err(error) = desk.live(packet) {
        SIM.fail(error);
    }
    deliver(session);
}

/// A script puts an instrument into a state.
pub fn on_state(session: &Session, instrument: usize, state: TickerState) {
    let Some(desk) = &session.orders else { return };
    let phase = match state {
        TickerState::Open => phase::RESUME,
        TickerState::Closed => phase::CLOSED,
        TickerState::Frozen | TickerState::Inhibited => phase::HALT,
        TickerState::Auction | TickerState::PreOpening | TickerState::PreClosing => phase::AUCTION,
    };
    if let Err(error) = desk.broker().enter_phase(instrument, phase) {
        SIM.fail(error);
    }
    deliver(session);
}

/// A script lets the next contract begin.
pub fn on_roll(session: &Session) {
    let Some(desk) = &session.orders else { return };
    for instrument in 0..lock(&session.world).specs.len() {
        if let Err(error) = desk.broker().enter_phase(instrument, phase::ROLL) {
            SIM.fail(error);
        }
    }
    deliver(session);
}

/// The connection of the broker stands or falls. What that makes known is told after the state.
pub fn connect(session: &Session, there: bool) {
    let Some(desk) = &session.orders else { return };
    let now = lock(&session.world).now_ns;
    let mut broker = desk.broker();
    let now = now.max(broker.now_ns());
    broker.set_connected(there, now);
}

/// Tells the client what there is to tell. On the ConnectorThread only.
pub fn deliver(session: &Session) {
    let Some(desk) = &session.orders else { return };
    loop {
        let notes = desk.broker().take_notes();
        if notes.is_empty() {
            break;
        }
        for note in &notes {
            super::deliver::note(desk, note);
        }
    }
    let (fault, waits) = {
        let mut broker = desk.broker();
        (broker.take_fault(), broker.next_due().is_some())
    };
    if let Some(fault) = fault {
        SIM.fail(fault);
    }
    if waits
        && desk.pace.is_some()
        && !desk.timer.load(Ordering::Acquire)
        && let Some(session) = SIM.session()
    {
        set_timer(&session);
    }
}

/// Asks the broker's side on the client's thread; what it says is told on the ConnectorThread.
///
/// # Errors
/// `NL_NO_LOGIN` before the login, `NL_MARKET_ONLY` without routing, and those of the request.
pub fn request<R>(ask: impl FnOnce(&mut Broker, i64) -> Result<R, i32>) -> Result<R, i32> {
    let session = SIM.session().ok_or(nresult::NL_NOT_INITIALIZED)?;
    if !session.is_logged() {
        return Err(nresult::NL_NO_LOGIN);
    }
    let desk = session.orders.as_ref().ok_or(nresult::NL_MARKET_ONLY)?;
    let market = lock(&session.world).now_ns;
    let answer = {
        let mut broker = desk.broker();
        let now = market.max(broker.now_ns());
        ask(&mut broker, now)
    };
    let later = Arc::downgrade(&session);
    let tell = move || {
        if let Some(session) = later.upgrade() {
            deliver(&session);
        }
    };
    session.queue.push(Item::Call(Box::new(tell)));
    answer
}

/// Reads the broker's side on the client's thread.
///
/// # Errors
/// As [`request`].
pub fn read<R>(look: impl FnOnce(&Broker) -> Result<R, i32>) -> Result<R, i32> {
    let session = SIM.session().ok_or(nresult::NL_NOT_INITIALIZED)?;
    let desk = session.orders.as_ref().ok_or(nresult::NL_MARKET_ONLY)?;
    look(&desk.broker())
}

/// Where the market may stand still, real time makes requests go on.
fn set_timer(session: &Arc<Session>) {
    let Some(desk) = &session.orders else { return };
    let Some(pace) = desk.pace else { return };
    let (due, now) = {
        let broker = desk.broker();
        (broker.next_due(), broker.now_ns())
    };
    let Some(due) = due else { return };
    if desk.timer.swap(true, Ordering::AcqRel) {
        return;
    }
    let pause = Duration::from_secs_f64((due.saturating_sub(now).max(0) as f64) * 1e-9 * pace);
    let later = Arc::downgrade(session);
    let call = move || {
        let Some(session) = later.upgrade() else { return };
        let Some(desk) = &session.orders else { return };
        desk.timer.store(false, Ordering::Release);
        desk.broker().advance(due);
        deliver(&session);
    };
    session.queue.push_after(pause, Item::Call(Box::new(call)));
}
