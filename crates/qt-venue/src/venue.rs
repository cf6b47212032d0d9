//! The venue: events and orders in, reports out.

use std::collections::HashSet;
use std::fmt;

use qt_core::Event;
use qt_core::book::Touch;
use qt_core::event::{Kind, PX_NONE, action, phase};

use crate::depth::{Depth, Fidelity};
use crate::order::{NewOrder, OrderType, Report, State, Status, Working};
use crate::queue::{Queue, QueueModel};
use crate::taken::Taken;

/// Assumptions of a venue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Orders are multiples of this many contracts.
    pub lot: i64,
    /// From sending an order or a cancel to the venue handling it, ns.
    pub latency_ns: i64,
    /// Which cancels come from ahead of us.
    pub queue: QueueModel,
    /// Money per contract and side.
    pub fee: f64,
    /// Ticks that a taker pays where no displayed size is known.
    pub adverse_ticks: i32,
}

impl Default for Config {
    fn default() -> Self {
        Self { lot: 1, latency_ns: 0, queue: QueueModel::Pessimistic, fee: 0.0, adverse_ticks: 1 }
    }
}

impl Config {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The name of the setting, its value and its range, as text.
    pub fn check(&self) -> Result<(), String> {
        if self.lot < 1 {
            return Err(format!("lot is {}; expected a positive number", self.lot));
        }
        if self.latency_ns < 0 {
            return Err(format!("latency_ns is {}; expected 0 or more", self.latency_ns));
        }
        if !self.fee.is_finite() {
            return Err(format!("fee is {}; expected a number", self.fee));
        }
        if self.adverse_ticks < 0 {
            return Err(format!("adverse_ticks is {}; expected 0 or more", self.adverse_ticks));
        }
        Ok(())
    }
}

/// Receive time or sequence runs backwards at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsorted {
    /// `ts_recv` or `sequence`.
    pub field: &'static str,
    /// Index in the events given.
    pub index: usize,
    /// Its value.
    pub value: i64,
    /// The value before it.
    pub after: i64,
}

impl fmt::Display for Unsorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs backwards at event {}: {} after {}",
            self.field, self.index, self.value, self.after
        )
    }
}

impl std::error::Error for Unsorted {}

#[derive(Debug, Clone)]
enum Action {
    New(NewOrder),
    Cancel(i64),
}

#[derive(Debug, Clone)]
struct Pending {
    arrival: i64,
    sent: i64,
    action: Action,
}

/// A simulated exchange; the rules are those of `docs/concepts/venue.md`.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // independent facts, not states of one machine
pub struct Venue {
    pub(crate) config: Config,
    pub(crate) depth: Depth,
    pub(crate) taken: Taken,
    pub(crate) working: Vec<Working>,
    /// Sent and not yet arrived, by arrival.
    pending: Vec<Pending>,
    known: HashSet<i64>,
    reports: Vec<Report>,
    next_report: i64,
    pub(crate) now: i64,
    last_recv: i64,
    last_sequence: i64,
    in_packet: bool,
    phase: u8,
    /// Last print of the session, `PX_NONE` before the first.
    pub(crate) last_px: i32,
    /// A print has been seen in this stream: prints, not quotes, trigger stops.
    pub(crate) has_prints: bool,
    /// Touch at the end of the packet before this one.
    pub(crate) before: Touch,
    pub(crate) position: i64,
    /// The by-order feed names orders by id, so that the exact model can follow them.
    pub(crate) by_id: bool,
    /// A working order is done and waits for its removal.
    ended: bool,
}

impl Venue {
    /// A venue before its first event.
    ///
    /// # Errors
    /// As [`Config::check`].
    pub fn new(config: Config) -> Result<Self, String> {
        config.check()?;
        Ok(Self {
            config,
            depth: Depth::new(),
            taken: Taken::default(),
            working: Vec::new(),
            pending: Vec::new(),
            known: HashSet::new(),
            reports: Vec::new(),
            next_report: 1,
            now: i64::MIN,
            last_recv: i64::MIN,
            last_sequence: i64::MIN,
            in_packet: false,
            phase: phase::OPEN,
            last_px: PX_NONE,
            has_prints: false,
            before: Touch::NONE,
            position: 0,
            by_id: false,
            ended: false,
        })
    }

    /// Greatest `ts_event` seen; `i64::MIN` before the first event.
    pub const fn now_ns(&self) -> i64 {
        self.now
    }

