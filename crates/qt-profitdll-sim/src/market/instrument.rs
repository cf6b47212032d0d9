//! One instrument: its true book, its ladder, its tape, and how events change them.

use qt_core::Event;
use qt_core::event::{Kind, PX_NONE, action, flag, phase};

use super::depth::{self, Group, Ladder};
use super::offers::{Action, Change, Offer, Offers};
use super::tape::{Daily, Numbers};
use super::{Side, TickerState, Update};

/// What the book is built from. By-order records win over levels, levels over quotes: a recording of the
/// vendor's own feed holds all three of the same book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Nothing,
    Quotes,
    Levels,
    Orders,
}

/// Records that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Changes of offers that were not in the book.
    pub unknown: u64,
    /// Records that make no sense: no side, no price, a position that is not there.
    pub rejected: u64,
}

/// One instrument of the simulated market.
#[allow(clippy::struct_excessive_bools)] // independent facts, not states of one machine
#[derive(Debug, Clone)]
pub struct Instrument {
    offers: [Offers; 2],
    ladders: [Ladder; 2],
    tiny: [(i32, i64); 2],
    source: Source,
    /// Orders are named by id, not by position.
    by_id: bool,
    /// A full image is being loaded: its offers are told as one full book.
    loading: bool,
    full_book: bool,
    /// Contracts traded at a price in this packet and not yet taken off a level, by side.
    traded: Vec<(Side, i32, i64)>,
    next_id: i64,
    numbers: Numbers,
    daily: Daily,
    daily_changed: bool,
    last_px: Option<i32>,
    state: TickerState,
    /// Price and contracts at which the auction would uncross.
    theoretical: Option<(i32, i64)>,
    now: i64,
    counters: Counters,
}

impl Default for Instrument {
    fn default() -> Self {
        Self::new()
    }
}

impl Instrument {
    /// An instrument before its first event.
    #[must_use]
    pub fn new() -> Self {
        Self {
            offers: Side::BOTH.map(|s| Offers::new(s.sign())),
            ladders: Side::BOTH.map(|s| Ladder::new(s.sign())),
            tiny: [(0, 0); 2],
            source: Source::Nothing,
            by_id: false,
            loading: false,
            full_book: false,
            traded: Vec::new(),
            next_id: 0,
            numbers: Numbers::default(),
            daily: Daily::default(),
            daily_changed: false,
            last_px: None,
            state: TickerState::Closed,
            theoretical: None,
            now: 0,
            counters: Counters::default(),
        }
    }

    // ---- the truth

    /// The offers of a side, worst first.
    #[must_use]
    pub fn offers(&self, side: Side) -> &[Offer] {
        self.offers[side as usize].list()
    }

    /// The prices of a side, worst first, without the theoretical entry.
    #[must_use]
    pub fn groups(&self, side: Side) -> &[Group] {
        self.ladders[side as usize].groups()
    }

    /// Entries of the price depth of a side; in an auction the theoretical one is among them.
    #[must_use]
    pub fn depth_len(&self, side: Side) -> usize {
        self.groups(side).len() + usize::from(self.theoretical.is_some())
    }

    /// An entry of the price depth, 0 the top; `Err` for the theoretical entry, with its contracts.
    #[must_use]
    pub fn group(&self, side: Side, position: usize) -> Option<Result<Group, i64>> {
        match (self.theoretical, position) {
            (Some((_, size)), 0) => Some(Err(size)),
            (theoretical, _) => {
                let position = position - usize::from(theoretical.is_some());
                self.groups(side).iter().nth_back(position).copied().map(Ok)
            }
        }
    }

