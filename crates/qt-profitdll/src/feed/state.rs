//! Everything that the callbacks work on: the two rings, the instruments, what is known of each.

use std::ffi::c_void;
use std::sync::Arc;

use qt_core::clock::receive_time;
use qt_core::event::{Event, Kind, flag};
use qt_core::ring::Producer;

use super::counters::Counters;
use super::depth::Depth;
use super::messages::{Message, Messages, Value};
use super::offers::Image;
use super::session::Phases;
use super::stamp::{Date, Dates, Latest};
use super::table::{Added, Table};
use super::tiny::Touch;
use super::totals::Totals;
use crate::structs::{TConnectorAssetIdentifier, TConnectorPriceGroup, TConnectorTrade};
use crate::wide::Wide;

/// The functions of the library that may be called inside callbacks.
pub(super) struct Functions<W: Wide> {
    pub(super) translate_trade: Option<TranslateTrade>,
    pub(super) free_pointer: Option<FreePointer>,
    pub(super) side_count: Option<SideCount<W>>,
    pub(super) price_group: Option<PriceGroup<W>>,
    pub(super) theoretical: Option<Theoretical<W>>,
}

pub(super) type TranslateTrade = unsafe extern "system" fn(*mut c_void, *mut TConnectorTrade) -> i32;
pub(super) type FreePointer = unsafe extern "system" fn(*mut c_void, i32) -> i32;
pub(super) type SideCount<W> = unsafe extern "system" fn(*const TConnectorAssetIdentifier<W>, u8) -> i32;
pub(super) type PriceGroup<W> =
    unsafe extern "system" fn(*const TConnectorAssetIdentifier<W>, u8, i32, *mut TConnectorPriceGroup) -> i32;
pub(super) type Theoretical<W> =
    unsafe extern "system" fn(*const TConnectorAssetIdentifier<W>, *mut f64, *mut i64) -> i32;

/// Their names, in the order of [`Functions::set`].
pub(super) const FUNCTIONS: [&str; 5] =
    ["TranslateTrade", "FreePointer", "GetPriceDepthSideCount", "GetPriceGroup", "GetTheoreticalValues"];

impl<W: Wide> Functions<W> {
    /// Sets the function that has this place in [`FUNCTIONS`]; 0 takes it away.
    ///
    /// # Safety
    /// `address` is 0, or that of the library's function.
    #[allow(unsafe_code)] // the address becomes a function
    pub(super) unsafe fn set(&mut self, which: usize, address: usize) {
        let address = std::ptr::without_provenance::<()>(address);
        // SAFETY: the caller's promise; NULL is `None`.
        unsafe {
            match which {
                0 => self.translate_trade = std::mem::transmute::<*const (), Option<TranslateTrade>>(address),
                1 => self.free_pointer = std::mem::transmute::<*const (), Option<FreePointer>>(address),
                2 => self.side_count = std::mem::transmute::<*const (), Option<SideCount<W>>>(address),
                3 => self.price_group = std::mem::transmute::<*const (), Option<PriceGroup<W>>>(address),
                _ => self.theoretical = std::mem::transmute::<*const (), Option<Theoretical<W>>>(address),
            }
        }
    }
}

impl<W: Wide> Default for Functions<W> {
    fn default() -> Self {
        Self {
            translate_trade: None,
            free_pointer: None,
            side_count: None,
            price_group: None,
            theoretical: None,
        }
    }
}

/// What the feed knows of one instrument, its name in the [`Table`] apart.
pub(super) struct Instrument {
    pub(super) ticker: Arc<str>,
    pub(super) exchange: Arc<str>,
    pub(super) index: u16,
    pub(super) ticks_per_point: f64,
    pub(super) latest: Latest,
    pub(super) image: Image,
    pub(super) depth: Depth,
    pub(super) touch: Touch,
    pub(super) phases: Phases,
    pub(super) totals: Arc<Totals>,
}

impl Instrument {
    pub(super) fn new(ticker: &str, exchange: &str, index: u16, tick_size: f64, latest: Latest) -> Self {
        let (ticker, exchange): (Arc<str>, Arc<str>) = (ticker.into(), exchange.into());
        Self {
            totals: Arc::new(Totals::new(ticker.clone(), exchange.clone())),
            ticker,
            exchange,
            index,
            ticks_per_point: 1.0 / tick_size,
            latest,
            image: Image::default(),
            depth: Depth::default(),
            touch: Touch::default(),
            phases: Phases::default(),
        }
    }
}

/// What this library was seen to do: no function tells its version.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Full images come in pages, with the first one marked (from 4.0.0.36).
    pub(super) paged: bool,
    /// Price depth names the sell side: up to 4.0.0.33 it always says that it was the buy side.
    pub(super) asks_told: bool,
}

/// The part that is the same for both string units, and for every instrument.
pub(super) struct Core {
    ring: Producer<Event>,
    history: Producer<Event>,
    pub(super) counters: Arc<Counters>,
    pub(super) messages: Arc<Messages>,
    pub(super) dates: Dates,
    /// Receive time of the callback that is running; never runs backwards.
    pub(super) now: i64,
    /// An exchange time that has passed for sure, for instruments on which nothing was dated yet; 0 unknown.
    pub(super) exchange_time: i64,
    /// Whether the quantity of an edit in the book by order is a signed change.
    pub(super) edit_is_change: bool,
    pub(super) habits: Habits,
    /// Last state of the market-data connection.
    pub(super) market: i32,
    /// Whether the ring was written to before this feed: what came in between is missing.
    continued: bool,
}