    /// Signed contracts that the fills since the last contract roll add up to.
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// What fills rest on.
    pub const fn fidelity(&self) -> Fidelity {
        self.depth.fidelity
    }

    /// Recorded touch.
    pub fn best(&self) -> Touch {
        self.depth.touch()
    }

    /// Whether this order is a stop that has not been triggered.
    pub fn is_armed(&self, client_id: i64) -> bool {
        self.working.iter().any(|w| w.order.client_id == client_id && w.state == State::Armed)
    }

    /// Reports since the last call, in order.
    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Applies one event.
    ///
    /// # Errors
    /// When receive time or sequence runs backwards; the index is 0 and nothing has changed.
    #[inline]
    pub fn update(&mut self, e: &Event) -> Result<(), Unsorted> {
        if e.ts_recv < self.last_recv || e.sequence < self.last_sequence {
            return Err(self.unsorted(e));
        }
        (self.last_recv, self.last_sequence) = (e.ts_recv, e.sequence);
        let now = self.now.max(e.ts_event);
        if !self.in_packet {
            self.begin_packet(now);
        }
        self.now = now;
        self.in_packet = !e.ends_packet();
        if e.kind == Kind::Level as u8 || e.kind == Kind::Order as u8 {
            self.on_book(e);
        } else {
            self.on_other(e);
        }
        let idle = self.working.is_empty() && self.taken.is_empty();
        if !(self.in_packet || idle) {
            self.end_packet();
        }
        Ok(())
    }

    /// Applies events in order.
    ///
    /// # Errors
    /// When receive time or sequence runs backwards; the events before have been applied.
    pub fn update_many(&mut self, events: &[Event]) -> Result<(), Unsorted> {
        for (index, e) in events.iter().enumerate() {
            self.update(e).map_err(|error| Unsorted { index, ..error })?;
        }
        Ok(())
    }

    /// Applies the leading events whose engine time is at most `until_ns`; returns how many those were. When no
    /// event is left, [`Venue::advance`] lets time pass to `until_ns`.
    ///
    /// # Errors
    /// As [`Venue::update_many`].
    pub fn replay(&mut self, events: &[Event], until_ns: i64) -> Result<usize, Unsorted> {
        let mut applied = 0;
        if until_ns < self.now {
            return Ok(0);
        }
        while let Some(e) = events.get(applied)
            && e.ts_event <= until_ns
        {
            self.update(e).map_err(|error| Unsorted { index: applied, ..error })?;
            applied += 1;
        }
        Ok(applied)
    }

    /// Lets time pass without an event: orders and cancels that arrive by `until_ns` are handled.
    #[inline]
    pub fn advance(&mut self, until_ns: i64) {
        if !self.in_packet && self.pending.first().is_some_and(|p| p.arrival <= until_ns) {
            self.arrivals(until_ns);
        }
    }

    /// Sends an order at `now_ns`.
    ///
    /// # Errors
    /// Text that says what is malformed: side, size, price, a repeated id, a time before the venue's.
    pub fn submit(&mut self, order: NewOrder, now_ns: i64) -> Result<(), String> {
        let id = order.client_id;
        if order.side != 1 && order.side != -1 {
            return Err(format!("order {id}: side is {}, expected 1 (buy) or -1 (sell)", order.side));
        }
        if order.size <= 0 {
            return Err(format!("order {id}: size is {}, expected a positive number", order.size));
        }
        if (order.kind == OrderType::Market) != (order.px == PX_NONE) {
            return Err(format!("order {id}: a {} order with price {}", order.kind.name(), order.px));
        }
        if (order.kind == OrderType::StopLimit) != (order.limit_px != PX_NONE) {
            return Err(format!("order {id}: a {} order with limit {}", order.kind.name(), order.limit_px));
        }
        self.in_time(id, now_ns)?;
        if !self.known.insert(id) {
            return Err(format!("order {id}: this id has been used before"));
        }
        self.send(now_ns, Action::New(order));
        Ok(())
    }

    /// Asks to cancel an order at `now_ns`.
    ///
    /// # Errors
    /// Text that says that `now_ns` is before the venue's time.
    pub fn cancel(&mut self, client_id: i64, now_ns: i64) -> Result<(), String> {
        self.in_time(client_id, now_ns)?;
        self.send(now_ns, Action::Cancel(client_id));
        Ok(())
    }

    fn in_time(&self, id: i64, now_ns: i64) -> Result<(), String> {
        if now_ns < self.now {
            return Err(format!(
                "order {id}: sent at {now_ns}, before the venue's time {}; send before applying later events",
                self.now
            ));
        }
        Ok(())
    }

