//! What exists: instruments and their books, and who asked for what.

use qt_core::Event;
use qt_profitdll::Wide;

use super::W;
use crate::feed::Spec;
use crate::market::{Instrument, Update};

/// What a client may subscribe to, as bits.
pub mod kind {
    /// `SubscribeTicker`.
    pub const TICKER: u8 = 1;
    /// `SubscribeOfferBook`.
    pub const OFFERS: u8 = 2;
    /// `SubscribePriceBook`.
    pub const PRICES: u8 = 4;
    /// `SubscribePriceDepth`.
    pub const DEPTH: u8 = 8;
    /// `SubscribeAdjustHistory`.
    pub const ADJUST: u8 = 16;
}

/// A subscription, under the name that the client used: an alias stays an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Index of the instrument.
    pub instrument: usize,
    /// Ticker as the client wrote it.
    pub ticker: Vec<W>,
    /// Exchange.
    pub exchange: Vec<W>,
    /// Bits of [`kind`].
    pub kinds: u8,
}

impl Subscription {
    /// A subscription; the text is without NUL.
    pub fn new(instrument: usize, ticker: &str, exchange: &str, kinds: u8) -> Self {
        let wide = |text: &str| {
            let mut units = W::encode(text);
            units.pop();
            units
        };
        Self { instrument, ticker: wide(ticker), exchange: wide(exchange), kinds }
    }
}

/// Instruments of the session.
pub struct World {
    /// What they are.
    pub specs: Vec<Spec>,
    /// Their state.
    pub instruments: Vec<Instrument>,
    /// Tickers that a script made invalid.
    pub delisted: Vec<String>,
    /// Market time, ns UTC.
    pub now_ns: i64,
    /// Subscriptions by instrument: bits of [`kind`].
    pub subscribed: Vec<u8>,
    /// Instruments whose daily close was asked for before.
    pub close_asked: Vec<bool>,
}

impl World {
    /// A world before its first event.
    pub fn new(specs: Vec<Spec>, now_ns: i64) -> Self {
        let n = specs.len();
        Self {
            specs,
            instruments: (0..n).map(|_| Instrument::new()).collect(),
            delisted: Vec::new(),
            now_ns,
            subscribed: vec![0; n],
            close_asked: vec![false; n],
        }
    }

    /// The instrument with this ticker, or the front contract of a continuous alias such as `WDOFUT`.
    pub fn find(&self, ticker: &str, exchange: &str) -> Option<usize> {
        if self.delisted.iter().any(|t| t == ticker) {
            return None;
        }
        let root = ticker.strip_suffix("FUT").filter(|root| root.len() == 3);
        self.specs.iter().position(|s| {
            s.exchange == exchange && (s.ticker == ticker || root.is_some_and(|r| s.ticker.starts_with(r)))
        })
    }

    /// Applies a packet; appends what it means to `out` and returns the instrument.
    pub fn apply(&mut self, packet: &[Event], out: &mut Vec<Update>) -> Option<usize> {
        let index = usize::from(packet.first()?.instrument);
        let instrument = self.instruments.get_mut(index)?;
        for event in packet {
            instrument.apply(event, out);
            self.now_ns = self.now_ns.max(event.ts_event);
        }
        if packet.last().is_some_and(|e| !e.ends_packet()) {
            // Cut off by its length or the end of the source.
            instrument.end_packet(out);
        }
        Some(index)
    }
}
