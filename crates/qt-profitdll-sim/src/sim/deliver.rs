//! Calls the client's callbacks, with text that dies when they return.

#![allow(unsafe_code)] // calls through the client's function pointers; the macro says why it is sound

use qt_profitdll::blob::{self, Version};
use qt_profitdll::codes::{book_action, offer_book_flag, trade_flag};
use qt_profitdll::structs::{TAssetIDRec, TConnectorAssetIdentifier};
use qt_profitdll::time;

use super::arena::Frame;
use super::connector::snapshot;
use super::session::Session;
use super::world::{Subscription, kind};
use super::{Current, SIM, Sin, W, clock, lock};
use crate::feed::Spec;
use crate::market::{Action, Group, Offer, Print, Side, Update, depth};

/// The date text of a record without a date.
const NO_DATE: &[u8] = b"30/12/1899 00:00:00.000";

/// Calls a callback if there is one, and watches how long it takes.
macro_rules! call {
    ($slot:ident($($arg:expr),* $(,)?)) => {
        if let Some(callback) = SIM.slots.$slot.call() {
            // SAFETY: the client registered this function for this slot; the text outlives the call.
            watched(stringify!($slot), || unsafe { callback($($arg),*) });
        }
    };
}

pub(crate) use call;

/// Runs a callback; one that takes too long is a sin.
pub(crate) fn watched(name: &str, callback: impl FnOnce()) {
    let begun = clock::now();
    callback();
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    if ms > SLOW.with(std::cell::Cell::get) {
        SIM.sin(Sin::SlowCallback, || format!("{name} took {ms:.1} ms"));
    }
}

thread_local! {
    /// Milliseconds after which a callback is slow.
    static SLOW: std::cell::Cell<f64> = const { std::cell::Cell::new(1.0) };
}

/// Delivers to whoever subscribed.
pub struct Delivery<'a> {
    session: &'a Session,
    specs: Vec<Spec>,
    /// Who asked for what.
    pub subscriptions: Vec<Subscription>,
    /// Room for updates, kept between packets.
    pub updates: Vec<Update>,
    /// The last trade of every instrument.
    pub last: Vec<Option<Print>>,
    handles: usize,
}

fn record(frame: &Frame<'_>, s: &Subscription) -> TAssetIDRec<W> {
    TAssetIDRec { pwcTicker: frame.wide(&s.ticker), pwcBolsa: frame.wide(&s.exchange), nFeed: 0 }
}

fn identifier(frame: &Frame<'_>, s: &Subscription) -> TConnectorAssetIdentifier<W> {
    TConnectorAssetIdentifier {
        Ticker: frame.wide(&s.ticker),
        Exchange: frame.wide(&s.exchange),
        ..TConnectorAssetIdentifier::default()
    }
}

fn date(ns: i64) -> [u8; blob::DATE] {
    if ns == 0 { NO_DATE.try_into().unwrap_or([b'0'; blob::DATE]) } else { time::format(ns) }
}

