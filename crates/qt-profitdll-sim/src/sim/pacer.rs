//! The market's clock: plays packets into the queue, and the script's trouble at its time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use qt_core::Event;
use qt_profitdll::codes::{connection, health, market_state, routing_state};

use super::queue::Item;
use super::session::Session;
use super::{SIM, clock, lock};
use crate::feed::Feed;
use crate::market::TickerState;
use crate::scenario::{Overflow, Scenario, ScriptedState, Speed, What};
use crate::trouble::{Cue, Script};

/// Plays one session's market.
pub struct Pacer {
    feed: Option<Feed>,
    next: Vec<Event>,
    script: Script,
    played: u64,
    /// Connections that are down: what happens is not told.
    down: u32,
    /// Silences that are on: what happens is told late.
    silent: u32,
    held: Vec<Vec<Event>>,
    /// The client does not keep up, and was told.
    saturated: bool,
    /// Packets were lost since the last full books.
    lossy: bool,
}

impl Pacer {
    /// The market of a scenario before its first packet.
    ///
    /// # Errors
    /// Text that names the source or the setting that is wrong.
    pub fn new(scenario: &Scenario) -> Result<Self, String> {
        let mut feed = Feed::open(&scenario.market, 0)?;
        let next = feed.packet()?;
        Ok(Self {
            feed: scenario.market.open.then_some(feed),
            next,
            script: Script::new(&scenario.trouble)?,
            played: 0,
            down: 0,
            silent: 0,
            held: Vec::new(),
            saturated: false,
            lossy: false,
        })
    }

    /// Passes over the first events, in whole packets: a process before this one has lived through them.
    ///
    /// # Errors
    /// Text that says that the market has fewer, or where the source is corrupt.
    pub fn skip(
        &mut self,
        n: u64,
        mut apply: impl FnMut(&[Event]) -> Result<(), String>,
    ) -> Result<(), String> {
        while self.played < n {
            let following = self.feed.as_mut().map_or(Ok(Vec::new()), Feed::packet)?;
            let packet = std::mem::replace(&mut self.next, following);
            if packet.is_empty() {
                return Err(format!(
                    "the market ends after {} events; the state file has seen {n} of another one",
                    self.played
                ));
            }
            let _ = self.script.cues(packet[0].ts_recv, self.played);
            self.played += packet.len() as u64;
            apply(&packet)?;
        }
        Ok(())
    }

    /// Time of the first event, ns UTC.
    pub fn start_ns(&self) -> i64 {
        self.next.first().map_or(0, |e| e.ts_event)
    }

    /// Arrival of the next packet, ns UTC; `None` at the end.
    fn next_ns(&self) -> Option<i64> {
        self.feed.as_ref()?;
        self.next.first().map(|e| e.ts_recv)
    }

    /// Plays one packet and returns its number of events, 0 at the end.
    pub fn play(&mut self, session: &Session) -> Result<u64, String> {
        let Some(ts) = self.next_ns() else {
            let cues = self.script.end();
            self.act(cues, session);
            return Ok(0);
        };
        let cues = self.script.cues(ts, self.played);
        self.act(cues, session);
        let following = self.feed.as_mut().map_or(Ok(Vec::new()), Feed::packet)?;
        let packet = std::mem::replace(&mut self.next, following);
        let events = packet.len() as u64;
        self.played += events;
        session.played.store(self.played, Ordering::Relaxed);
        self.send(packet, session);
        Ok(events)
    }

    fn send(&mut self, packet: Vec<Event>, session: &Session) {
        let queue = &session.scenario.queue;
        let lockstep = session.scenario.market.speed == Speed::Lockstep;
        if self.silent > 0 {
            self.held.push(packet);
            return;
        }
        let mut waiting = session.queue.depth().0;
        let drops = queue.overflow == Overflow::Drop && !lockstep;
        // Dropped packets wait too, for the true book: they have more room, not all of it.
        let limit = if drops { queue.capacity * 4 } else { queue.capacity };
        while waiting >= limit && !session.is_stopping() {
            waiting = session.queue.wait_below(limit, Duration::from_millis(50));
        }
        if !lockstep && session.build >= 39 {
            if !self.saturated && waiting >= queue.high_water {
                self.saturated = true;
                push_state(session, connection::MARKET, market_state::PARTIALLY_CONNECTED);
            } else if self.saturated && waiting < queue.high_water / 2 {
                self.saturated = false;
                push_state(session, connection::MARKET, market_state::CONNECTED);
            }
        }
        let lost = drops && waiting >= queue.capacity;
        self.lossy |= lost;
        if self.down > 0 || lost {
            session.queue.push(Item::Untold(packet));
            return;
        }
        if self.lossy && waiting < queue.capacity / 2 {
            self.lossy = false;
            session.queue.push(Item::FullBooks);
        }
        // Until the full books, positions of a book with holes would mean nothing.
        session.queue.push(if self.lossy { Item::Untold(packet) } else { Item::Packet(packet) });
    }

