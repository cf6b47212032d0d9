//! One session, from initialise to finalise.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use qt_profitdll::codes::nresult;

use super::history::Request;
use super::queue::{Item, Queue};
use super::world::World;
use super::{SIM, connector, lock, pacer};
use crate::feed;
use crate::market::Print;
use crate::orders::Desk;
use crate::scenario::{Scenario, Speed};

/// A session.
pub struct Session {
    /// What is played.
    pub scenario: Scenario,
    /// Last number of the version that the library behaves like.
    pub build: u32,
    /// Whether orders were asked for.
    pub routing: bool,
    /// Instruments and subscriptions.
    pub world: Mutex<World>,
    /// The broker's side, where orders were asked for.
    pub orders: Option<Desk>,
    /// All that becomes callbacks.
    pub queue: Queue,
    pub(super) pacer: Mutex<pacer::Pacer>,
    /// The login is complete.
    pub logged: AtomicBool,
    /// The market connection is there.
    pub market: AtomicBool,
    /// The broker connection is there.
    pub broker: AtomicBool,
    /// The session ends.
    pub(super) stopping: AtomicBool,
    pub(super) played: AtomicU64,
    /// A history request runs for these instruments.
    pub(super) history: Arc<Mutex<Vec<usize>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The market was started.
    running: AtomicBool,
}

impl Session {
    /// Starts a session and its ConnectorThread.
    ///
    /// # Errors
    /// Text that names what in the scenario is wrong.
    pub fn start(scenario: Scenario, routing: bool) -> Result<Arc<Self>, String> {
        let specs = feed::specs(&scenario.market)?;
        let mut pacer = pacer::Pacer::new(&scenario)?;
        let orders = routing.then(|| Desk::open(&scenario, &specs)).transpose()?;
        let mut world = World::new(specs, pacer.start_ns());
        if let Some(desk) = &orders {
            pacer.skip(desk.resume_at(), |packet| {
                world.apply(packet, &mut Vec::new());
                desk.live(packet)
            })?;
        }
        let session = Arc::new(Self {
            build: scenario.profile.build()?,
            world: Mutex::new(world),
            orders,
            scenario,
            routing,
            queue: Queue::default(),
            pacer: Mutex::new(pacer),
            logged: AtomicBool::new(false),
            market: AtomicBool::new(false),
            broker: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            played: AtomicU64::new(0),
            history: Arc::default(),
            threads: Mutex::default(),
            running: AtomicBool::new(false),
        });
        let own = session.clone();
        session.spawn("ConnectorThread", move || connector::run(&own))?;
        Ok(session)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        let thread = thread.map_err(|e| format!("starting thread {name}: {e}"))?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Lets the market run by itself, unless it waits for steps; the first subscription does that.
    ///
    /// # Errors
    /// Text when no thread can be had.
    pub fn run_market(self: &Arc<Self>) -> Result<(), String> {
        let lockstep = self.scenario.market.speed == Speed::Lockstep;
        if lockstep || self.running.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let own = self.clone();
        self.spawn("Market", move || pacer::run(&own))
    }

    /// Plays whole packets until at least `n` events are played, and waits until the client has them.
    ///
    /// # Errors
    /// Text that says where the source is corrupt.
    pub fn step(&self, n: u64) -> Result<u64, String> {
        let (played, ticket) = {
            let mut pacer = lock(&self.pacer);
            let mut played = 0;
            while played < n && !self.is_stopping() {
                let events = pacer.play(self)?;
                if events == 0 {
                    break;
                }
                played += events;
            }
            (played, self.queue.push(Item::Call(Box::new(|| {}))))
        };
        self.queue.wait(ticket);
        Ok(played)
    }

    /// Market events played.
    pub fn played(&self) -> u64 {
        self.played.load(Ordering::Relaxed)
    }

    /// Whether the login is complete.
    pub fn is_logged(&self) -> bool {
        self.logged.load(Ordering::Acquire)
    }

    /// Begins a history request: one at a time for an instrument.
    ///
    /// # Errors
    /// A result code.
    pub fn request_history(
        &self,
        instrument: usize,
        make: impl FnOnce(Vec<Print>, Arc<Mutex<Vec<usize>>>) -> Request,
        read: impl FnOnce(&Scenario) -> Result<Vec<Print>, String>,
    ) -> Result<(), i32> {
        {
            let mut running = lock(&self.history);
            if running.contains(&instrument) {
                return Err(nresult::NL_DUPLICATE_RESOURCE);
            }
            running.push(instrument);
        }
        match read(&self.scenario) {
            Ok(prints) => {
                self.queue.push(Item::History(Box::new(make(prints, self.history.clone()))));
                Ok(())
            }
            Err(error) => {
                lock(&self.history).retain(|&i| i != instrument);
                SIM.fail(error);
                Err(nresult::NL_INTERNAL_ERROR)
            }
        }
    }

    /// Whether the session ends.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Ends a session that never began.
    pub fn discard(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.queue.push(Item::Stop);
        self.join();
    }

    fn join(&self) {
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // A thread that panicked has nothing more to tell.
            let _ = thread.join();
        }
    }

    /// Ends the session as the vendor does: its states, then nothing more.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.queue.clear();
        if let Some(desk) = &self.orders {
            desk.broker().close();
        }
        let mut last = vec![(0, 1), (2, 0), (3, 1)];
        if self.routing {
            last.insert(1, (1, 0));
        }
        for (connection, state) in last {
            self.queue.push(Item::State(connection, state));
        }
        self.queue.push(Item::Stop);
        self.join();
    }
}
