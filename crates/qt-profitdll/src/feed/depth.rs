//! The book by price: notifications without data, and a ladder that is read and compared with the last one.
#![allow(unsafe_code)] // the library's functions

use qt_core::event::{Event, Kind, action, flag, side};

use super::mapping::{contracts, ticks};
use super::messages::Value;
use super::state::{Core, Functions, Instrument, State};
use crate::codes::depth_update as update;
use crate::codes::price_group_flag::PG_IS_THEORIC;
use crate::structs::{TConnectorAssetIdentifier, TConnectorPriceGroup};
use crate::wide::Wide;

/// Levels of a side that are followed, best first.
pub const MAX_DEPTH: usize = 1024;

/// One price of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rung {
    px: i32,
    size: i32,
    orders: i32,
}

/// One side as it was read last, best first.
#[derive(Debug)]
struct Ladder {
    rungs: Vec<Rung>,
    /// Whether the library has entries that have no rung here, so that positions differ.
    irregular: bool,
}

/// What is known of the ladder of an instrument.
#[derive(Debug)]
pub(super) struct Depth {
    /// Bids and asks, as the library numbers them.
    sides: [Ladder; 2],
    /// Where the next state is read into; trades places with a side.
    next: Vec<Rung>,
    /// What was written since the start or the last gap is the ladder.
    synced: bool,
    /// Between prepare and flush: reading would only see what changes again.
    burst: bool,
    /// A full book was announced inside the burst.
    image_due: bool,
}

impl Default for Depth {
    fn default() -> Self {
        let room = || Vec::with_capacity(MAX_DEPTH);
        let side = || Ladder { rungs: room(), irregular: false };
        Self { sides: [side(), side()], next: room(), synced: false, burst: false, image_due: false }
    }
}

impl Depth {
    /// After a gap the next notification leads to a full image.
    pub(super) fn forget(&mut self) {
        self.synced = false;
        self.burst = false;
        self.image_due = false;
    }
}

impl<W: Wide> State<W> {
    /// One notification.
    ///
    /// # Safety
    /// As the vendor calls back: `asset` holds strings or NULLs.
    #[inline(always)]
    pub(super) unsafe fn price_depth(
        &mut self,
        asset: TConnectorAssetIdentifier<W>,
        side: u8,
        position: i32,
        kind: u8,
    ) {
        // SAFETY: the caller's promise.
        let Some(instrument) = (unsafe { self.table.find(asset.Ticker, asset.Exchange) }) else {
            // SAFETY: as above.
            return unsafe { self.unknown(asset.Ticker) };
        };
        let core = &mut self.core;
        core.habits.asks_told |= side == 1;
        let source = Source { functions: &self.functions, asset: &asset };
        let depth = &mut instrument.depth;
        match kind {
            update::PREPARE if depth.burst => source.refresh(core, instrument), // the flush of the last one is missing
            update::PREPARE => depth.burst = true,
            update::FLUSH => {
                depth.burst = false;
                source.refresh(core, instrument);
            }
            update::THEORETICAL_PRICE => source.theoretical(core, instrument),
            update::FULL_BOOK => {
                depth.image_due = true;
                if !depth.burst {
                    source.refresh(core, instrument);
                }
            }
            update::ADD | update::EDIT | update::DELETE | update::INSERT | update::DELETE_FROM
                if side <= 1 =>
            {
                if !depth.burst && !source.step(core, instrument, side, position, kind) {
                    source.refresh(core, instrument);
                }
            }
            _ => {
                let count = core.counters.malformed.up();
                let text = Value::Text(format!("price depth: side {side}, update {kind}"));
                core.report("malformed", count, Value::Kept(instrument.ticker.clone()), text);
            }
        }
    }
}

/// The library's ladder of one asset.
struct Source<'a, W: Wide> {
    functions: &'a Functions<W>,
    asset: &'a TConnectorAssetIdentifier<W>,
}