    fn send(&mut self, sent: i64, action: Action) {
        let arrival = sent.saturating_add(self.config.latency_ns);
        let at = self.pending.partition_point(|p| p.arrival <= arrival);
        self.pending.insert(at, Pending { arrival, sent, action });
    }

    #[cold]
    fn unsorted(&self, e: &Event) -> Unsorted {
        if e.ts_recv < self.last_recv {
            Unsorted { field: "ts_recv", index: 0, value: e.ts_recv, after: self.last_recv }
        } else {
            Unsorted { field: "sequence", index: 0, value: e.sequence, after: self.last_sequence }
        }
    }

    // ---- packets

    #[inline]
    fn begin_packet(&mut self, now: i64) {
        if self.pending.first().is_some_and(|p| p.arrival <= now) {
            self.arrivals(now);
        }
    }

    #[inline]
    fn on_book(&mut self, e: &Event) {
        if !self.working.is_empty() {
            self.mark_changed(e);
        }
        if e.kind == Kind::Order as u8 && self.config.queue == QueueModel::Exact {
            self.on_order_exact(e);
        } else {
            self.depth.apply(e);
        }
    }

    /// Notes which of our orders rest at a level that this record may change: the others need no second look.
    fn mark_changed(&mut self, e: &Event) {
        let one_level = e.kind == Kind::Level as u8 && e.action <= action::DELETE;
        for w in &mut self.working {
            w.changed |= !one_level || (e.px == w.order.px && e.side == w.order.side);
        }
    }

    fn on_other(&mut self, e: &Event) {
        match e.kind() {
            Some(Kind::Trade) => return self.on_trade(e),
            Some(Kind::Bar) => return self.on_bar(e),
            Some(Kind::Session) => self.on_session(e.action),
            _ => {}
        }
        self.depth.apply(e);
        self.mark_changed(e);
    }

    fn on_session(&mut self, phase: u8) {
        match phase {
            phase::CLOSED => self.stop_all("session closed"),
            phase::ROLL => self.roll(),
            _ => {}
        }
        if phase != phase::ROLL {
            self.phase = phase;
        }
    }

