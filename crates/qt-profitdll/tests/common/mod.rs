//! A library that calls the feed back through the addresses it was given, as the vendor does.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::too_many_arguments)] // the vendor's argument lists

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use qt_core::event::Event;
use qt_core::ring::Reader;
use qt_profitdll::Wide;
use qt_profitdll::blob::{Offer, Version, encode_offers};
use qt_profitdll::callbacks as cb;
use qt_profitdll::feed::{Feed, Message, Settings};
use qt_profitdll::structs::{
    SYSTEMTIME, TAssetIDRec, TConnectorAssetIdentifier, TConnectorPriceGroup, TConnectorTrade,
};

/// Exchange time that the library's clock tells: midnight in Brasília before everything of [`at`], ns UTC.
pub const OPEN: i64 = 1_789_095_600_000_000_000;

/// The process has one feed per width, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// What the functions below work on.
pub static VENDOR: Mutex<Vendor> =
    Mutex::new(Vendor { freed: Vec::new(), sides: [Vec::new(), Vec::new()], theory: (0.0, 0) });

/// Blobs that came back, and the ladder of the one asset.
pub struct Vendor {
    pub freed: Vec<(usize, i32)>,
    pub sides: [Vec<TConnectorPriceGroup>; 2],
    pub theory: (f64, i64),
}

pub fn vendor() -> MutexGuard<'static, Vendor> {
    VENDOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handle of a trade is the address of a struct; a struct with price -7 cannot be translated.
unsafe extern "system" fn translate_trade(handle: *mut c_void, out: *mut TConnectorTrade) -> i32 {
    // SAFETY: tests hand over the address of a `TConnectorTrade`.
    let trade = unsafe { *handle.cast::<TConnectorTrade>() };
    if trade.Price == -7.0 {
        return -2_147_483_645;
    }
    // SAFETY: the feed passes a struct.
    unsafe { *out = trade };
    0
}

unsafe extern "system" fn free_pointer(array: *mut c_void, size: i32) -> i32 {
    vendor().freed.push((array as usize, size));
    0
}

unsafe extern "system" fn side_count<W: Wide>(_: *const TConnectorAssetIdentifier<W>, side: u8) -> i32 {
    vendor().sides[usize::from(side)].len() as i32
}

unsafe extern "system" fn price_group<W: Wide>(
    _: *const TConnectorAssetIdentifier<W>,
    side: u8,
    position: i32,
    out: *mut TConnectorPriceGroup,
) -> i32 {
    match vendor().sides[usize::from(side)].get(position as usize) {
        // SAFETY: the feed passes a struct.
        Some(group) => unsafe { *out = *group },
        None => return -2_147_483_639,
    }
    0
}

unsafe extern "system" fn theoretical<W: Wide>(
    _: *const TConnectorAssetIdentifier<W>,
    price: *mut f64,
    qty: *mut i64,
) -> i32 {
    // SAFETY: the feed passes two numbers.
    unsafe { (*price, *qty) = vendor().theory };
    0
}

/// Group of a price depth.
pub fn group(price: f64, qty: i64, count: u32) -> TConnectorPriceGroup {
    TConnectorPriceGroup { Price: price, Quantity: qty, Count: count, ..TConnectorPriceGroup::default() }
}

/// A library and its client.
pub struct Library<W: Wide> {
    pub feed: Feed,
    pub reader: Reader<Event>,
    addresses: HashMap<&'static str, usize>,
    ticker: Vec<W>,
    exchange: Vec<W>,
    _turn: MutexGuard<'static, ()>,
}

pub const TICK: f64 = 0.5;

impl<W: Wide> Library<W> {
    pub fn new() -> Self {
        Self::with(Settings { capacity: 1 << 12, history_capacity: 1 << 10, ..Settings::default() })
    }

