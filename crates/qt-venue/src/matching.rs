//! When an order of ours trades with recorded events.

use qt_core::Event;
use qt_core::book::{Order, Touch};
use qt_core::event::{PX_NONE, Trade, action, flag};

use crate::depth::Fidelity;
use crate::order::{OrderType, State, Working, short_of};
use crate::queue::Queue;
use crate::venue::Venue;

/// Whom a print can have traded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hit {
    /// Resting orders of this side, at and through the price.
    Side(i8),
    /// Orders of both sides, only when the print went through their price.
    Through,
    /// No order in the book.
    Nobody,
}

impl Venue {
    // ---- prints

    /// A print: fills resting orders, triggers stops.
    pub(crate) fn on_trade(&mut self, e: &Event) {
        let trade = Trade::from(e);
        self.depth.raise(Fidelity::Trade);
        if !trade.is_print() || e.has(flag::CROSS) {
            return;
        }
        self.has_prints = true;
        self.last_px = trade.px;
        if self.working.is_empty() {
            return;
        }
        let used = self.fill_resting(&trade, self.who(&trade));
        let regular = trade.flags & (flag::AUCTION | flag::RLP | flag::HIDDEN) == 0;
        if self.depth.fidelity == Fidelity::Trade && regular && self.is_continuous() {
            self.take_from_print(&trade, i64::from(trade.size) - used);
        }
        for w in &mut self.working {
            if w.state == State::Armed && w.triggers(trade.px) {
                w.trigger();
            }
        }
    }

    /// The aggressor as reported, or by the touch before this packet where the feed does not say.
    fn who(&self, trade: &Trade) -> Hit {
        if trade.flags & flag::RLP != 0 {
            return Hit::Nobody;
        }
        if trade.flags & (flag::AUCTION | flag::HIDDEN) != 0 {
            return Hit::Through;
        }
        // A side that an importer inferred is a guess from the same prints and quotes: the touch decides instead.
        let reported = if trade.flags & flag::SIDE_INFERRED == 0 { trade.side } else { 0 };
        let t = &self.before;
        match reported {
            0 if t.is_defined() && trade.px >= t.ask_px => Hit::Side(-1),
            0 if t.is_defined() && trade.px <= t.bid_px => Hit::Side(1),
            0 => Hit::Through,
            aggressor => Hit::Side(-aggressor),
        }
    }

    /// Gives the printed volume to our resting orders, best price first, then first come; returns what they took.
    fn fill_resting(&mut self, trade: &Trade, hit: Hit) -> i64 {
        let reached = |w: &Working| {
            let through = short_of(-w.order.side, w.order.px, trade.px);
            w.state == State::Resting
                && match hit {
                    Hit::Side(side) => w.order.side == side && (through || w.order.px == trade.px),
                    Hit::Through => through,
                    Hit::Nobody => false,
                }
        };
        let mut used = 0;
        for i in self.by_priority(reached) {
            let volume = i64::from(trade.size) - used;
            let wanted = self.wanted(i);
            let now = self.now;
            let w = &mut self.working[i];
            let reaches = if w.order.px == trade.px { w.queue.on_print(volume, now) } else { volume };
            let size = reaches.min(wanted);
            if size > 0 {
                used += size;
                let px = w.order.px;
                self.fill(i, px, size, true, now);
            }
        }
        used
    }

    /// Trades only: what wants liquidity takes it from the next print, at a worse price.
    fn take_from_print(&mut self, trade: &Trade, mut volume: i64) {
        for i in 0..self.working.len() {
            if self.working[i].state != State::Taking {
                continue;
            }
            let w = &self.working[i];
            let px = trade.px + i32::from(w.order.side) * self.config.adverse_ticks;
            if w.accepts(px) {
                let size = self.wanted(i).min(volume);
                if size > 0 {
                    volume -= size;
                    self.fill(i, px, size, false, self.now);
                }
            } else {
                self.rest(i);
            }
        }
    }