    /// Another contract from here on: nothing that was meant for the old one may trade in it. The depth empties
    /// itself on the same event.
    fn roll(&mut self) {
        self.stop_all("contract roll");
        self.position = 0;
        let now = self.now;
        let (old, pending): (Vec<_>, _) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|p| p.sent <= now && matches!(p.action, Action::New(_)));
        self.pending = pending;
        for p in old {
            if let Action::New(o) = p.action {
                self.report(&o, now, Status::Rejected, o.px, o.size, false, "contract roll");
            }
        }
    }

    fn stop_all(&mut self, reason: &'static str) {
        for i in 0..self.working.len() {
            self.end(i, reason);
        }
        self.working.clear();
        self.taken.clear();
        self.last_px = PX_NONE;
    }

    fn end_packet(&mut self) {
        let (depth, exact) = (&self.depth, self.by_id);
        self.taken.refresh(|side, px| depth.shown(side, px));
        for w in self.working.iter_mut().filter(|w| w.changed) {
            w.changed = false;
            if w.state != State::Resting {
                continue;
            }
            if let Some(ahead) = exact.then(|| exact_ahead(depth, w)).flatten() {
                w.queue.on_orders(ahead, self.now);
            } else {
                let shown = depth.shown(w.order.side, w.order.px);
                w.queue.on_shown(shown, self.config.queue, self.now);
            }
        }
        self.match_book(self.now);
        self.sweep_done();
    }

    /// Removes what is filled or cancelled.
    pub(crate) fn sweep_done(&mut self) {
        if self.ended {
            self.ended = false;
            self.working.retain(|w| w.state != State::Done);
        }
    }

    /// Whether continuous trading is on.
    pub(crate) fn is_continuous(&self) -> bool {
        matches!(self.phase, phase::OPEN | phase::RESUME)
    }

    // ---- arrivals

    #[cold]
    #[inline(never)]
    fn arrivals(&mut self, until: i64) {
        let n = self.pending.partition_point(|p| p.arrival <= until);
        let due: Vec<Pending> = self.pending.drain(..n).collect();
        for p in due {
            let ts = p.arrival.max(self.now);
            match p.action {
                Action::New(order) => self.arrive(order, p.sent, ts),
                Action::Cancel(id) => self.arrive_cancel(id, ts),
            }
            self.sweep_done();
        }
    }

    fn arrive(&mut self, order: NewOrder, sent: i64, ts: i64) {
        let refused = if order.size % self.config.lot != 0 {
            "not a multiple of the lot"
        } else if self.phase == phase::CLOSED {
            "market closed"
        } else if order.reduce_only && self.reducible(order.side) == 0 {
            "nothing to reduce"
        } else {
            ""
        };
        let status = if refused.is_empty() { Status::Accepted } else { Status::Rejected };
        self.report(&order, ts, status, order.px, order.size, false, refused);
        if !refused.is_empty() {
            return;
        }
        let mut w = Working {
            order,
            left: order.size,
            state: State::Taking,
            sent,
            arrived: ts,
            queue: Queue::new(None),
            changed: true,
        };
        if matches!(order.kind, OrderType::Stop | OrderType::StopLimit) {
            if self.last_px != PX_NONE && w.triggers(self.last_px) {
                w.trigger();
            } else {
                w.state = State::Armed;
            }
        }
        self.working.push(w);
        self.match_book(ts);
    }

    fn arrive_cancel(&mut self, id: i64, ts: i64) {
        if let Some(i) = self.working.iter().position(|w| w.order.client_id == id && w.state != State::Done) {
            self.end_at(i, "", ts);
            return;
        }
        let reason = if self.known.contains(&id) { "order is not working" } else { "unknown order" };
        let nobody = NewOrder {
            client_id: id,
            side: 0,
            size: 0,
            kind: OrderType::Market,
            px: PX_NONE,
            limit_px: PX_NONE,
            reduce_only: false,
        };
        self.report(&nobody, ts, Status::CancelRejected, PX_NONE, 0, false, reason);
    }

    // ---- executions

    /// Contracts that an order of this side could take off the position.
    pub(crate) fn reducible(&self, side: i8) -> i64 {
        (-self.position * i64::from(side)).max(0)
    }

    /// Contracts that working order `i` may trade now.
    pub(crate) fn wanted(&self, i: usize) -> i64 {
        let w = &self.working[i];
        if w.state == State::Done {
            0
        } else if w.order.reduce_only {
            w.left.min(self.reducible(w.order.side))
        } else {
            w.left
        }
    }

    /// Executes `size` of working order `i`; reduce-only orders that have nothing left to reduce end here.
    pub(crate) fn fill(&mut self, i: usize, px: i32, size: i64, maker: bool, ts: i64) {
        let w = &mut self.working[i];
        w.left -= size;
        if w.left == 0 {
            w.state = State::Done;
            self.ended = true;
        }
        let order = w.order;
        self.position += i64::from(order.side) * size;
        self.report(&order, ts, Status::Filled, px, size, maker, "");
        for j in 0..self.working.len() {
            let w = &self.working[j];
            if w.state != State::Done && w.order.reduce_only && self.reducible(w.order.side) == 0 {
                self.end_at(j, "nothing to reduce", ts);
            }
        }
    }

    fn end(&mut self, i: usize, reason: &'static str) {
        self.end_at(i, reason, self.now);
    }

    fn end_at(&mut self, i: usize, reason: &'static str, ts: i64) {
        let w = &mut self.working[i];
        if w.state == State::Done {
            return;
        }
        w.state = State::Done;
        self.ended = true;
        let (order, left) = (w.order, w.left);
        self.report(&order, ts, Status::Cancelled, order.px, left, false, reason);
    }

    #[allow(clippy::too_many_arguments)] // the columns of a report
    fn report(
        &mut self,
        order: &NewOrder,
        ts: i64,
        status: Status,
        px: i32,
        size: i64,
        maker: bool,
        reason: &'static str,
    ) {
        let fee = if status == Status::Filled { self.config.fee * size as f64 } else { 0.0 };
        self.reports.push(Report {
            id: self.next_report,
            client_id: order.client_id,
            ts,
            status,
            side: order.side,
            px,
            size,
            maker,
            fee,
            reason,
        });
        self.next_report += 1;
    }
}

/// Exact model: contracts displayed ahead of a resting order, `None` where the feed does not tell.
fn exact_ahead(depth: &Depth, w: &mut Working) -> Option<i64> {
    let book = depth.orders()?;
    let (side, px) = (w.order.side, w.order.px);
    let total = depth.shown(side, px)?;
    let mut behind = 0;
    w.queue.behind.retain(|id| match book.order(*id) {
        Some(o) if o.side == side && o.px == px => {
            behind += i64::from(o.size);
            true
        }
        _ => false,
    });
    Some(total - behind)
}