    /// Best price of a side and its contracts.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<(i32, i64)> {
        self.ladders[side as usize].best().map(|g| (g.px, g.size))
    }

    /// The day so far.
    #[must_use]
    pub const fn daily(&self) -> &Daily {
        &self.daily
    }

    /// Price of the last trade.
    #[must_use]
    pub const fn last_px(&self) -> Option<i32> {
        self.last_px
    }

    /// State of the ticker.
    #[must_use]
    pub const fn state(&self) -> TickerState {
        self.state
    }

    /// Price and contracts at which the auction would uncross; `None` outside auctions.
    #[must_use]
    pub const fn theoretical(&self) -> Option<(i32, i64)> {
        self.theoretical
    }

    /// Time of the last event, ns UTC.
    #[must_use]
    pub const fn now_ns(&self) -> i64 {
        self.now
    }

    /// A full image is being loaded: the clients learn of it when it is complete.
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        self.loading
    }

    /// Records that could not be used.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    // ---- events

    /// Applies one event; what it means for the clients is appended to `out`.
    pub fn apply(&mut self, e: &Event, out: &mut Vec<Update>) {
        self.now = self.now.max(e.ts_event);
        match e.kind() {
            Some(Kind::Trade) => self.trade(e, out),
            Some(Kind::Quote) => self.quote(e, out),
            Some(Kind::Level | Kind::Order) => self.book(e, out),
            Some(Kind::Session) => self.session(e, out),
            Some(Kind::Gap) => self.forget(),
            _ => {}
        }
        if e.ends_packet() {
            self.end_packet(out);
        }
    }

    /// Tells what is still open: the packet is over, or whoever plays it stops here.
    pub fn end_packet(&mut self, out: &mut Vec<Update>) {
        self.flush_offers(out);
        self.traded.clear();
        if self.loading {
            return;
        }
        if std::mem::take(&mut self.full_book) {
            self.ladders.iter_mut().for_each(Ladder::discard);
            out.push(Update::FullBook);
            out.extend(Side::BOTH.map(|side| Update::Depth {
                side,
                position: 0,
                kind: depth::Kind::FullBook,
            }));
        }
        // Inside an auction the theoretical entry holds position 0.
        let shift = usize::from(self.theoretical.is_some());
        for side in Side::BOTH {
            self.ladders[side as usize].flush(&mut |position, kind| {
                out.push(Update::Depth { side, position: position + shift, kind });
            });
        }
        for side in Side::BOTH {
            let (px, size) = self.best(side).unwrap_or((0, 0));
            if self.tiny[side as usize] != (px, size) {
                self.tiny[side as usize] = (px, size);
                out.push(Update::Tiny { side, px, size });
            }
        }
        if std::mem::take(&mut self.daily_changed) {
            out.push(Update::Daily);
        }
        if self.state == TickerState::Auction {
            self.auction(out);
        }
    }

    /// Enters a state that the events did not announce: a scripted auction, a halt.
    pub fn enter(&mut self, state: TickerState, out: &mut Vec<Update>) {
        if self.state == state {
            return;
        }
        self.state = state;
        out.push(Update::State(state, self.now));
        if state == TickerState::Auction {
            self.auction(out);
        } else if self.theoretical.take().is_some() {
            out.extend(Side::BOTH.map(|side| Update::Depth {
                side,
                position: 0,
                kind: depth::Kind::FullBook,
            }));
        }
    }

    fn session(&mut self, e: &Event, out: &mut Vec<Update>) {
        let state = match e.action {
            phase::AUCTION => TickerState::Auction,
            phase::HALT => TickerState::Frozen,
            phase::CLOSED => TickerState::Closed,
            _ => TickerState::Open,
        };
        if e.action == phase::ROLL {
            self.forget();
            self.daily = Daily::default();
            self.last_px = None;
        }
        self.enter(state, out);
    }

    fn trade(&mut self, e: &Event, out: &mut Vec<Update>) {
        if e.px == PX_NONE {
            self.counters.rejected += 1;
            return;
        }
        self.wake(out);
        let print = self.numbers.print(e);
        self.daily.add(&print);
        self.daily_changed |= !print.edit;
        if !print.edit && print.size > 0 {
            self.last_px = Some(print.px);
            // A buyer took offers, a seller took bids.
            if let Some(side) = Side::of(-e.side) {
                self.traded.push((side, e.px, print.size));
            }
        }
        out.push(Update::Trade(print));
    }

    /// A source without session markers is open once something happens.
    fn wake(&mut self, out: &mut Vec<Update>) {
        if self.state == TickerState::Closed && self.daily.total[1] == 0 {
            self.enter(TickerState::Open, out);
        }
    }

    // ---- book

    fn quote(&mut self, e: &Event, out: &mut Vec<Update>) {
        if !self.take_over(Source::Quotes) {
            return;
        }
        self.wake(out);
        let quoted = [(Side::Buy, e.px, e.size), (Side::Sell, e.px_ask, e.size_ask)];
        for (side, px, size) in quoted {
            let (px, size) = if px == PX_NONE { (PX_NONE, 0) } else { (px, i64::from(size)) };
            let gone: Vec<_> = self.groups(side).iter().rev().map(|g| g.px).filter(|&p| p != px).collect();
            for old in gone {
                self.set_level(side, old, 0, e, out);
            }
            if px != PX_NONE {
                self.set_level(side, px, size, e, out);
            }
        }
    }

    fn book(&mut self, e: &Event, out: &mut Vec<Update>) {
        let orders = e.kind == Kind::Order as u8;
        if !self.take_over(if orders { Source::Orders } else { Source::Levels }) {
            return;
        }
        match e.action {
            action::CLEAR => {
                for side in Side::BOTH {
                    if Side::of(e.side).is_none_or(|s| s == side) {
                        self.clear(side);
                    }
                }
            }
            action::SNAPSHOT_BEGIN => {
                self.clear_both();
                self.loading = true;
            }
            action::SNAPSHOT_END => self.loading = false,
            _ => {
                if !e.has(flag::SNAPSHOT) {
                    self.wake(out);
                }
                let done = Side::of(e.side).is_some_and(|side| {
                    if orders { self.order(side, e, out) } else { self.level(side, e, out) }
                }) || (orders && e.side == 0 && self.order_by_id(e, out));
                self.counters.rejected += u64::from(!done);
            }
        }
    }

    /// Whether this source feeds the book; a better one than before starts from an empty book.
    fn take_over(&mut self, source: Source) -> bool {
        if source > self.source && self.source != Source::Nothing {
            self.clear_both();
            self.loading = false;
        }
        self.source = self.source.max(source);
        source == self.source
    }

    fn level(&mut self, side: Side, e: &Event, out: &mut Vec<Update>) -> bool {
        if e.px == PX_NONE || e.size < 0 || !(action::ADD..=action::DELETE).contains(&e.action) {
            return false;
        }
        let size = if e.action == action::DELETE { 0 } else { i64::from(e.size) };
        self.set_level(side, e.px, size, e, out);
        true
    }

    /// Brings a level of a by-level source to its new size.
    fn set_level(&mut self, side: Side, px: i32, size: i64, e: &Event, out: &mut Vec<Update>) {
        let silent = self.silent();
        let offers = &mut self.offers[side as usize];
        let missing = size - offers.size_at(px);
        let mut tell = teller(side, silent, out);
        if missing > 0 {
            self.next_id += 1;
            let agent = if e.has(flag::SYNTHETIC) { crate::agents::invented(self.next_id) } else { 0 };
            let offer = Offer { id: self.next_id, px, size: missing, agent, ts: e.ts_event };
            let change = offers.push(offer, &mut tell);
            self.ladders[side as usize].apply(change);
        } else if missing < 0 {
            // A level that goes whole goes from the front: a sweep is one run of deletions at the best.
            let mut front = if size == 0 { -missing } else { 0 };
            for (_, _, left) in self.traded.iter_mut().filter(|t| t.0 == side && t.1 == px) {
                let take = (*left).min(-missing - front);
                *left -= take;
                front += take;
            }
            for change in offers.shrink(px, front, -missing - front, e.ts_event, &mut tell) {
                self.ladders[side as usize].apply(change);
            }
        }
    }

    fn order(&mut self, side: Side, e: &Event, out: &mut Vec<Update>) -> bool {
        if e.ref_b == -1 { self.order_by_id(e, out) } else { self.order_by_position(side, e, out) }
    }

    /// Whether orders are named this way; the first record after an empty book decides.
    fn agrees(&mut self, by_id: bool) -> bool {
        if self.offers.iter().all(|side| side.list().is_empty()) {
            self.by_id = by_id;
        }
        self.by_id == by_id
    }

    fn order_by_id(&mut self, e: &Event, out: &mut Vec<Update>) -> bool {
        if !self.agrees(true) || e.ref_b != -1 {
            return false;
        }
        if e.action == action::ADD {
            let known = Side::BOTH.iter().any(|&s| self.offers[s as usize].by_id(e.id).is_some());
            let Some(side) = Side::of(e.side) else { return false };
            if known || e.id == 0 || e.size <= 0 || e.px == PX_NONE {
                return false;
            }
            let offer = offer_of(e);
            let mut tell = teller(side, self.silent(), out);
            let change = self.offers[side as usize].push(offer, &mut tell);
            self.ladders[side as usize].apply(change);
            return true;
        }
        // Edits and deletes name the order by its id alone.
        let Some((side, old)) =
            Side::BOTH.iter().find_map(|&s| Some((s, *self.offers[s as usize].by_id(e.id)?)))
        else {
            self.counters.unknown += 1;
            return true;
        };
        let silent = self.silent();
        let offers = &mut self.offers[side as usize];
        let mut tell = teller(side, silent, out);
        let changes = match e.action {
            action::DELETE => [offers.delete_id(e.id, &mut tell), None],
            action::EDIT => match edited(&old, e) {
                Some(offer) if offer.size == 0 => [offers.delete_id(e.id, &mut tell), None],
                Some(offer) => offers.edit_id(offer, &mut tell).map_or([None; 2], |c| c.map(Some)),
                None => return false,
            },
            _ => return false,
        };
        for change in changes.into_iter().flatten() {
            self.ladders[side as usize].apply(change);
        }
        true
    }

    fn order_by_position(&mut self, side: Side, e: &Event, out: &mut Vec<Update>) -> bool {
        let Ok(position) = usize::try_from(e.ref_b) else { return false };
        if !self.agrees(false) {
            return false;
        }
        let silent = self.silent();
        let offers = &mut self.offers[side as usize];
        let mut tell = teller(side, silent, out);
        let changes: Option<Vec<Change>> = match e.action {
            action::ADD if e.size > 0 && e.px != PX_NONE => {
                offers.insert(position, offer_of(e), &mut tell).map(|c| vec![c])
            }
            action::EDIT => offers
                .at(position)
                .and_then(|old| edited(old, e))
                .and_then(|offer| offers.edit(position, offer, &mut tell))
                .map(Vec::from),
            action::DELETE => offers.delete(position, &mut tell).map(|c| vec![c]),
            action::DELETE_FROM => offers.delete_from(position, &mut tell),
            _ => None,
        };
        let Some(changes) = changes else { return false };
        for change in changes {
            self.ladders[side as usize].apply(change);
        }
        true
    }

    fn flush_offers(&mut self, out: &mut Vec<Update>) {
        let silent = self.silent();
        for side in Side::BOTH {
            let mut tell = teller(side, silent, out);
            self.offers[side as usize].flush(&mut tell);
        }
    }

    /// A full book will tell it all: nothing is told one by one.
    const fn silent(&self) -> bool {
        self.loading || self.full_book
    }

    /// Empties a side; the clients get a full book.
    fn clear(&mut self, side: Side) {
        self.offers[side as usize].clear();
        self.ladders[side as usize].clear();
        self.full_book = true;
    }

    fn clear_both(&mut self) {
        for side in Side::BOTH {
            self.clear(side);
        }
    }

    fn forget(&mut self) {
        self.clear_both();
        self.loading = false;
        self.source = Source::Nothing;
    }

    // ---- auction

    /// The price at which most contracts would trade, and how many; outside a crossed book the last price with
    /// what the smaller side shows at its best.
    fn auction(&mut self, out: &mut Vec<Update>) {
        let value = uncross(self.groups(Side::Buy), self.groups(Side::Sell)).or_else(|| {
            let shown = |side| self.best(side).map_or(0, |(_, size)| size);
            self.last_px.map(|px| (px, shown(Side::Buy).min(shown(Side::Sell))))
        });
        if value != self.theoretical {
            let appeared = value.is_some() != self.theoretical.is_some();
            self.theoretical = value;
            out.push(Update::Theoretical);
            let kind = if appeared { depth::Kind::FullBook } else { depth::Kind::Theoretical };
            out.extend(Side::BOTH.map(|side| Update::Depth { side, position: 0, kind }));
        }
    }
}