    pub fn with(settings: Settings) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        *vendor() = Vendor { freed: Vec::new(), sides: [Vec::new(), Vec::new()], theory: (5_432.5, 70) };
        let feed = Feed::new(&Settings { char_width: W::BYTES, ..settings }).expect("the only one");
        let functions: [(&str, usize); 5] = [
            ("TranslateTrade", translate_trade as *const () as usize),
            ("FreePointer", free_pointer as *const () as usize),
            ("GetPriceDepthSideCount", side_count::<W> as *const () as usize),
            ("GetPriceGroup", price_group::<W> as *const () as usize),
            ("GetTheoreticalValues", theoretical::<W> as *const () as usize),
        ];
        for (name, address) in functions {
            // SAFETY: these have the vendor's declarations.
            unsafe { feed.set_function(name, address) }.expect("known");
        }
        feed.set_exchange_time(OPEN).expect("there");
        feed.add_instrument("WINV26", "F", 9, 5.0).expect("new");
        feed.add_instrument("WDOV26", "F", 3, TICK).expect("new");
        let addresses = feed.callbacks().into_iter().collect();
        let (ticker, exchange) = (W::encode("WDOV26"), W::encode("F"));
        Self { reader: feed.reader(), feed, addresses, ticker, exchange, _turn: turn }
    }

    /// The address that was handed out, as the function that the vendor takes it for.
    ///
    /// # Safety
    /// `F` is the type of that callback.
    pub unsafe fn callback<F: Copy>(&self, name: &str) -> F {
        assert_eq!(size_of::<F>(), size_of::<usize>());
        let address = std::ptr::without_provenance::<()>(self.addresses[name]);
        // SAFETY: the caller's promise.
        unsafe { std::mem::transmute_copy(&address) }
    }

    pub fn asset(&self) -> TAssetIDRec<W> {
        TAssetIDRec {
            pwcTicker: self.ticker.as_ptr(),
            pwcBolsa: self.exchange.as_ptr(),
            ..TAssetIDRec::default()
        }
    }

    pub fn identifier(&self) -> TConnectorAssetIdentifier<W> {
        TConnectorAssetIdentifier {
            Ticker: self.ticker.as_ptr(),
            Exchange: self.exchange.as_ptr(),
            ..TConnectorAssetIdentifier::default()
        }
    }

    pub fn trade(&self, date: &str, number: u32, price: f64, qty: i32, trade_type: i32, is_edit: u16) {
        let date = W::encode(date);
        // SAFETY: the type of the callback; the text lives as long as the call.
        unsafe {
            let call: cb::NewTrade<W> = self.callback("NewTrade");
            call(self.asset(), date.as_ptr(), number, price, 1e5, qty, 85, 3, trade_type, is_edit);
        }
    }

    pub fn trade_v2(&self, name: &str, trade: &TConnectorTrade, flags: u32) {
        // SAFETY: the type of the callback; the struct lives as long as the call.
        unsafe {
            let call: cb::ConnectorTrade<W> = self.callback(name);
            call(self.identifier(), std::ptr::from_ref(trade).cast_mut().cast(), flags);
        }
    }

    /// An update of the book by order, V2. `has`: price, quantity, date, id, agent.
    pub fn offer(
        &self,
        action: i32,
        position: i32,
        side: i32,
        qty: i64,
        price: f64,
        has: [u16; 5],
        date: &str,
    ) {
        let date = W::encode(date);
        let none = std::ptr::null_mut();
        // SAFETY: the type of the callback; the text lives as long as the call.
        unsafe {
            let call: cb::OfferBookV2<W> = self.callback("OfferBookV2");
            let [p, q, d, i, a] = has;
            call(
                self.asset(),
                action,
                position,
                side,
                qty,
                8,
                1234,
                price,
                p,
                q,
                d,
                i,
                a,
                date.as_ptr(),
                none,
                none,
            );
        }
    }

    /// A full image; `None` is a side that is not sent.
    pub fn image(&self, version: Version, sell: Option<&mut Vec<u8>>, buy: Option<&mut Vec<u8>>) {
        let array =
            |bytes: Option<&mut Vec<u8>>| bytes.map_or(std::ptr::null_mut(), |b| b.as_mut_ptr().cast());
        let (sell, buy) = (array(sell), array(buy));
        // SAFETY: the types of the callbacks; the arrays live as long as the call. Scalars are garbage by design.
        unsafe {
            if version == Version::V1 {
                let call: cb::OfferBook<W> = self.callback("OfferBook");
                call(
                    self.asset(),
                    4,
                    -1,
                    77,
                    -1,
                    -1,
                    -1,
                    f64::NAN,
                    9,
                    9,
                    9,
                    9,
                    9,
                    std::ptr::null(),
                    sell,
                    buy,
                );
            } else {
                let call: cb::OfferBookV2<W> = self.callback("OfferBookV2");
                call(
                    self.asset(),
                    4,
                    -1,
                    77,
                    -1,
                    -1,
                    -1,
                    f64::NAN,
                    9,
                    9,
                    9,
                    9,
                    9,
                    std::ptr::null(),
                    sell,
                    buy,
                );
            }
        }
    }

    pub fn depth(&self, side: u8, position: i32, update: u8) {
        // SAFETY: the type of the callback.
        unsafe {
            let call: cb::PriceDepth<W> = self.callback("PriceDepth");
            call(self.identifier(), side, position, update);
        }
    }

    pub fn state(&self, conn_type: i32, result: i32) {
        // SAFETY: the type of the callback.
        unsafe { self.callback::<cb::State>("State")(conn_type, result) }
    }

    /// Events since the last call, without receive time; sequence numbers are checked and left out as well.
    pub fn events(&mut self) -> Vec<Event> {
        let mut out = Vec::new();
        assert_eq!(self.reader.read(usize::MAX, &mut out), 0);
        for pair in out.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence + 1);
            assert!(pair[1].ts_recv >= pair[0].ts_recv);
        }
        assert!(out.iter().all(|e| e.ts_recv > 1_700_000_000_000_000_000 && e.reserved == 0));
        out.into_iter().map(|e| Event { ts_recv: 0, sequence: 0, ..e }).collect()
    }

    pub fn messages(&self) -> Vec<Message> {
        self.feed.take_messages()
    }

    pub fn count(&self, name: &str) -> u64 {
        self.feed.counters().all().into_iter().find(|(n, _)| *n == name).expect("a count of this name").1
    }
}

/// Bytes of one side of a full image, offers as (price, quantity, id), worst first.
pub fn blob(version: Version, offers: &[(f64, i64, i64)], date: &str, flags: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    let offers = offers.iter().map(|&(price, qty, offer_id)| Offer {
        price,
        qty,
        agent: 8,
        offer_id,
        date: date.as_bytes(),
    });
    encode_offers(&mut out, version, offers, flags);
    out
}

/// 2026-09-11 at a time of Brasília, with its text.
pub fn at(hour: u16, minute: u16, second: u16, ms: u16) -> (i64, String, SYSTEMTIME) {
    let midnight = 1_789_095_600_000_000_000_i64; // date -u -d '2026-09-11 03:00' +%s
    let since = ((i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second)) * 1000 + i64::from(ms);
    let text = format!("11/09/2026 {hour:02}:{minute:02}:{second:02}.{ms:03}");
    let system = SYSTEMTIME {
        wYear: 2026,
        wMonth: 9,
        wDay: 11,
        wHour: hour,
        wMinute: minute,
        wSecond: second,
        wMilliseconds: ms,
        ..SYSTEMTIME::default()
    };
    (midnight + since * 1_000_000, text, system)
}