    /// Indices of the working orders that `select` accepts: best price first, then first come.
    fn by_priority(&self, select: impl Fn(&Working) -> bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.working.len()).filter(|i| select(&self.working[*i])).collect();
        order.sort_by_key(|i| {
            let o = &self.working[*i].order;
            -i64::from(o.side) * i64::from(o.px)
        });
        order
    }

    // ---- the displayed book

    /// Between packets: the book crosses resting orders, and what wants liquidity takes it.
    pub(crate) fn match_book(&mut self, ts: i64) {
        if self.working.is_empty() {
            return;
        }
        let t = self.depth.touch();
        self.before = t;
        if !self.is_continuous() {
            return;
        }
        match self.depth.fidelity {
            Fidelity::None | Fidelity::Bar => return,
            Fidelity::Trade => return self.rest_far_limits(),
            _ => {}
        }
        let (bid, ask) = (t.bid_px != PX_NONE, t.ask_px != PX_NONE);
        if (bid && ask && t.bid_px >= t.ask_px) || !(bid || ask) {
            return;
        }
        self.trigger_by_touch(&t);
        let crossed = |w: &Working| {
            let (px, size) = if w.order.side > 0 { (t.ask_px, t.ask_sz) } else { (t.bid_px, t.bid_sz) };
            // A quote without size at our price may be one contract behind a queue of others: only beyond it.
            w.state == State::Resting
                && px != PX_NONE
                && w.accepts(px)
                && (size > 0 || short_of(-w.order.side, w.order.px, px))
        };
        for i in self.by_priority(crossed) {
            self.take(i, ts, true);
        }
        for i in 0..self.working.len() {
            if self.working[i].state == State::Taking {
                self.take(i, ts, false);
                if self.working[i].state == State::Taking && self.working[i].order.kind == OrderType::Limit {
                    self.rest(i);
                }
            }
        }
    }

    /// Without prints in the stream, the touch triggers stops.
    fn trigger_by_touch(&mut self, t: &Touch) {
        if self.has_prints {
            return;
        }
        for w in &mut self.working {
            let px = if w.order.side > 0 { t.ask_px } else { t.bid_px };
            if w.state == State::Armed && px != PX_NONE && w.triggers(px) {
                w.trigger();
            }
        }
    }

    /// Walks the other side of the displayed book, without what was taken before. A resting order trades at its
    /// own price.
    fn take(&mut self, i: usize, ts: i64, maker: bool) {
        let w = &self.working[i];
        let (side, own_px) = (w.order.side, w.order.px);
        let mut left = self.wanted(i);
        let mut fills: Vec<(i32, i64, bool)> = Vec::new();
        self.depth.walk(-side, |px, size| {
            let unsized_quote = size == i64::MAX;
            let paid =
                if unsized_quote && !maker { px + i32::from(side) * self.config.adverse_ticks } else { px };
            if left == 0 || !w.accepts(paid) {
                return false;
            }
            let free = if unsized_quote { size } else { size - self.taken.at(-side, px) };
            let done = left.min(free).max(0);
            if done > 0 {
                fills.push((paid, done, !unsized_quote));
                left -= done;
            }
            true
        });
        for (px, size, sized) in fills {
            if sized {
                self.taken.add(-side, px, size);
            }
            self.fill(i, if maker { own_px } else { px }, size, maker, ts);
        }
    }

    /// What a limit order could not take rests behind what is displayed at its price.
    fn rest(&mut self, i: usize) {
        let w = &mut self.working[i];
        if w.order.kind == OrderType::Limit {
            w.state = State::Resting;
            w.queue = Queue::new(self.depth.shown(w.order.side, w.order.px));
        }
    }

    /// Trades only: a limit order that the last print says is not marketable rests at once.
    fn rest_far_limits(&mut self) {
        for i in 0..self.working.len() {
            let w = &self.working[i];
            let far = self.last_px != PX_NONE
                && !w.accepts(self.last_px + i32::from(w.order.side) * self.config.adverse_ticks);
            if w.state == State::Taking && w.order.kind == OrderType::Limit && far {
                self.rest(i);
            }
        }
    }

    // ---- exact queues

    /// Applies a by-order record and notes who came behind our orders.
    pub(crate) fn on_order_exact(&mut self, e: &Event) {
        if e.action == action::ADD {
            self.by_id = e.ref_b == -1;
        }
        if self.working.is_empty() || !self.by_id {
            self.depth.apply(e);
            return;
        }
        let old = self.recorded(e.id);
        self.depth.apply(e);
        let Some(new) = self.recorded(e.id).filter(|_| !e.has(flag::SNAPSHOT)) else { return };
        if old.is_some_and(|o| o.px == new.px && new.size <= o.size) {
            return;
        }
        for w in &mut self.working {
            let ours = w.state == State::Resting && w.order.side == new.side && w.order.px == new.px;
            if ours && !w.queue.behind.contains(&new.id) {
                w.queue.behind.push(new.id);
            }
        }
    }

    fn recorded(&self, id: i64) -> Option<Order> {
        self.depth.orders().and_then(|book| book.order(id))
    }
}
