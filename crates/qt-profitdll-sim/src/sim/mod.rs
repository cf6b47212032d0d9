//! The library behind the symbols: one simulator per process, one session at a time.

#![allow(clippy::new_without_default)] // made in statics, by const functions

mod arena;
mod blobs;
mod clock;
mod connector;
pub(crate) mod deliver;
pub mod history;
pub mod login;
mod pacer;
pub mod queue;
mod session;
mod slots;
mod strict;
pub mod world;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use qt_profitdll::Wide;

use crate::market::Print;
use crate::scenario::Scenario;
pub use arena::{Arena, Frame};
pub use blobs::{Blobs, Freed};
pub use deliver::previous_close;
pub use session::Session;
pub use slots::{Slot, Slots};
pub use strict::{Sin, Sins};

/// Unit of the library's text.
#[cfg(feature = "wchar32")]
pub type W = u32;
/// Unit of the library's text.
#[cfg(not(feature = "wchar32"))]
pub type W = u16;

thread_local! {
    /// This is the ConnectorThread: callbacks run on it and nowhere else.
    static ON_CONNECTOR: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller is inside a callback.
pub fn on_connector() -> bool {
    ON_CONNECTOR.with(Cell::get)
}

/// The trade that a running callback is about.
#[derive(Debug, Clone, Copy)]
pub struct Current {
    /// Opaque value that the callback was given.
    pub handle: usize,
    /// The trade.
    pub print: Print,
    /// Price, and financial volume.
    pub price: f64,
    /// Financial volume.
    pub volume: f64,
}

/// Everything that outlives a session.
pub struct Sim {
    /// Registered callbacks.
    pub slots: Slots,
    /// Text of callbacks.
    pub arena: Arena,
    /// Memory the client must give back.
    pub blobs: Blobs,
    sins: Sins,
    strict: AtomicBool,
    frozen: AtomicBool,
    /// Trade of the running callback.
    pub trade: Mutex<Option<Current>>,
    configured: Mutex<Option<Scenario>>,
    session: RwLock<Option<Arc<Session>>>,
    sessions: AtomicU64,
    error: Mutex<String>,
}

/// The simulator of this process.
pub static SIM: Sim = Sim {
    slots: Slots::new(),
    arena: Arena::new(),
    blobs: Blobs::new(),
    sins: Sins::new(),
    strict: AtomicBool::new(true),
    frozen: AtomicBool::new(false),
    trade: Mutex::new(None),
    configured: Mutex::new(None),
    session: RwLock::new(None),
    sessions: AtomicU64::new(0),
    error: Mutex::new(String::new()),
};

/// Name of an agent, in memory that lives as long as the process; NULL when there is none.
pub fn agent_text(agent: i32, short: bool) -> *const W {
    static NAMES: OnceLock<Vec<[Vec<W>; 2]>> = OnceLock::new();
    let all = crate::agents::AGENTS;
    let names = NAMES.get_or_init(|| all.iter().map(|a| [W::encode(a.2), W::encode(a.1)]).collect());
    let found = all.iter().position(|a| a.0 == agent);
    found.map_or(std::ptr::null(), |i| names[i][usize::from(short)].as_ptr())
}

/// Locks, whatever happened to the last holder.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    /// Counts a sin, in strict mode.
    pub fn sin(&self, sin: Sin, detail: impl FnOnce() -> String) {
        if self.is_strict() {
            self.sins.add(sin, detail);
        }
    }

    /// Whether sins are counted and requests from callbacks refused.
    pub fn is_strict(&self) -> bool {
        self.strict.load(Ordering::Relaxed)
    }

    /// Whether a script says that the delivery is frozen.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// The delivery froze, or recovered.
    pub(crate) fn set_frozen(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Relaxed);
    }

    /// Remembers what went wrong, for `QtSimLastError`.
    pub fn fail(&self, error: impl Into<String>) {
        *lock(&self.error) = error.into();
    }

    /// What went wrong last.
    pub fn last_error(&self) -> String {
        lock(&self.error).clone()
    }

    /// The running session.
    pub fn session(&self) -> Option<Arc<Session>> {
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the scenario of the sessions to come.
    pub fn configure(&self, scenario: Scenario) {
        self.strict.store(scenario.strict.enabled, Ordering::Relaxed);
        *lock(&self.configured) = Some(scenario);
    }

    /// The scenario in force: configured, from the environment, or the default one.
    ///
    /// # Errors
    /// Text that names the file, or what is wrong in it.
    pub fn scenario(&self) -> Result<Scenario, String> {
        if let Some(scenario) = &*lock(&self.configured) {
            return Ok(scenario.clone());
        }
        let scenario = match std::env::var_os("QUANTUMTRADER_SIM_SCENARIO") {
            None => Scenario::default(),
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| format!("reading scenario {}: {e}", path.display()))?;
                let file = std::path::absolute(&path)
                    .map_err(|e| format!("where scenario {} is: {e}", path.display()))?;
                let scenario = Scenario::parse(&text)?;
                scenario.relative_to(file.parent().unwrap_or(&file))
            }
        };
        self.strict.store(scenario.strict.enabled, Ordering::Relaxed);
        Ok(scenario)
    }

    /// Starts a session; false when one is running.
    pub fn begin(&self, session: &Arc<Session>) -> bool {
        let mut current = self.session.write().unwrap_or_else(PoisonError::into_inner);
        if current.is_some() {
            return false;
        }
        *current = Some(session.clone());
        if self.sessions.fetch_add(1, Ordering::Relaxed) > 0 {
            self.sin(Sin::Reinitialised, || {
                "initialised again after DLLFinalize: the vendor's library fails or crashes here".into()
            });
        }
        true
    }

    /// Ends the session.
    pub fn end(&self) {
        // The session is there until its last callback has returned: what that callback asks is answered.
        if let Some(session) = self.session() {
            session.stop();
        }
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.set_frozen(false);
        let (_, blobs, bytes) = self.blobs.report();
        if blobs > 0 {
            self.sin(Sin::Leak, || format!("{blobs} blobs with {bytes} bytes were not freed"));
        }
    }

    /// What happened so far, as JSON.
    pub fn report(&self) -> String {
        let (handed, live, bytes) = self.blobs.report();
        let session = self.session();
        let (waiting, most) = session.as_ref().map_or((0, 0), |s| s.queue.depth());
        let counts: std::collections::BTreeMap<_, _> = self.slots.counts().into_iter().collect();
        let report = serde_json::json!({
            "sins": self.sins.all(),
            "leaks": { "blobs": live, "bytes": bytes, "handed": handed },
            "callbacks": counts,
            "queue": { "events": waiting, "most": most },
            "played": session.as_ref().map_or(0, |s| s.played()),
            "sessions": self.sessions.load(Ordering::Relaxed),
            "version": session.as_ref().map(|s| s.scenario.profile.version.clone()),
            "char_width": size_of::<W>(),
        });
        report.to_string()
    }

    /// Forgets sins, counts and leaks of earlier sessions.
    pub fn reset(&self) {
        self.sins.clear();
        self.blobs.reset();
        self.slots.recount();
    }
}