fn narrow(n: i64) -> i32 {
    n.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// A connection state.
pub fn state(connection: i32, state: i32) {
    call!(state(connection, state));
}

/// The health of the delivery.
pub fn health(state: i32) {
    call!(health(state));
}

/// Progress of a history request.
pub fn progress(asset: &Subscription, percent: i32) {
    let frame = SIM.arena.frame();
    call!(progress(record(&frame, asset), percent));
}

/// A name that no asset has.
pub fn invalid_ticker(ticker: &str, exchange: &str) {
    let frame = SIM.arena.frame();
    call!(invalid_ticker(identifier(&frame, &Subscription::new(0, ticker, exchange, 0))));
}

impl<'a> Delivery<'a> {
    /// Nobody subscribed yet.
    pub fn new(session: &'a Session) -> Self {
        SLOW.with(|ms| ms.set(session.scenario.strict.slow_callback_ms));
        let specs = snapshot(session, |world| world.specs.clone());
        let last = vec![None; specs.len()];
        Self { session, specs, subscriptions: Vec::new(), updates: Vec::new(), last, handles: 0x51 << 32 }
    }

    /// Details of an asset.
    pub fn ticker_info(&self, instrument: usize, ticker: &str) {
        let spec = &self.specs[instrument];
        let asset = Subscription::new(instrument, ticker, &spec.exchange, 0);
        let frame = SIM.arena.frame();
        let name = frame.text(&spec.name);
        let (validity, isin) = (frame.ascii(b"31/12/2025"), frame.ascii(b"BRBMEFWDO000"));
        let sector = [frame.text("Derivativos"), frame.text("Futuros"), frame.text("Minicontratos")];
        // 0 future; 13 mini contract.
        let (least, most, lot, security, subtype) = (1, 10_000, 1, 0, 13);
        call!(asset_list(record(&frame, &asset), name));
        call!(asset_list_info(
            record(&frame, &asset),
            name,
            name,
            least,
            most,
            lot,
            security,
            subtype,
            spec.tick_size,
            spec.point_value,
            validity,
            isin,
        ));
        call!(asset_list_info_v2(
            record(&frame, &asset),
            name,
            name,
            least,
            most,
            lot,
            security,
            subtype,
            spec.tick_size,
            spec.point_value,
            validity,
            isin,
            sector[0],
            sector[1],
            sector[2],
        ));
    }

    /// The adjustments of a scenario.
    pub fn adjustments(&self, s: &Subscription) {
        for adjustment in &self.session.scenario.market.adjustments {
            let frame = SIM.arena.frame();
            let (kind, note) = (frame.text(&adjustment.kind), frame.text(&adjustment.note));
            let day = frame.text(&adjustment.date);
            let affects = adjustment.affects_price;
            call!(adjust_history(
                record(&frame, s),
                adjustment.value,
                kind,
                note,
                day,
                day,
                day,
                affects.into()
            ));
            call!(adjust_history_v2(
                record(&frame, s),
                adjustment.value,
                kind,
                note,
                day,
                day,
                day,
                affects.into(),
                adjustment.multiplier,
            ));
        }
    }

    /// What a new subscriber of a ticker hears first: state, the day, the best offers.
    pub fn first_values(&self, s: &Subscription) {
        let (state, now, best) = snapshot(self.session, |world| {
            let instrument = &world.instruments[s.instrument];
            (instrument.state(), instrument.now_ns(), Side::BOTH.map(|side| instrument.best(side)))
        });
        ticker_state(s, state as i32, now);
        self.daily(s);
        for side in Side::BOTH {
            if let Some((px, size)) = best[side as usize] {
                self.tiny(s, side, px, size);
            }
        }
    }

    // ---- the market

    /// Tells what a packet changed.
    pub fn updates(&mut self, instrument: usize, updates: &[Update]) {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        for update in updates {
            if let Update::Trade(print) = update
                && print.ts != 0
            {
                self.last[instrument] = Some(*print);
            }
            for s in subscriptions.iter().filter(|s| s.instrument == instrument) {
                self.update(s, update);
            }
        }
        let ladder = updates.iter().any(|u| matches!(u, Update::Depth { .. }));
        for s in subscriptions.iter().filter(|s| s.instrument == instrument) {
            if ladder && s.kinds & kind::PRICES != 0 {
                self.price_book(s);
            }
        }
        self.subscriptions = subscriptions;
    }

    fn update(&mut self, s: &Subscription, update: &Update) {
        let has = |kind| s.kinds & kind != 0;
        match *update {
            Update::Offer(side, action) if has(kind::OFFERS) => self.offer(s, side, action),
            Update::FullBook if has(kind::OFFERS) => self.offer_book(s),
            Update::Depth { side, position, kind } if has(kind::DEPTH) => self.depth(s, side, position, kind),
            Update::Trade(print) if has(kind::TICKER) => self.trade(s, &print),
            Update::Tiny { side, px, size } if has(kind::TICKER) => self.tiny(s, side, px, size),
            Update::Daily if has(kind::TICKER) => self.daily(s),
            Update::State(state, ts) if has(kind::TICKER) => ticker_state(s, state as i32, ts),
            Update::Theoretical if has(kind::TICKER) => self.theoretical(s),
            _ => {}
        }
    }

    fn price(&self, s: &Subscription, px: i32) -> f64 {
        f64::from(px) * self.specs[s.instrument].tick_size
    }

    fn volume(&self, s: &Subscription, print: &Print) -> f64 {
        self.price(s, print.px) * print.size as f64 * self.specs[s.instrument].point_value
    }

    fn trade(&mut self, s: &Subscription, print: &Print) {
        let (price, volume) = (self.price(s, print.px), self.volume(s, print));
        let frame = SIM.arena.frame();
        let day = frame.ascii(&date(print.ts));
        call!(new_trade(
            record(&frame, s),
            day,
            print.number,
            price,
            volume,
            narrow(print.size),
            print.buyer,
            print.seller,
            print.kind.into(),
            print.edit.into(),
        ));
        let flags = if print.edit { trade_flag::TC_IS_EDIT } else { 0 };
        if SIM.slots.trade_v2.get().is_some() {
            let handle = self.open_trade(print, price, volume);
            call!(trade_v2(identifier(&frame, s), handle, flags));
            close_trade();
        }
        call!(change_cotation(record(&frame, s), day, print.number, price));
    }

    /// A trade of a history request.
    pub fn history_trade(&mut self, s: &Subscription, print: &Print, last: bool) {
        let (price, volume) = (self.price(s, print.px), self.volume(s, print));
        let frame = SIM.arena.frame();
        let day = frame.ascii(&date(print.ts));
        call!(history_trade(
            record(&frame, s),
            day,
            print.number,
            price,
            volume,
            narrow(print.size),
            print.buyer,
            print.seller,
            print.kind.into(),
        ));
        if SIM.slots.history_trade_v2.get().is_some() {
            let edit = if print.edit { trade_flag::TC_IS_EDIT } else { 0 };
            let flags = edit | if last { trade_flag::TC_LAST_PACKET } else { 0 };
            let handle = self.open_trade(print, price, volume);
            call!(history_trade_v2(identifier(&frame, s), handle, flags));
            close_trade();
        }
    }

    /// An opaque handle of a trade: no address, so that nobody reads through it.
    fn open_trade(&mut self, print: &Print, price: f64, volume: f64) -> *mut std::ffi::c_void {
        self.handles += 16;
        *lock(&SIM.trade) = Some(Current { handle: self.handles, print: *print, price, volume });
        std::ptr::without_provenance_mut(self.handles)
    }

    fn tiny(&self, s: &Subscription, side: Side, px: i32, size: i64) {
        let frame = SIM.arena.frame();
        call!(tiny_book(record(&frame, s), self.price(s, px), narrow(size), side as i32));
    }

    fn theoretical(&self, s: &Subscription) {
        let value = snapshot(self.session, |world| world.instruments[s.instrument].theoretical());
        let (px, size) = value.unwrap_or((0, 0));
        let frame = SIM.arena.frame();
        call!(theoretical_price(record(&frame, s), self.price(s, px), size));
    }

    fn daily(&self, s: &Subscription) {
        if SIM.slots.daily.get().is_none() {
            return;
        }
        let (day, now) = snapshot(self.session, |w| (*w.instruments[s.instrument].daily(), w.now_ns));
        let spec = &self.specs[s.instrument];
        let close = previous_close(self.session, spec);
        let ohlc = if day.total[1] == 0 { [close; 4] } else { day.ohlc.map(|px| self.price(s, px)) };
        let money = day.turnover.map(|t| t as f64 * spec.tick_size * spec.point_value);
        let limit = |share: f64| (close * share / spec.tick_size).round() * spec.tick_size;
        let frame = SIM.arena.frame();
        let text = frame.ascii(&date(if day.ts == 0 { now } else { day.ts }));
        call!(daily(
            record(&frame, s),
            text,
            ohlc[0],
            ohlc[1],
            ohlc[2],
            ohlc[3],
            money[0],
            close,
            limit(1.06),
            limit(0.94),
            money[1],
            money[2],
            narrow(day.total[0]),
            narrow(day.total[1]),
            0,
            narrow(day.bought[0]),
            narrow(day.sold[0]),
            narrow(day.bought[1]),
            narrow(day.sold[1]),
        ));
    }

    // ---- books

    /// The books of a subscription, whole.
    pub fn full_books(&self, s: &Subscription, kinds: u8) {
        if kinds & kind::OFFERS != 0 {
            self.offer_book(s);
        }
        if kinds & kind::PRICES != 0 {
            self.price_book(s);
        }
        if kinds & kind::DEPTH != 0 {
            for side in Side::BOTH {
                self.depth(s, side, 0, depth::Kind::FullBook);
            }
        }
    }

    fn depth(&self, s: &Subscription, side: Side, position: usize, kind: depth::Kind) {
        // Before .34 the side was always that of the bids.
        let side = if self.session.build < 34 { Side::Buy } else { side };
        let frame = SIM.arena.frame();
        call!(price_depth(identifier(&frame, s), side as u8, position as i32, kind as u8));
    }

    fn offer(&self, s: &Subscription, side: Side, action: Action) {
        let none = std::ptr::null_mut();
        let empty = Offer::default();
        let (code, position, qty, offer, has) = match action {
            Action::Add { position, offer } => (book_action::ADD, position, offer.size, offer, [1; 5]),
            Action::Edit { position, delta, before, offer } => {
                // Price, quantity, date, id, agent: what did not change is not said.
                let has =
                    [offer.px != before.px, true, false, offer.id != before.id, offer.agent != before.agent];
                (book_action::EDIT, position, delta, offer, has.map(u16::from))
            }
            Action::Delete { position } => (book_action::DELETE, position, 0, empty, [0; 5]),
            Action::DeleteFrom { position } => (book_action::DELETE_FROM, position, 0, empty, [0; 5]),
        };
        let px = if has[0] == 1 { self.price(s, offer.px) } else { 0.0 };
        let said = |n: usize, value: i64| if has[n] == 1 { value } else { 0 };
        let (id, agent) = (said(3, offer.id), said(4, offer.agent.into()) as i32);
        let position = position as i32;
        let frame = SIM.arena.frame();
        let day = if has[2] == 1 { frame.ascii(&date(offer.ts)) } else { frame.ascii(b"") };
        call!(offer_book(
            record(&frame, s),
            code,
            position,
            side as i32,
            narrow(qty),
            agent,
            id,
            px,
            has[0],
            has[1],
            has[2],
            has[3],
            has[4],
            day,
            none,
            none,
        ));
        call!(offer_book_v2(
            record(&frame, s),
            code,
            position,
            side as i32,
            qty,
            agent,
            id,
            px,
            has[0],
            has[1],
            has[2],
            has[3],
            has[4],
            day,
            none,
            none,
        ));
    }

    fn offer_book(&self, s: &Subscription) {
        let Some(sides) = snapshot(self.session, |world| {
            let instrument = &world.instruments[s.instrument];
            // Half an image is no book; the whole one follows.
            (!instrument.is_loading()).then(|| Side::BOTH.map(|side| instrument.offers(side).to_vec()))
        }) else {
            return;
        };
        let paged = self.session.build >= 36 && self.session.scenario.profile.page_size > 0;
        let longest = sides[0].len().max(sides[1].len());
        let page = if paged { self.session.scenario.profile.page_size } else { longest.max(1) };
        let pages = longest.div_ceil(page).max(1);
        for i in 0..pages {
            let mut flags = if i + 1 == pages { offer_book_flag::OB_LAST_PACKET } else { 0 };
            if i == 0 && self.session.build >= 36 {
                flags |= offer_book_flag::OB_FIRST_PACKET;
            }
            // Worst first: pages follow each other towards the best.
            let part = |side: Side| {
                let all = &sides[side as usize];
                &all[(i * page).min(all.len())..((i + 1) * page).min(all.len())]
            };
            let hand = |side, version| self.hand_offers(s, part(side), version, flags);
            let frame = SIM.arena.frame();
            let (asset, day) = (record(&frame, s), frame.ascii(b""));
            let (code, nan) = (book_action::FULL_BOOK, f64::NAN);
            if SIM.slots.offer_book.get().is_some() {
                let (sell, buy) = (hand(Side::Sell, Version::V1), hand(Side::Buy, Version::V1));
                call!(offer_book(asset, code, -1, -1, -1, -1, -1, nan, 0, 0, 0, 0, 0, day, sell, buy));
            }
            if SIM.slots.offer_book_v2.get().is_some() {
                let (sell, buy) = (hand(Side::Sell, Version::V2), hand(Side::Buy, Version::V2));
                call!(offer_book_v2(asset, code, -1, -1, -1, -1, -1, nan, 0, 0, 0, 0, 0, day, sell, buy));
            }
        }
    }

    fn hand_offers(
        &self,
        s: &Subscription,
        offers: &[Offer],
        version: Version,
        flags: u32,
    ) -> *mut std::ffi::c_void {
        let dates: Vec<_> = offers.iter().map(|o| date(o.ts)).collect();
        let entries = offers.iter().zip(&dates).map(|(o, date)| blob::Offer {
            price: self.price(s, o.px),
            qty: o.size,
            agent: o.agent,
            offer_id: o.id,
            date,
        });
        let mut bytes = Vec::new();
        blob::encode_offers(&mut bytes, version, entries, Some(flags));
        SIM.blobs.hand(bytes)
    }

    /// The book by price, always whole: the vendor deprecated it.
    fn price_book(&self, s: &Subscription) {
        let sides = snapshot(self.session, |world| {
            Side::BOTH.map(|side| world.instruments[s.instrument].groups(side).to_vec())
        });
        let hand = |side: Side, version| {
            let price = |g: &Group| blob::Price { price: self.price(s, g.px), qty: g.size, count: g.count };
            let mut bytes = Vec::new();
            blob::encode_prices(&mut bytes, version, sides[side as usize].iter().map(price));
            SIM.blobs.hand(bytes)
        };
        let frame = SIM.arena.frame();
        let (code, nan) = (book_action::FULL_BOOK, f64::NAN);
        if SIM.slots.price_book.get().is_some() {
            let (sell, buy) = (hand(Side::Sell, Version::V1), hand(Side::Buy, Version::V1));
            call!(price_book(record(&frame, s), code, -1, -1, -1, -1, nan, sell, buy));
        }
        if SIM.slots.price_book_v2.get().is_some() {
            let (sell, buy) = (hand(Side::Sell, Version::V2), hand(Side::Buy, Version::V2));
            call!(price_book_v2(record(&frame, s), code, -1, -1, -1, -1, nan, sell, buy));
        }
    }
}

fn ticker_state(s: &Subscription, state: i32, ts: i64) {
    let frame = SIM.arena.frame();
    call!(change_state_ticker(record(&frame, s), frame.ascii(&date(ts)), state));
}

fn close_trade() {
    *lock(&SIM.trade) = None;
}

/// Close of the day before.
pub fn previous_close(session: &Session, spec: &Spec) -> f64 {
    session.scenario.market.previous_close.unwrap_or(f64::from(spec.start_px) * spec.tick_size)
}
