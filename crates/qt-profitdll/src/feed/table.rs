//! Tickers and what they stand for. Grows from outside of callbacks, is only read inside.
#![allow(unsafe_code)] // comparing with the vendor's strings where they lie

use super::state::Instrument;
use crate::wide::Wide;

/// Instruments that a feed can have.
pub const MAX_INSTRUMENTS: usize = 1024;

/// What became of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Done,
    /// Its ticker or its index is there already.
    Known,
    Full,
}

/// Texts of an instrument in the library's unit, each with its NUL.
struct Names<W> {
    ticker: Box<[W]>,
    exchange: Box<[W]>,
    /// Whether another instrument has the same ticker, so that the exchange decides.
    shared: bool,
}

/// Instruments by ticker.
pub(super) struct Table<W> {
    names: Vec<Names<W>>,
    instruments: Vec<Instrument>,
    /// Found last: the next callback is probably about it too.
    last: usize,
}

impl<W: Wide> Table<W> {
    pub(super) fn new() -> Self {
        Self {
            names: Vec::with_capacity(MAX_INSTRUMENTS),
            instruments: Vec::with_capacity(MAX_INSTRUMENTS),
            last: 0,
        }
    }

    pub(super) fn instruments_mut(&mut self) -> &mut [Instrument] {
        &mut self.instruments
    }

    /// What [`Table::add`] will say.
    pub(super) fn takes(&self, instrument: &Instrument) -> Added {
        let same = |known: &Instrument| {
            known.index == instrument.index
                || known.ticker == instrument.ticker && known.exchange == instrument.exchange
        };
        if self.instruments.iter().any(same) {
            Added::Known
        } else if self.names.len() == MAX_INSTRUMENTS {
            Added::Full
        } else {
            Added::Done
        }
    }

    /// Appends an instrument whose ticker and index are new.
    pub(super) fn add(&mut self, instrument: Instrument) -> Added {
        let added = self.takes(&instrument);
        if added != Added::Done {
            return added;
        }
        let ticker = W::encode(&instrument.ticker).into_boxed_slice();
        let exchange = W::encode(&instrument.exchange).into_boxed_slice();
        let mut shared = false;
        for names in self.names.iter_mut().filter(|n| n.ticker == ticker) {
            names.shared = true;
            shared = true;
        }
        self.names.push(Names { ticker, exchange, shared });
        self.instruments.push(instrument);
        Added::Done
    }

    /// The instrument of a ticker. The exchange counts only where a ticker is listed on several.
    ///
    /// # Safety
    /// Both are NULL, or readable up to their NUL.
    #[inline(always)]
    pub(super) unsafe fn find(&mut self, ticker: *const W, exchange: *const W) -> Option<&mut Instrument> {
        // SAFETY: the caller's promise.
        let is = |names: &Names<W>| unsafe {
            same(&names.ticker, ticker) && (!names.shared || same(&names.exchange, exchange))
        };
        if !self.names.get(self.last).is_some_and(is) {
            self.last = self.names.iter().position(is)?;
        }
        self.instruments.get_mut(self.last)
    }
}

/// Whether the text is `name`, which ends in NUL.
///
/// # Safety
/// `text` is NULL, or readable up to its NUL.
#[inline(always)]
unsafe fn same<W: Wide>(name: &[W], text: *const W) -> bool {
    // SAFETY: a unit is read only when every one before it was equal to one of `name` that is not NUL.
    !text.is_null() && name.iter().enumerate().all(|(i, &unit)| unsafe { *text.add(i) } == unit)
}

#[cfg(test)]
mod tests {
    use super::super::stamp::Latest;
    use super::*;

    fn index_of<W: Wide>(table: &mut Table<W>, ticker: &str, exchange: &str) -> Option<u16> {
        let (ticker, exchange) = (W::encode(ticker), W::encode(exchange));
        // SAFETY: both end in NUL.
        unsafe { table.find(ticker.as_ptr(), exchange.as_ptr()) }.map(|i| i.index)
    }

    fn finds<W: Wide>() {
        let mut table = Table::<W>::new();
        assert_eq!(index_of(&mut table, "WDOV26", "F"), None);
        for (index, (ticker, exchange)) in
            [("WDOV26", "F"), ("WINV26", "F"), ("ABC", "B"), ("ABC", "N")].into_iter().enumerate()
        {
            let add = |table: &mut Table<W>| {
                table.add(Instrument::new(ticker, exchange, index as u16, 0.5, Latest::default()))
            };
            assert_eq!((add(&mut table), add(&mut table)), (Added::Done, Added::Known));
        }
        for _ in 0..2 {
            assert_eq!(index_of(&mut table, "WINV26", "F"), Some(1));
            assert_eq!(index_of(&mut table, "WDOV26", "elsewhere"), Some(0));
            assert_eq!(index_of(&mut table, "ABC", "N"), Some(3));
            assert_eq!(index_of(&mut table, "ABC", "B"), Some(2));
            for unknown in ["", "WDO", "WDOV2", "WDOV266", "ABD"] {
                assert_eq!(index_of(&mut table, unknown, "F"), None, "{unknown}");
            }
            assert_eq!(index_of(&mut table, "ABC", "F"), None);
        }
        // SAFETY: NULL is allowed; text that does not end is read as far as it is equal.
        unsafe {
            assert!(table.find(std::ptr::null(), std::ptr::null()).is_none());
            let endless = [W::encode("W")[0]; 2];
            assert!(table.find(endless.as_ptr(), std::ptr::null()).is_none());
        }
        let mut more = 4..;
        let mut add =
            || more.next().map(|i| table.add(Instrument::new(&i.to_string(), "", i, 1.0, Latest::default())));
        while add() == Some(Added::Done) {}
        assert_eq!(add(), Some(Added::Full));
        assert_eq!(table.names.len(), MAX_INSTRUMENTS);
    }

    #[test]
    fn tickers_are_found_in_both_widths() {
        finds::<u16>();
        finds::<u32>();
    }
}
