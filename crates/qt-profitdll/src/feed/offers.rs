//! The book by order: updates by position, and full images decoded where the library left them.
#![allow(unsafe_code)] // the vendor's arrays, within the bounds that their header names

use std::ffi::c_void;

use qt_core::event::{Event, Kind, PX_NONE, action, flag, side};

use super::mapping::{book_side, contracts, ticks};
use super::messages::Value;
use super::stamp::{Date, Dates};
use super::state::{Core, Instrument, State};
use crate::blob::{Offers, Version, bytes};
use crate::callbacks::Chr;
use crate::codes::book_action;
use crate::codes::offer_book_flag::{OB_FIRST_PACKET, OB_LAST_PACKET};
use crate::structs::TAssetIDRec;
use crate::wide::Wide;

/// Arguments of `OfferBook` and `OfferBookV2`.
#[derive(Clone, Copy)]
pub(super) struct Offer<W> {
    pub(super) action: i32,
    pub(super) position: i32,
    pub(super) side: i32,
    pub(super) qty: i64,
    pub(super) agent: i32,
    pub(super) id: i64,
    pub(super) price: f64,
    pub(super) has_price: Chr,
    pub(super) has_qty: Chr,
    pub(super) has_date: Chr,
    pub(super) has_id: Chr,
    pub(super) has_agent: Chr,
    pub(super) date: *const W,
    pub(super) sell: *mut c_void,
    pub(super) buy: *mut c_void,
    pub(super) version: Version,
}

/// Where the full image of a book stands.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// One was complete since the start or the last gap.
    complete: bool,
    /// Pages are coming.
    open: bool,
}

impl<W: Wide> State<W> {
    /// One call of the book by order.
    ///
    /// # Safety
    /// As the vendor calls back: strings or NULLs, and arrays that are NULL or as long as they say.
    #[inline(always)]
    pub(super) unsafe fn offer_book(&mut self, asset: TAssetIDRec<W>, offer: &Offer<W>) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.table.find(asset.pwcTicker, asset.pwcBolsa) {
                None => self.unknown(asset.pwcTicker),
                Some(instrument) if offer.action == book_action::FULL_BOOK => {
                    image(&mut self.core, instrument, offer);
                }
                Some(instrument) => update(&mut self.core, instrument, offer),
            }
            self.free(offer.sell);
            self.free(offer.buy);
        }
    }

    /// Hands an array back to the library, once.
    ///
    /// # Safety
    /// `array` is NULL, or one that the library gave and that was not handed back yet.
    #[inline(always)]
    pub(super) unsafe fn free(&mut self, array: *mut c_void) {
        if array.is_null() {
            return;
        }
        let Some(free) = self.functions.free_pointer else {
            let count = self.core.counters.unfreed.up();
            let text = Value::Text("FreePointer was not given".into());
            return self.core.report("unfreed", count, Value::Text(String::new()), text);
        };
        // SAFETY: every array begins with two integers, of which the second is its size.
        unsafe { free(array, array.cast::<i32>().add(1).read_unaligned()) };
        self.core.counters.freed.up();
    }
}

/// An add, edit, delete or delete-from.
///
/// # Safety
/// `offer.date` is NULL, or readable up to its NUL.
#[inline(always)]
unsafe fn update<W: Wide>(core: &mut Core, instrument: &mut Instrument, offer: &Offer<W>) {
    let mut date = Date::Absent;
    if offer.has_date != 0 && offer.action <= book_action::EDIT {
        // SAFETY: the caller's promise.
        date = unsafe { core.dates.of_text(offer.date) };
        date = core.saw(instrument, date);
        if date == Date::Unreadable {
            core.counters.bad_date.up();
        }
    }
    let Some(side) = book_side(offer.side).filter(|_| offer.position >= 0) else {
        return senseless(core, instrument, "side or position", offer.position);
    };
    let event = Event { side, ref_b: offer.position, ..core.dated(instrument, Kind::Order, date) };
    let event = match offer.action {
        book_action::ADD => {
            let (px, size) = (ticks(offer.price, instrument.ticks_per_point), contracts(offer.qty));
            let (Some(px), Some(size)) = (px, size) else { return misfit(core, instrument, px, offer) };
            Event { action: action::ADD, id: offer.id, px, size, ref_a: offer.agent, ..event }
        }
        book_action::EDIT => {
            let px = if offer.has_price == 0 {
                Some(PX_NONE)
            } else {
                ticks(offer.price, instrument.ticks_per_point)
            };
            let (size, flags) = if offer.has_qty == 0 {
                (Some(0), flag::DELTA) // nothing added
            } else if core.edit_is_change {
                (i32::try_from(offer.qty).ok(), flag::DELTA)
            } else {
                (contracts(offer.qty), 0)
            };
            let (Some(px), Some(size)) = (px, size) else { return misfit(core, instrument, px, offer) };
            Event {
                action: action::EDIT,
                id: if offer.has_id == 0 { 0 } else { offer.id },
                px,
                size,
                ref_a: if offer.has_agent == 0 { 0 } else { offer.agent },
                flags,
                ..event
            }
        }
        book_action::DELETE => Event { action: action::DELETE, ..event },
        book_action::DELETE_FROM => Event { action: action::DELETE_FROM, ..event },
        other => return senseless(core, instrument, "action", other),
    };
    core.counters.orders.up();
    core.push(event);
}