    /// The market is over: once the client has caught up, it is told so.
    fn settle(&mut self, session: &Session) {
        let low = session.scenario.queue.high_water / 2 + 1;
        while session.queue.depth().0 >= low && !session.is_stopping() {
            session.queue.wait_below(low, Duration::from_millis(50));
        }
        if std::mem::take(&mut self.saturated) {
            push_state(session, connection::MARKET, market_state::CONNECTED);
        }
        if std::mem::take(&mut self.lossy) {
            session.queue.push(Item::FullBooks);
        }
    }

    fn act(&mut self, cues: Vec<Cue>, session: &Session) {
        for cue in cues {
            match cue {
                Cue::Begin(what) => self.begin(what, session),
                Cue::End(what) => self.end(&what, session),
            }
        }
    }

    fn begin(&mut self, what: What, session: &Session) {
        let push = |item| {
            session.queue.push(item);
        };
        match what {
            What::Disconnect { .. } => {
                self.down += 1;
                push(Item::Market(false));
                push_state(session, connection::MARKET, market_state::DISCONNECTED);
            }
            What::BrokerDown { .. } => {
                push(Item::Broker(false));
                push_state(session, connection::ROUTING, routing_state::BROKER_DISCONNECTED);
            }
            What::Silent { .. } => self.silent += 1,
            What::TickerState { state, .. } => push(Item::Enter(Some(ticker_state(state)))),
            What::Saturation { state, .. } if session.build >= 39 => {
                push_state(session, connection::MARKET, state);
            }
            What::Frozen { .. } if session.build >= 41 => push(Item::Health(health::FROZEN)),
            What::Saturation { .. } | What::Frozen { .. } => {}
            What::InvalidTicker { ticker } => push(Item::Delist(ticker)),
            What::TradeEdit { size } => push(Item::TradeEdit(size)),
            What::Sentinel => push(Item::Sentinel),
            What::Roll => push(Item::Roll),
        }
    }

    fn end(&mut self, what: &What, session: &Session) {
        match what {
            What::Disconnect { .. } => {
                self.down -= 1;
                push_state(session, connection::MARKET, market_state::CONNECTING);
                push_state(session, connection::MARKET, market_state::WAITING);
                session.queue.push(Item::Market(true));
                push_state(session, connection::MARKET, market_state::CONNECTED);
                session.queue.push(Item::FullBooks);
            }
            What::BrokerDown { .. } => {
                push_state(session, connection::ROUTING, routing_state::BROKER_CONNECTING);
                session.queue.push(Item::Broker(true));
                push_state(session, connection::ROUTING, routing_state::BROKER_CONNECTED);
            }
            What::Silent { .. } => {
                self.silent -= 1;
                if self.silent == 0 {
                    for packet in std::mem::take(&mut self.held) {
                        self.send(packet, session);
                    }
                }
            }
            What::TickerState { .. } => {
                session.queue.push(Item::Enter(None));
            }
            What::Saturation { .. } if session.build >= 39 => {
                push_state(session, connection::MARKET, market_state::CONNECTED);
            }
            What::Frozen { .. } if session.build >= 41 => {
                session.queue.push(Item::Health(health::RESPONSIVE));
            }
            _ => {}
        }
    }
}

fn push_state(session: &Session, connection: i32, state: i32) {
    session.queue.push(Item::State(connection, state));
}

const fn ticker_state(state: ScriptedState) -> TickerState {
    match state {
        ScriptedState::Auction => TickerState::Auction,
        ScriptedState::Frozen => TickerState::Frozen,
        ScriptedState::Inhibited => TickerState::Inhibited,
        ScriptedState::Closed => TickerState::Closed,
        ScriptedState::PreClosing => TickerState::PreClosing,
        ScriptedState::PreOpening => TickerState::PreOpening,
    }
}

/// Plays the market until its end or that of the session.
pub fn run(session: &Session) {
    let times = match session.scenario.market.speed {
        Speed::Times(times) => Some(times),
        _ => None,
    };
    let longest_pause = Duration::from_secs_f64(session.scenario.market.longest_pause_s);
    let mut first = None;
    let mut last = i64::MAX;
    while !session.is_stopping() {
        let next = lock(&session.pacer).next_ns();
        if let (Some(times), Some(ts)) = (times, next) {
            let (start, ts0) = *first.get_or_insert((clock::now(), ts));
            let due = start + Duration::from_secs_f64(((ts - ts0).max(0) as f64) * 1e-9 / times);
            let pause = Duration::from_secs_f64((ts - last).max(0) as f64 * 1e-9 / times);
            if pause > longest_pause {
                // Nobody wants to sit through the night, or the minutes before the opening.
                first = Some((clock::now() + longest_pause, ts));
                last = ts;
                continue;
            }
            let wait = due.saturating_duration_since(clock::now());
            if !wait.is_zero() {
                std::thread::sleep(wait.min(Duration::from_millis(50)));
                continue;
            }
        }
        last = next.unwrap_or(last);
        let mut pacer = lock(&session.pacer);
        match pacer.play(session) {
            Ok(0) => {
                pacer.settle(session);
                break;
            }
            Ok(_) => {}
            Err(error) => {
                SIM.fail(error);
                break;
            }
        }
    }
}
