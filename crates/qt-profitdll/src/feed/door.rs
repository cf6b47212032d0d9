//! The feed from outside: made, filled with instruments, read, ended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use qt_core::event::Event;
use qt_core::ring::{Producer, Reader};

use super::callbacks::addresses;
use super::counters::Counters;
use super::home::Unit;
use super::messages::{Message, Messages};
use super::stamp::Latest;
use super::state::{Core, FUNCTIONS, Instrument};
use super::table::Added;
use super::totals::Slots;

/// What a feed is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes per unit of the library's strings: 2, or 4 for the simulator's wide flavour.
    pub char_width: usize,
    /// File of the ring, for readers in other processes; in memory where there is none.
    pub path: Option<PathBuf>,
    /// Records that the ring holds, a power of two.
    pub capacity: u64,
    /// Records that the ring of history holds, a power of two.
    pub history_capacity: u64,
    /// Control messages that wait for [`Feed::take_messages`].
    pub messages: usize,
    /// Whether the quantity of an edit in the book by order is a signed change (the vendor's examples) or the new size.
    pub edit_is_change: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            char_width: 2,
            path: None,
            capacity: 1 << 16,
            history_capacity: 1 << 18,
            messages: 1 << 14,
            edit_is_change: true,
        }
    }
}

/// Why a feed cannot be made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The ring cannot be made.
    #[error(transparent)]
    Ring(#[from] qt_core::Error),
    /// Strings of another width.
    #[error("char_width is {0}, expected 2 (the library) or 4 (the simulator's wide flavour)")]
    CharWidth(usize),
    /// There is a feed already.
    #[error(
        "this process has a feed for {0}-byte strings already: close it first; a process talks to one library"
    )]
    Occupied(usize),
    /// The feed was closed, or a callback does not come back.
    #[error("the feed is closed, or a callback has been running for a second; make a new feed")]
    Gone,
    /// Not a function that the feed calls.
    #[error("the feed does not call {0:?}; it calls {known}", known = FUNCTIONS.join(", "))]
    UnknownFunction(String),
    /// An instrument that cannot be added.
    #[error("instrument {ticker:?}: {problem}")]
    Instrument {
        /// Its ticker.
        ticker: String,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
}

/// Bytes per unit of the library's strings.
#[derive(Debug, Clone, Copy)]
enum Width {
    Two,
    Four,
}

/// Runs code on the state behind the callbacks, whatever its string width.
macro_rules! inside {
    ($feed:expr, |$state:ident| $body:expr) => {
        match $feed.width {
            Width::Two => u16::home().with($feed.id, |$state| $body),
            Width::Four => u32::home().with($feed.id, |$state| $body),
        }
        .ok_or(FeedError::Gone)
    };
}

/// The native feed of one library.
///
/// There is one per process and string width, because the vendor's callbacks carry no user data. When it is dropped,
/// callbacks find nothing and return.
pub struct Feed {
    width: Width,
    /// Tells this feed from one that came before it.
    pub(super) id: u64,
    counters: Arc<Counters>,
    messages: Arc<Messages>,
    totals: Slots,
    ring: Mutex<Reader<Event>>,
    history: Mutex<Reader<Event>>,
    /// Exchange time by instrument that was in the ring before; empty unless a feed stopped there.
    before: Vec<Latest>,
}

impl Feed {
    /// Makes the feed that the callbacks of its string width write to from now on.
    ///
    /// # Errors
    /// [`FeedError::CharWidth`], [`FeedError::Occupied`], [`FeedError::Ring`].
    pub fn new(settings: &Settings) -> Result<Self, FeedError> {
        let width = match settings.char_width {
            2 => Width::Two,
            4 => Width::Four,
            other => return Err(FeedError::CharWidth(other)),
        };
        let producer = match &settings.path {
            None => Producer::in_memory(settings.capacity)?,
            Some(path) => Producer::in_file(path, settings.capacity)?,
        };
        let history = Producer::in_memory(settings.history_capacity)?;
        let (ring, past) = (producer.reader(), history.reader());
        let (before, now) = last_seen(&mut producer.reader());
        let (counters, messages) = (Arc::<Counters>::default(), Arc::new(Messages::new(settings.messages)));
        let core =
            Core::new(producer, history, counters.clone(), messages.clone(), settings.edit_is_change, now);
        let id = match width {
            Width::Two => u16::home().move_in(core),
            Width::Four => u32::home().move_in(core),
        };
        let id = id.ok_or(FeedError::Occupied(settings.char_width))?;
        let (ring, history, totals) = (Mutex::new(ring), Mutex::new(past), Slots::default());
        Ok(Self { width, id, counters, messages, totals, ring, history, before })
    }

