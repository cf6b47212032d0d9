//! The ConnectorThread: takes what waits in the queue, in order, and turns it into callbacks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use qt_core::Event;
use qt_core::event::{Kind, phase};
use qt_profitdll::codes::connection;

use super::deliver::{self, Delivery};
use super::history::{CHUNK, Request};
use super::queue::Item;
use super::session::Session;
use super::world::{Subscription, World, kind};
use super::{ON_CONNECTOR, SIM, lock};
use crate::market::{Print, TickerState, Update};
use crate::orders;

/// Runs until the session ends.
pub fn run(session: &Session) {
    ON_CONNECTOR.with(|on| on.set(true));
    let mut connector = Connector { session, delivery: Delivery::new(session), before: Vec::new() };
    loop {
        let item = session.queue.pop();
        if matches!(item, Item::Stop) {
            break;
        }
        // A bug here must not end a client's process.
        let handled = catch_unwind(AssertUnwindSafe(|| {
            let stays = Stays;
            connector.handle(item);
            std::mem::forget(stays);
        }));
        if handled.is_err() {
            SIM.fail("a panic on the ConnectorThread; its callback was lost");
        }
    }
}

/// Keeps the thread where it is when a client's runtime ends it inside a callback.
///
/// A Python that shuts down does that to threads that want to run Python (`pthread_exit` up to 3.13), and an exit that
/// unwinds into Rust aborts the whole process. Standing still costs nothing: the process is about to end.
struct Stays;

impl Drop for Stays {
    fn drop(&mut self) {
        while !std::thread::panicking() {
            std::thread::park();
        }
    }
}

struct Connector<'a> {
    session: &'a Session,
    delivery: Delivery<'a>,
    /// States before a scripted one, by instrument.
    before: Vec<TickerState>,
}