impl<W: Wide> Source<'_, W> {
    /// Follows a change of one level without reading the others; false when the ladder has to be read as a whole. The
    /// library may be ahead of its notification, so what it says is checked against what is known.
    #[inline(always)]
    fn step(&self, core: &mut Core, instrument: &mut Instrument, side: u8, position: i32, kind: u8) -> bool {
        let depth = &mut instrument.depth;
        let ladder = &mut depth.sides[usize::from(side)];
        if !depth.synced || depth.image_due || ladder.irregular || position < 0 {
            return false;
        }
        let (at, have) = (position as usize, ladder.rungs.len());
        let count = self.count(side);
        let rung_at = |at: usize| match self.group(side, at, instrument.ticks_per_point) {
            Ok(Some(rung)) => Some(rung),
            _ => None,
        };
        let (rung, action) = match kind {
            update::EDIT if count == Some(have) && at < have => {
                let Some(rung) = rung_at(at).filter(|r| r.px == ladder.rungs[at].px) else { return false };
                if std::mem::replace(&mut ladder.rungs[at], rung) == rung {
                    return core.habits.asks_told; // seen before, or on the other side
                }
                (rung, action::EDIT)
            }
            update::ADD | update::INSERT if count == Some(have + 1) && at <= have && have < MAX_DEPTH => {
                let Some(rung) = rung_at(at) else { return false };
                let above = at.checked_sub(1).is_none_or(|i| better(side, ladder.rungs[i].px, rung.px));
                let below = ladder.rungs.get(at).is_none_or(|r| better(side, rung.px, r.px));
                if !above || !below {
                    return false;
                }
                ladder.rungs.insert(at, rung);
                (rung, action::ADD)
            }
            update::DELETE if at < have && count == Some(have - 1) => {
                if let Some(next) = ladder.rungs.get(at + 1)
                    && rung_at(at).is_none_or(|r| r.px != next.px)
                {
                    return false;
                }
                (Rung { size: 0, orders: 0, ..ladder.rungs.remove(at) }, action::DELETE)
            }
            _ => return false,
        };
        let event = level(core.record(instrument, Kind::Level), side, rung, action, 0);
        core.counters.levels.up();
        core.push(event);
        true
    }

    /// Reads both sides and writes what is different, as one packet; or a full image, where one is due.
    #[inline(never)]
    fn refresh(&self, core: &mut Core, instrument: &mut Instrument) {
        let image = !instrument.depth.synced || instrument.depth.image_due;
        if image {
            instrument.depth.sides.iter_mut().for_each(|s| s.rungs.clear());
        }
        let mut begun = false;
        let mut held: Option<Event> = None;
        for side in [0, 1] {
            let Some(irregular) = self.read(core, instrument, side) else {
                let count = core.counters.depth_errors.up();
                let ticker = Value::Kept(instrument.ticker.clone());
                let text = Value::Text(format!("side {side} cannot be read"));
                core.report("depth_errors", count, ticker, text);
                if begun {
                    core.gap(instrument, 0); // an image that stays without its end
                }
                break;
            };
            if image && !begun {
                core.bound(instrument, Kind::Level, action::SNAPSHOT_BEGIN);
                begun = true;
            }
            let base = core.record(instrument, Kind::Level);
            let depth = &mut instrument.depth;
            let ladder = &mut depth.sides[usize::from(side)];
            ladder.irregular = irregular;
            std::mem::swap(&mut ladder.rungs, &mut depth.next);
            compare(side, &depth.next, &ladder.rungs, |rung, action| {
                core.counters.levels.up();
                if image {
                    core.push(level(base, side, rung, action, flag::SNAPSHOT));
                } else if let Some(last) = held.replace(level(base, side, rung, action, 0)) {
                    core.push(Event { flags: flag::MORE, ..last });
                }
            });
            if begun && side == 1 {
                depth.synced = true;
                depth.image_due = false;
                core.bound(instrument, Kind::Level, action::SNAPSHOT_END);
            }
        }
        if let Some(last) = held {
            core.push(last);
        }
    }

    /// Reads a side into `depth.next`; whether it has entries that have no rung, `None` when it cannot be read.
    fn read(&self, core: &mut Core, instrument: &mut Instrument, side: u8) -> Option<bool> {
        let count = self.count(side)?;
        let mut irregular = count > MAX_DEPTH;
        instrument.depth.next.clear();
        for at in 0..count.min(MAX_DEPTH) {
            let rung = match self.group(side, at, instrument.ticks_per_point) {
                Ok(Some(rung)) => rung,
                Ok(None) => {
                    irregular = true;
                    continue;
                }
                Err(Unusable::Price(price)) => {
                    irregular = true;
                    let n = core.counters.off_tick.up();
                    let ticker = Value::Kept(instrument.ticker.clone());
                    core.report("off_tick", n, ticker, Value::Float(price));
                    continue;
                }
                Err(Unusable::Quantity(qty)) => {
                    irregular = true;
                    let n = core.counters.out_of_range.up();
                    let ticker = Value::Kept(instrument.ticker.clone());
                    core.report("out_of_range", n, ticker, Value::Int(qty));
                    continue;
                }
                Err(Unusable::Gone) => {
                    // The ladder shrank while it was read; a notification about that is on its way.
                    irregular = true;
                    core.counters.depth_errors.up();
                    break;
                }
            };
            let next = &mut instrument.depth.next;
            if next.last().is_none_or(|last| better(side, last.px, rung.px)) {
                next.push(rung);
            } else {
                irregular = true;
                core.counters.depth_errors.up();
            }
        }
        Some(irregular)
    }

    fn count(&self, side: u8) -> Option<usize> {
        // SAFETY: the library's function, and the asset that it has just named.
        let count = unsafe { self.functions.side_count?(self.asset, side) };
        self.functions.price_group?;
        usize::try_from(count).ok()
    }

    /// The level at a position; `None` for a theoretical one.
    fn group(&self, side: u8, at: usize, ticks_per_point: f64) -> Result<Option<Rung>, Unusable> {
        let read = self.functions.price_group.ok_or(Unusable::Gone)?;
        let mut group = TConnectorPriceGroup::default();
        // SAFETY: the library's function, the asset that it has just named, and a struct that says its version.
        if unsafe { read(self.asset, side, at as i32, &raw mut group) } != 0 {
            return Err(Unusable::Gone);
        }
        if group.PriceGroupFlags & PG_IS_THEORIC != 0 {
            return Ok(None);
        }
        let px = ticks(group.Price, ticks_per_point).ok_or(Unusable::Price(group.Price))?;
        let size = contracts(group.Quantity).ok_or(Unusable::Quantity(group.Quantity))?;
        Ok(Some(Rung { px, size, orders: i32::try_from(group.Count).unwrap_or(i32::MAX) }))
    }

    fn theoretical(&self, core: &mut Core, instrument: &Instrument) {
        let (mut price, mut qty) = (0.0, 0);
        let read = self.functions.theoretical;
        // SAFETY: the library's function, the asset that it has just named, and two numbers to fill.
        if read.is_some_and(|f| unsafe { f(self.asset, &raw mut price, &raw mut qty) } == 0) {
            let (ticker, exchange) = (instrument.ticker.clone(), instrument.exchange.clone());
            let values =
                vec![Value::Kept(ticker), Value::Kept(exchange), Value::Float(price), Value::Int(qty)];
            core.say("theoretical", values);
        } else {
            core.counters.depth_errors.up();
        }
    }
}