impl Core {
    pub(super) fn new(
        ring: Producer<Event>,
        history: Producer<Event>,
        counters: Arc<Counters>,
        messages: Arc<Messages>,
        edit_is_change: bool,
        now: i64,
    ) -> Self {
        Self {
            continued: ring.pushed() > 0,
            ring,
            history,
            counters,
            messages,
            dates: Dates::default(),
            now,
            exchange_time: 0,
            edit_is_change,
            habits: Habits::default(),
            market: 0,
        }
    }

    /// Takes the receive time of a callback.
    #[inline(always)]
    pub(super) fn arrive(&mut self, now: i64) {
        if now < self.now {
            self.counters.clock_back.up();
        } else {
            self.now = now;
        }
    }

    /// A record about an instrument as of now: exchange time, receive time and instrument are filled in.
    #[inline(always)]
    pub(super) fn record(&self, instrument: &Instrument, kind: Kind) -> Event {
        self.dated(instrument, kind, Date::Absent)
    }

    /// Like [`Core::record`], at its own exchange time where it has one.
    #[inline(always)]
    pub(super) fn dated(&self, instrument: &Instrument, kind: Kind, date: Date) -> Event {
        let ts_event = match date {
            Date::At(ts) => ts,
            _ => self.exchange_time(instrument),
        };
        Event {
            ts_event,
            ts_recv: self.now,
            instrument: instrument.index,
            kind: kind as u8,
            ..Event::default()
        }
    }

    /// The greatest exchange time seen on the instrument, else one that has passed for sure, else the receive time.
    #[inline(always)]
    fn exchange_time(&self, instrument: &Instrument) -> i64 {
        if instrument.latest.time != 0 {
            return instrument.latest.time;
        }
        if self.exchange_time != 0 {
            return self.exchange_time;
        }
        self.counters.undated.up();
        self.now
    }

    /// Takes note of the date of a record and returns the one to stamp it with: a doubted date is as good as none.
    #[inline(always)]
    pub(super) fn saw(&self, instrument: &mut Instrument, date: Date) -> Date {
        if let Date::At(ts) = date
            && !instrument.latest.saw(ts, self.exchange_time)
        {
            self.counters.far_date.up();
            return Date::Absent;
        }
        date
    }

    /// Writes a record to the ring.
    #[inline(always)]
    pub(super) fn push(&mut self, event: Event) {
        let sequence = self.ring.pushed() as i64;
        self.ring.push(Event { sequence, ..event });
    }

    /// Writes a trade of a history request to the ring of history.
    #[inline(always)]
    pub(super) fn push_history(&mut self, event: Event) {
        let sequence = self.history.pushed() as i64;
        self.history.push(Event { sequence, ..event });
    }

    /// Marks that events of an instrument are missing: its books are void until the next full image.
    pub(super) fn gap(&mut self, instrument: &mut Instrument, lost: u64) {
        instrument.image = Image::default();
        instrument.depth.forget();
        instrument.touch = Touch::default();
        self.counters.gaps.up();
        let size = i32::try_from(lost).unwrap_or(i32::MAX);
        self.push(Event { size, ..self.record(instrument, Kind::Gap) });
    }

    /// One bound of a full image of a book by order or by price.
    pub(super) fn bound(&mut self, instrument: &Instrument, kind: Kind, action: u8) {
        self.push(Event { action, flags: flag::SNAPSHOT, ..self.record(instrument, kind) });
    }

    /// Queues a control message.
    pub(super) fn say(&mut self, kind: &'static str, values: Vec<Value>) {
        if self.messages.push(Message { kind, ts_recv: self.now, values }) {
            self.counters.messages_lost.up();
        }
    }

    /// Queues a message about something that was counted: the first time, and whenever the count doubles.
    #[cold]
    #[inline(never)]
    pub(super) fn report(&mut self, kind: &'static str, count: u64, ticker: Value, detail: Value) {
        if count.is_power_of_two() {
            self.say(kind, vec![ticker, detail, Value::Int(count as i64)]);
        }
    }
}

/// The state behind the callbacks of one library.
pub struct State<W: Wide> {
    pub(super) id: u64,
    pub(super) core: Core,
    pub(super) table: Table<W>,
    pub(super) functions: Functions<W>,
    /// Makes the next callback panic.
    #[cfg(test)]
    pub(super) sabotage: bool,
}

impl<W: Wide> State<W> {
    pub(super) fn new(id: u64, core: Core) -> Self {
        Self {
            id,
            core,
            table: Table::new(),
            functions: Functions::default(),
            #[cfg(test)]
            sabotage: false,
        }
    }

    /// Adds an instrument; on a ring that was written to before, its first record is a gap.
    pub(super) fn add(&mut self, mut instrument: Instrument) -> Added {
        if self.core.continued && self.table.takes(&instrument) == Added::Done {
            self.core.arrive(receive_time());
            self.core.gap(&mut instrument, 0);
        }
        self.table.add(instrument)
    }

    /// Marks a gap on every instrument, from outside of callbacks.
    pub(super) fn mark_gap(&mut self) {
        self.core.arrive(receive_time());
        self.gap_everywhere(0);
    }

    /// Marks a gap on every instrument.
    pub(super) fn gap_everywhere(&mut self, lost: u64) {
        for instrument in self.table.instruments_mut() {
            self.core.gap(instrument, lost);
        }
    }

    /// A callback panicked: what it was doing is lost.
    #[cold]
    #[inline(never)]
    pub(super) fn failed(&mut self) {
        let count = self.core.counters.panics.up();
        self.core.say("faulty", vec![Value::Int(count as i64)]);
        self.gap_everywhere(0);
    }

    /// Callbacks came while another one would not leave: they are lost.
    #[cold]
    #[inline(never)]
    pub(super) fn missed(&mut self, lost: u64) {
        let count = self.core.counters.missed.add(lost);
        self.core.say("missed", vec![Value::Int(count as i64)]);
        self.gap_everywhere(lost);
    }
}