impl Connector<'_> {
    fn handle(&mut self, item: Item) {
        match item {
            Item::Packet(packet) => self.packet(&packet, true),
            Item::Untold(packet) => self.packet(&packet, false),
            Item::State(connection, state) => {
                deliver::state(connection, state);
                // Accounts follow the state that makes them known.
                if connection == connection::ROUTING {
                    orders::deliver(self.session);
                }
            }
            Item::Health(state) => {
                SIM.set_frozen(state != 0);
                deliver::health(state);
            }
            Item::Connected => {
                self.session.logged.store(true, Ordering::Release);
                self.session.market.store(true, Ordering::Release);
            }
            Item::Market(there) => {
                self.session.market.store(there, Ordering::Release);
                if !there && !self.session.scenario.profile.keeps_subscriptions {
                    self.delivery.subscriptions.clear();
                    lock(&self.session.world).subscribed.fill(0);
                }
            }
            Item::Broker(there) => {
                self.session.broker.store(there, Ordering::Release);
                orders::connect(self.session, there);
            }
            Item::FullBooks => {
                for subscription in self.delivery.subscriptions.clone() {
                    self.delivery.full_books(&subscription, subscription.kinds);
                }
            }
            Item::Subscribe(subscription) => self.subscribe(&subscription),
            Item::Unsubscribe(subscription) => self.unsubscribe(&subscription),
            Item::InvalidTicker(ticker, exchange) => deliver::invalid_ticker(&ticker, &exchange),
            Item::Delist(ticker) => self.delist(ticker),
            Item::TickerInfo(instrument, ticker) => self.delivery.ticker_info(instrument, &ticker),
            Item::History(request) => self.history(request),
            Item::Enter(state) => self.enter(state),
            Item::TradeEdit(size) => self.edit_last_trade(size),
            Item::Sentinel => self.each_instrument(|_, out| out.push(Update::Trade(Print::default()))),
            Item::Roll => self.roll(),
            Item::Call(call) => call(),
            Item::Stop => {}
        }
    }

    fn packet(&mut self, packet: &[Event], told: bool) {
        if self.session.is_stopping() {
            return;
        }
        let mut updates = std::mem::take(&mut self.delivery.updates);
        let instrument = lock(&self.session.world).apply(packet, &mut updates);
        if let (true, Some(instrument)) = (told, instrument) {
            self.delivery.updates(instrument, &updates);
        }
        updates.clear();
        self.delivery.updates = updates;
        orders::on_packet(self.session, packet);
    }

    /// Changes every instrument and tells what came of it.
    fn each_instrument(&mut self, mut change: impl FnMut(&mut crate::market::Instrument, &mut Vec<Update>)) {
        let mut told = Vec::new();
        let mut states = Vec::new();
        for (i, instrument) in lock(&self.session.world).instruments.iter_mut().enumerate() {
            let mut updates = Vec::new();
            let before = instrument.state();
            change(instrument, &mut updates);
            if instrument.state() != before {
                states.push((i, instrument.state()));
            }
            told.push((i, updates));
        }
        for (instrument, state) in states {
            orders::on_state(self.session, instrument, state);
        }
        for (instrument, updates) in told {
            self.delivery.updates(instrument, &updates);
        }
    }

    fn subscribe(&mut self, new: &Subscription) {
        let same = |s: &&mut Subscription| (s.instrument, &s.ticker) == (new.instrument, &new.ticker);
        let mut begun = new.kinds;
        if let Some(old) = self.delivery.subscriptions.iter_mut().find(same) {
            begun &= !old.kinds;
            old.kinds |= new.kinds;
            // From .38 on, asking again for the ladder delivers it again.
            if self.session.build >= 38 {
                begun |= new.kinds & kind::DEPTH;
            }
        } else {
            self.delivery.subscriptions.push(new.clone());
        }
        self.mark();
        self.delivery.full_books(new, begun);
        if begun & kind::TICKER != 0 {
            self.delivery.first_values(new);
        }
        if begun & kind::ADJUST != 0 {
            self.delivery.adjustments(new);
        }
    }

    fn unsubscribe(&mut self, old: &Subscription) {
        for s in &mut self.delivery.subscriptions {
            if (s.instrument, &s.ticker) == (old.instrument, &old.ticker) {
                s.kinds &= !old.kinds;
            }
        }
        self.delivery.subscriptions.retain(|s| s.kinds != 0);
        self.mark();
    }

    /// Notes which instruments somebody asked for.
    fn mark(&self) {
        let mut world = lock(&self.session.world);
        world.subscribed.fill(0);
        for s in &self.delivery.subscriptions {
            world.subscribed[s.instrument] |= s.kinds;
        }
    }

    fn delist(&mut self, ticker: String) {
        let subscribed: Vec<_> = {
            let mut world = lock(&self.session.world);
            let index = world.specs.iter().position(|s| s.ticker == ticker);
            world.delisted.push(ticker);
            let own = |s: &&Subscription| Some(s.instrument) == index;
            self.delivery.subscriptions.iter().filter(own).cloned().collect()
        };
        for s in subscribed {
            let text = |units: &[super::W]| <super::W as qt_profitdll::Wide>::decode(units);
            deliver::invalid_ticker(&text(&s.ticker), &text(&s.exchange));
            self.unsubscribe(&Subscription { kinds: u8::MAX, ..s });
        }
    }

    fn enter(&mut self, state: Option<TickerState>) {
        let mut before = std::mem::take(&mut self.before);
        if let Some(state) = state {
            before.clear();
            self.each_instrument(|instrument, out| {
                before.push(instrument.state());
                instrument.enter(state, out);
            });
        } else {
            let mut states = before.iter();
            self.each_instrument(|instrument, out| {
                if let Some(&state) = states.next() {
                    instrument.enter(state, out);
                }
            });
        }
        self.before = before;
    }

    fn edit_last_trade(&mut self, size: i64) {
        let last = self.delivery.last.clone();
        for (instrument, print) in last.iter().enumerate() {
            if let Some(print) = print {
                let print = Print { size, edit: true, ..*print };
                self.delivery.updates(instrument, &[Update::Trade(print)]);
            }
        }
    }

    fn roll(&mut self) {
        self.each_instrument(|instrument, out| {
            let roll = Event {
                kind: Kind::Session as u8,
                action: phase::ROLL,
                ts_event: instrument.now_ns(),
                ..Event::default()
            };
            instrument.apply(&roll, out);
        });
        orders::on_roll(self.session);
    }

    // ---- history

    fn history(&mut self, mut request: Box<Request>) {
        let stall = self.session.scenario.history.stall_ms;
        for _ in 0..CHUNK {
            if self.session.is_stopping() {
                return;
            }
            let left = request.left.len();
            if left == request.after_100 && !request.stalled {
                progress(&mut request, 99);
                request.stalled = true;
                if stall > 0 {
                    self.session.queue.push_after(Duration::from_millis(stall), Item::History(request));
                    return;
                }
            }
            if left == request.after_100 && request.after_100 > 0 {
                progress(&mut request, 100);
            }
            let Some(print) = request.left.next() else {
                // Released first: whoever is told of the end may ask for the next days at once.
                lock(&request.running).retain(|&i| i != request.asset.instrument);
                progress(&mut request, 100);
                return;
            };
            self.delivery.history_trade(&request.asset, &print, request.left.len() == 0);
            request.served += 1;
            let percent = (request.served * 100 / request.total.max(1)) as i32;
            progress(&mut request, percent.clamp(1, 99));
        }
        self.session.queue.push(Item::History(request));
    }
}

/// Tells a new percentage.
fn progress(request: &mut Request, percent: i32) {
    if percent > request.progress {
        request.progress = percent;
        deliver::progress(&request.asset, percent);
    }
}

/// What a subscription needs of the world, without holding it.
pub(super) fn snapshot<R>(session: &Session, read: impl FnOnce(&World) -> R) -> R {
    read(&lock(&session.world))
}