/// Why a level has no rung.
enum Unusable {
    Gone,
    Price(f64),
    Quantity(i64),
}

/// Whether a price is better than another one: greater for bids, less for asks.
#[inline(always)]
const fn better(side: u8, px: i32, than: i32) -> bool {
    if side == 0 { px > than } else { px < than }
}

#[inline(always)]
const fn level(base: Event, side: u8, rung: Rung, action: u8, flags: u16) -> Event {
    let side = if side == 0 { side::BUY } else { side::SELL };
    Event { side, action, flags, px: rung.px, size: rung.size, ref_a: rung.orders, ..base }
}

/// Tells what leads from one ladder to another, best first.
fn compare(side: u8, old: &[Rung], new: &[Rung], mut tell: impl FnMut(Rung, u8)) {
    let mut old = old.iter().peekable();
    for rung in new {
        while let Some(gone) = old.next_if(|o| better(side, o.px, rung.px)) {
            tell(Rung { size: 0, orders: 0, ..*gone }, action::DELETE);
        }
        match old.next_if(|o| o.px == rung.px) {
            Some(same) if same == rung => {}
            Some(_) => tell(*rung, action::EDIT),
            None => tell(*rung, action::ADD),
        }
    }
    for gone in old {
        tell(Rung { size: 0, orders: 0, ..*gone }, action::DELETE);
    }
}