/// An update that cannot be understood: whatever it changed, the book is no longer the library's.
#[cold]
#[inline(never)]
fn senseless(core: &mut Core, instrument: &mut Instrument, what: &str, number: i32) {
    let count = core.counters.malformed.up();
    let ticker = Value::Kept(instrument.ticker.clone());
    core.report("malformed", count, ticker, Value::Text(format!("offer book: {what} {number}")));
    core.gap(instrument, 1);
}

/// An update with a price or a quantity that the record cannot hold. It would take a place in the list, and without it
/// every later position would be off by one: the book is void.
#[cold]
#[inline(never)]
fn misfit<W>(core: &mut Core, instrument: &mut Instrument, px: Option<i32>, offer: &Offer<W>) {
    let ticker = Value::Kept(instrument.ticker.clone());
    if px.is_none() {
        let count = core.counters.off_tick.up();
        core.report("off_tick", count, ticker, Value::Float(offer.price));
    } else {
        let count = core.counters.out_of_range.up();
        core.report("out_of_range", count, ticker, Value::Int(offer.qty));
    }
    core.gap(instrument, 1);
}

/// A full image, or a page of one.
///
/// Before 4.0.0.36 every call is an image of the sides that it carries. From then on the first page says so, and so does
/// the last one.
///
/// # Safety
/// The arrays are NULL or as long as they say.
#[cold]
#[inline(never)]
unsafe fn image<W: Wide>(core: &mut Core, instrument: &mut Instrument, offer: &Offer<W>) {
    let ticks_per_point = instrument.ticks_per_point;
    // SAFETY: the caller's promise.
    let mut seen = |array| unsafe { Array::of(array, offer.version, ticks_per_point, &mut core.dates) };
    let (sell, buy) = match (seen(offer.sell), seen(offer.buy)) {
        (Ok(sell), Ok(buy)) if sell.is_some() || buy.is_some() => (sell, buy),
        (Err(what), _) | (_, Err(what)) => return refused(core, instrument, &what),
        _ => return refused(core, instrument, "neither side is there"),
    };
    let both = [&sell, &buy];
    let flags = both.into_iter().flatten().fold(0, |all, a| all | a.flags);
    for array in both.into_iter().flatten() {
        let _ = core.saw(instrument, array.newest);
    }
    let (first, last) = (flags & OB_FIRST_PACKET != 0, flags & OB_LAST_PACKET != 0);
    core.habits.paged |= first;
    let ends = if first {
        core.bound(instrument, Kind::Order, action::SNAPSHOT_BEGIN);
        instrument.image.open = true;
        last
    } else if instrument.image.open {
        last
    } else if core.habits.paged {
        return refused(core, instrument, "a page without a first one");
    } else if both.iter().all(|a| a.is_some()) || !instrument.image.complete {
        core.bound(instrument, Kind::Order, action::SNAPSHOT_BEGIN);
        true
    } else {
        // One side of a book that is complete: only that side is new.
        let side = if sell.is_some() { side::SELL } else { side::BUY };
        let clear = Event { action: action::CLEAR, side, ..core.record(instrument, Kind::Order) };
        core.push(Event { flags: flag::SNAPSHOT, ..clear });
        false
    };
    for (array, side) in [(sell, side::SELL), (buy, side::BUY)] {
        let Some(array) = array else { continue };
        let base = Event {
            side,
            action: action::ADD,
            flags: flag::SNAPSHOT,
            ..core.record(instrument, Kind::Order)
        };
        // The arrays run from the worst offer to the best, so each one is the best when it comes.
        for entry in array.offers.iter() {
            let (Some(px), Some(size)) = (ticks(entry.price, ticks_per_point), contracts(entry.qty)) else {
                continue;
            };
            core.counters.orders.up();
            core.push(Event { id: entry.offer_id, px, size, ref_a: entry.agent, ..base });
        }
    }
    if ends {
        instrument.image = Image { complete: true, open: false };
        core.counters.images.up();
        core.bound(instrument, Kind::Order, action::SNAPSHOT_END);
    }
}

/// An image that cannot be used as a whole is not used at all.
fn refused(core: &mut Core, instrument: &mut Instrument, what: &str) {
    let count = core.counters.malformed.up();
    let ticker = Value::Kept(instrument.ticker.clone());
    core.report("malformed", count, ticker, Value::Text(format!("offer book image: {what}")));
    core.gap(instrument, 0);
}

/// An array of a full image that was looked through: every offer can be used.
struct Array<'a> {
    offers: Offers<'a>,
    newest: Date,
    flags: u32,
}

impl Array<'_> {
    /// Looks an array through; `None` for NULL.
    ///
    /// # Safety
    /// `array` is NULL, or an array of the library that lives as long as the value.
    unsafe fn of<'a>(
        array: *mut c_void,
        version: Version,
        ticks_per_point: f64,
        dates: &mut Dates,
    ) -> Result<Option<Array<'a>>, String> {
        if array.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        let decoded = unsafe { bytes(array) }.and_then(|blob| Offers::decode(blob, version));
        let offers = decoded.map_err(|e| e.to_string())?;
        let mut newest = Date::Absent;
        for offer in offers.iter() {
            if ticks(offer.price, ticks_per_point).is_none() {
                return Err("a price is between two ticks".into());
            }
            if contracts(offer.qty).is_none() {
                return Err("a quantity is out of range".into());
            }
            if let Date::At(ts) = dates.of_bytes(offer.date)
                && !matches!(newest, Date::At(t) if t >= ts)
            {
                newest = Date::At(ts);
            }
        }
        Ok(Some(Array { offers, newest, flags: offers.flags().unwrap_or(0) }))
    }
}