/// Appends the actions of one side, or swallows them while a full image is loaded.
fn teller(side: Side, silent: bool, out: &mut Vec<Update>) -> impl FnMut(Action) {
    move |action| {
        if !silent {
            out.push(Update::Offer(side, action));
        }
    }
}

const fn offer_of(e: &Event) -> Offer {
    Offer { id: e.id, px: e.px, size: e.size as i64, agent: e.ref_a, ts: e.ts_event }
}

/// The offer after an edit; `None` when the result makes no sense.
fn edited(old: &Offer, e: &Event) -> Option<Offer> {
    let delta = e.has(flag::DELTA);
    let size = if delta { old.size + i64::from(e.size) } else { i64::from(e.size) };
    let px = if delta && e.px == PX_NONE { old.px } else { e.px };
    if size < 0 || px == PX_NONE {
        return None;
    }
    let id = if e.id == 0 { old.id } else { e.id };
    let agent = if e.ref_a == 0 { old.agent } else { e.ref_a };
    Some(Offer { id, px, size, agent, ts: e.ts_event })
}

/// Price with the greatest executable volume, the lowest such one, and that volume.
fn uncross(bids: &[Group], asks: &[Group]) -> Option<(i32, i64)> {
    let (best_bid, best_ask) = (bids.last()?.px, asks.last()?.px);
    if best_bid < best_ask {
        return None;
    }
    let prices = bids.iter().chain(asks).map(|g| g.px).filter(|px| (best_ask..=best_bid).contains(px));
    let at = |px: i32| {
        let demand: i64 = bids.iter().filter(|g| g.px >= px).map(|g| g.size).sum();
        let supply: i64 = asks.iter().filter(|g| g.px <= px).map(|g| g.size).sum();
        (demand.min(supply), std::cmp::Reverse(px))
    };
    prices.map(at).max().map(|(size, px)| (px.0, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(side: Side, px: i32, size: i32, position: i32, action: u8) -> Event {
        Event {
            kind: Kind::Order as u8,
            id: 1,
            px,
            size,
            ref_b: position,
            side: side.sign(),
            action,
            ..Event::default()
        }
    }

    #[test]
    fn a_crossed_book_uncrosses_where_most_trades() {
        let group = |px, size| Group { px, size, count: 1 };
        let bids = [group(98, 50), group(100, 10), group(102, 20)];
        let asks = [group(103, 9), group(101, 25), group(99, 5)];
        assert_eq!(uncross(&bids, &asks), Some((101, 20)));
        assert_eq!(uncross(&bids[..1], &asks), None);
    }

    #[test]
    fn auctions_show_a_theoretical_entry_on_top() {
        let (mut instrument, mut out) = (Instrument::new(), Vec::new());
        for (side, px) in [(Side::Buy, 102), (Side::Sell, 100)] {
            instrument.apply(&order(side, px, 7, 0, action::ADD), &mut out);
        }
        out.clear();
        instrument.enter(TickerState::Auction, &mut out);
        assert_eq!(instrument.theoretical(), Some((100, 7)));
        assert_eq!(instrument.group(Side::Buy, 0), Some(Err(7)));
        assert_eq!(instrument.group(Side::Buy, 1).map(|g| g.map(|g| g.px)), Some(Ok(102)));
        assert!(out.contains(&Update::Theoretical));
        out.clear();
        instrument.enter(TickerState::Open, &mut out);
        assert_eq!(instrument.theoretical(), None);
        assert_eq!(instrument.depth_len(Side::Buy), 1);
    }

    #[test]
    fn a_sweep_is_told_as_one_delete_from() {
        let (mut instrument, mut out) = (Instrument::new(), Vec::new());
        let level = |px, size, flags| Event {
            kind: Kind::Level as u8,
            px,
            size,
            side: -1,
            action: if size == 0 { action::DELETE } else { action::ADD },
            flags,
            ..Event::default()
        };
        for (px, size) in [(100, 5), (101, 5), (100, 9), (102, 1)] {
            instrument.apply(&level(px, size, 0), &mut out);
        }
        out.clear();
        let print = Event {
            kind: Kind::Trade as u8,
            px: 101,
            size: 3,
            side: 1,
            flags: flag::MORE,
            ..Event::default()
        };
        instrument.apply(&level(100, 0, flag::MORE), &mut out);
        instrument.apply(&print, &mut out);
        instrument.apply(&level(101, 2, 0), &mut out);
        let offers: Vec<_> =
            out.iter().filter_map(|u| if let Update::Offer(_, a) = u { Some(*a) } else { None }).collect();
        // Two offers at 100 leave at once, then three of the five contracts at 101.
        assert_eq!(offers[0], Action::DeleteFrom { position: 1 });
        assert!(matches!(offers[1], Action::Edit { position: 0, delta: -3, .. }));
        assert_eq!(offers.len(), 2);
    }

    #[test]
    fn depth_bursts_are_bracketed() {
        let (mut instrument, mut out) = (Instrument::new(), Vec::new());
        let mut first = order(Side::Buy, 100, 1, 0, action::ADD);
        first.flags = flag::MORE;
        instrument.apply(&first, &mut out);
        instrument.apply(&order(Side::Buy, 99, 1, 1, action::ADD), &mut out);
        let kinds: Vec<_> = out
            .iter()
            .filter_map(|u| if let Update::Depth { kind, .. } = u { Some(*kind) } else { None })
            .collect();
        assert_eq!(kinds, [depth::Kind::Prepare, depth::Kind::Add, depth::Kind::Insert, depth::Kind::Flush]);
    }
}