    /// Address of every callback, by the name of its slot and by that of its setter.
    #[must_use]
    pub fn callbacks(&self) -> Vec<(&'static str, usize)> {
        match self.width {
            Width::Two => addresses::<u16>(),
            Width::Four => addresses::<u32>(),
        }
    }

    /// Tells where a function of the library is.
    ///
    /// # Errors
    /// [`FeedError::UnknownFunction`], [`FeedError::Gone`].
    ///
    /// # Safety
    /// `address` is that of the library's function of this name, with its declaration in [`crate::exports`], and stays
    /// so as long as callbacks come.
    #[allow(unsafe_code)] // the address becomes a function
    pub unsafe fn set_function(&self, name: &str, address: usize) -> Result<(), FeedError> {
        let Some(which) = FUNCTIONS.iter().position(|f| *f == name) else {
            return Err(FeedError::UnknownFunction(name.to_owned()));
        };
        // SAFETY: the caller's promise.
        inside!(self, |state| unsafe { state.functions.set(which, address) })
    }

    /// Adds an instrument: callbacks about its ticker become records with `index`.
    ///
    /// On a ring that another feed wrote to before, the first record is a gap: what happened in between is missing.
    ///
    /// # Errors
    /// [`FeedError::Instrument`], [`FeedError::Gone`].
    pub fn add_instrument(
        &self,
        ticker: &str,
        exchange: &str,
        index: u16,
        tick_size: f64,
    ) -> Result<(), FeedError> {
        let refuse = |problem| Err(FeedError::Instrument { ticker: ticker.to_owned(), problem });
        if ticker.is_empty() || ticker.contains('\0') || exchange.contains('\0') {
            return refuse("ticker and exchange are text without NUL, the ticker not empty");
        }
        if !(tick_size.is_finite() && tick_size > 0.0) {
            return refuse("the tick size must be a positive number: take it from the instrument table");
        }
        let latest = self.before.get(usize::from(index)).copied().unwrap_or_default();
        let instrument = Instrument::new(ticker, exchange, index, tick_size, latest);
        let totals = instrument.totals.clone();
        match inside!(self, |state| state.add(instrument))? {
            Added::Done => {
                self.totals.add(totals);
                Ok(())
            }
            Added::Known => refuse("its ticker or its index was added before; add each of them once"),
            Added::Full => {
                refuse("the feed has as many instruments as it can have; close it and make a new one")
            }
        }
    }

    /// Tells an exchange time that has passed for sure, ns UTC, such as the server's clock: undated records carry it
    /// until their instrument had a dated one.
    ///
    /// # Errors
    /// [`FeedError::Gone`].
    pub fn set_exchange_time(&self, ts: i64) -> Result<(), FeedError> {
        inside!(self, |state| state.core.exchange_time = ts)
    }

    /// Marks a gap on every instrument: books are void until their next full image.
    ///
    /// # Errors
    /// [`FeedError::Gone`].
    pub fn mark_gap(&self) -> Result<(), FeedError> {
        inside!(self, |state| state.mark_gap())
    }

    /// A reader of the ring; starts with the oldest record still held.
    #[must_use]
    pub fn reader(&self) -> Reader<Event> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).another()
    }

    /// A reader of the trades of history requests; starts with the oldest record still held.
    #[must_use]
    pub fn history(&self) -> Reader<Event> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).another()
    }

    /// Takes the control messages that wait, oldest first, and after them the newest totals of the day of every
    /// instrument that has new ones.
    #[must_use]
    pub fn take_messages(&self) -> Vec<Message> {
        let mut taken = self.messages.take();
        self.totals.take(&mut taken);
        taken
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Ends the feed: callbacks find nothing from now on. Readers still read what is there.
    pub fn close(&self) {
        match self.width {
            Width::Two => u16::home().move_out(self.id),
            Width::Four => u32::home().move_out(self.id),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.close();
    }
}

/// Exchange time by instrument and last receive time in a ring.
fn last_seen(reader: &mut Reader<Event>) -> (Vec<Latest>, i64) {
    let (mut times, mut now, mut events) = (Vec::new(), 0, Vec::new());
    loop {
        events.clear();
        reader.read(4096, &mut events);
        if events.is_empty() {
            return (times, now);
        }
        for event in &events {
            let at = usize::from(event.instrument);
            if times.len() <= at {
                times.resize(at + 1, Latest::default());
            }
            times[at].saw(event.ts_event, 0);
            now = now.max(event.ts_recv);
        }
    }
}
