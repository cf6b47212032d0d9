//! The flow: when something happens, what it is, and the records it makes.

use qt_core::Event;
use qt_core::event::{Kind, action, flag, phase, side};

use super::SessionSpec;
use super::ladder::{Ladder, WINDOW};
use crate::prng::{ONE, Rng};

/// Actions per second in mid-session, at intensity 100, in a calm regime, before self-excitation.
const BASE_RATE: u64 = 4;
/// Memory of the excitation in ns.
const TAU_NS: u64 = 200_000_000;
/// Excitation (actions per second, Q16) that a passive action and a market order add.
const KICK: [u64; 2] = [ONE * 2, ONE * 4];
/// Ceiling of the excitation.
const KICK_MAX: u64 = ONE * 1_000;
/// Mean life of a regime in ns.
const REGIME_NS: u64 = 600_000_000_000;
/// Levels that one market order may clear.
const SWEEP_MAX: usize = 8;
/// Tail exponent 3/2 of market order sizes (Gopikrishnan et al., 2000), as `ONE` / exponent.
const TAIL_SIZE: u64 = ONE * 2 / 3;
/// Tail exponent 3/2 of the lengths of parent orders.
const TAIL_PARENT: u64 = ONE * 2 / 3;
/// Participants, with numbers like the exchange's.
const BROKERS: [i32; 20] =
    [3, 8, 13, 16, 27, 39, 40, 45, 72, 85, 90, 107, 114, 120, 127, 238, 308, 386, 735, 1618];

/// What the market is like for a while.
struct Regime {
    /// Arrival rate in percent.
    rate: u64,
    /// Share of market orders, per mille.
    market: u64,
    /// Market order size in percent.
    size: u64,
    /// Shift of the probability of a buy, per mille.
    bias: i64,
}

const REGIMES: [Regime; 4] = [
    Regime { rate: 100, market: 130, size: 100, bias: 0 },
    Regime { rate: 120, market: 150, size: 110, bias: 90 },
    Regime { rate: 120, market: 150, size: 110, bias: -90 },
    Regime { rate: 190, market: 180, size: 150, bias: 0 },
];

/// An order that shows `peak` contracts and refills from `reserve`.
#[derive(Default, Clone, Copy)]
struct Iceberg {
    px: i64,
    peak: i64,
    reserve: i64,
    broker: i32,
}

/// A parent order that is worked in many market orders.
struct Parent {
    left: u64,
    sign: i64,
    broker: i32,
}

/// State of the generator.
pub struct Flow<'a> {
    spec: &'a SessionSpec,
    rng: Rng,
    out: Vec<Event>,
    bids: Ladder,
    asks: Ladder,
    icebergs: [Iceberg; 2],
    parent: Parent,
    regime: usize,
    regime_end: i64,
    excitation: u64,
    ts: i64,
    recv: i64,
    trade_id: i64,
    /// Index of the first record of the packet that is being built.
    packet: usize,
}

impl<'a> Flow<'a> {
    /// A generator before its first event.
    pub fn new(spec: &'a SessionSpec) -> Self {
        Self {
            spec,
            rng: Rng::new(spec.seed),
            out: Vec::new(),
            bids: Ladder::new(1, i64::from(spec.start_px) - 1),
            asks: Ladder::new(-1, spec.start_px.into()),
            icebergs: [Iceberg::default(); 2],
            parent: Parent { left: 0, sign: 1, broker: 0 },
            regime: 0,
            regime_end: spec.open_ns,
            excitation: 0,
            ts: spec.open_ns - 300_000_000_000,
            recv: 0,
            trade_id: 0,
            packet: 0,
        }
    }

    /// Generates the whole session.
    pub fn run(mut self) -> Vec<Event> {
        let close = self.spec.open_ns + self.spec.duration_ns;
        self.open();
        loop {
            self.ts += self.gap();
            if self.ts >= close {
                self.ts = close;
                break;
            }
            if self.spec.max_events > 0 && self.out.len() as i64 >= self.spec.max_events {
                break;
            }
            self.switch_regime();
            if self.rng.chance(REGIMES[self.regime].market) {
                self.market();
                self.excite(KICK[1]);
            } else {
                self.passive();
                self.excite(KICK[0]);
            }
        }
        self.marker(phase::CLOSED);
        self.out
    }

    // ---- time

    /// Time to the next action: base rate with a U shape over the session, plus excitation.
    fn gap(&mut self) -> i64 {
        let draw = self.rng.exp_q16();
        let gap = if self.rng.chance(120) {
            5_000 + self.rng.below(300_000) // a machine that reacts to the last action
        } else {
            let elapsed = (self.ts - self.spec.open_ns).max(0) as u64;
            let x = elapsed / 1024 * 2048 / (self.spec.duration_ns as u64 / 1024).max(1);
            let from_middle = x.abs_diff(1024).min(1024);
            let shape = 65 + 110 * from_middle * from_middle / (1024 * 1024);
            let percent = shape * REGIMES[self.regime].rate * self.spec.intensity as u64;
            let rate = (BASE_RATE * ONE * percent / 1_000_000 + self.excitation).max(64);
            1_000 + draw * 1_000_000_000 / rate
        };
        self.excitation = self.excitation * TAU_NS / (TAU_NS + gap);
        gap as i64
    }

    fn excite(&mut self, kick: u64) {
        self.excitation = (self.excitation + kick).min(KICK_MAX);
    }

    fn switch_regime(&mut self) {
        if self.ts < self.regime_end {
            return;
        }
        self.regime_end = self.ts + (self.rng.exp_q16() * (REGIME_NS >> 16)) as i64;
        let draw = self.rng.below(100) as i64;
        let up = 20 + self.spec.trend * 20 / 100;
        self.regime = if draw < up {
            1
        } else if draw < 40 {
            2
        } else if draw < 58 {
            3
        } else {
            0
        };
    }

    // ---- session

    fn open(&mut self) {
        self.marker(phase::AUCTION);
        self.ts = self.spec.open_ns;
        let size = 200 + self.rng.below(800) as i64;
        let (buyer, seller) = (self.broker(), self.broker());
        self.trade(i64::from(self.spec.start_px) - 1, size, side::NONE, buyer, seller, flag::AUCTION);
        self.end_packet();
        self.marker(phase::OPEN);
        self.ts += 1_000_000;
        self.level(side::NONE, 0, 0, action::SNAPSHOT_BEGIN, flag::SNAPSHOT);
        for depth in 0..WINDOW {
            for ladder_side in [1, -1] {
                let size = 1 + self.rng.below(2 * target(depth) as u64) as i64;
                let ladder = self.ladder(ladder_side);
                let px = ladder.behind(depth);
                ladder.set(px, size);
                self.level(ladder_side as i8, px, size, action::ADD, flag::SNAPSHOT);
            }
        }
        self.level(side::NONE, 0, 0, action::SNAPSHOT_END, flag::SNAPSHOT);
        self.end_packet();
    }

    fn marker(&mut self, phase: u8) {
        self.push(Event { kind: Kind::Session as u8, action: phase, ..Event::default() });
        self.end_packet();
    }

    // ---- market orders

    /// A market order, or now and then a print that does not touch the displayed book.
    fn market(&mut self) {
        let (sign, broker) = self.aggressor();
        let size = self.market_size(sign);
        let off_book = self.rng.below(1_000);
        if off_book < 22 {
            let other = self.broker();
            let px = self.ladder(-sign).best;
            let (buyer, seller) = if sign > 0 { (broker, other) } else { (other, broker) };
            let (size, flags) =
                if off_book < 20 { (size.min(5), flag::RLP) } else { (size + 50, flag::CROSS) };
            self.trade(px, size, side::NONE, buyer, seller, flags);
            self.end_packet();
            return;
        }
        self.sweep(sign, size, broker);
        self.end_packet();
    }

    /// Sign and broker: a child of the running parent order, or a lone order.
    fn aggressor(&mut self) -> (i64, i32) {
        let buy = (500 + REGIMES[self.regime].bias) as u64;
        let sign = if self.rng.chance(buy) { 1 } else { -1 };
        let broker = self.broker();
        if self.parent.left == 0 && self.rng.chance(200) {
            self.parent = Parent { left: 2 + self.rng.pareto(TAIL_PARENT, 200), sign, broker };
        }
        if self.parent.left > 0 && self.rng.chance(600) {
            self.parent.left -= 1;
            return (self.parent.sign, self.parent.broker);
        }
        (sign, broker)
    }

    /// Power-law size; most orders stay within what is displayed, a few mean to clear it.
    fn market_size(&mut self, sign: i64) -> i64 {
        let scale = REGIMES[self.regime].size * self.spec.volatility as u64;
        let drawn = (self.rng.pareto(TAIL_SIZE, 500) * 2 * scale / 10_000).max(1) as i64;
        let kind = self.rng.below(1_000);
        let opposite = self.ladder(-sign);
        let shown = opposite.get(opposite.best);
        if kind < 25 {
            shown + drawn * 2
        } else if kind < 125 {
            (drawn + 4) / 5 * 5
        } else if kind < 800 {
            drawn.min(shown)
        } else {
            drawn
        }
    }

    /// Trades through the displayed levels of the other side, best first; icebergs refill as they are cleared.
    fn sweep(&mut self, sign: i64, size: i64, broker: i32) {
        let book = -sign;
        let (mut left, mut cleared) = (size, 0);
        while left > 0 && cleared < SWEEP_MAX {
            let ladder = self.ladder(book);
            let (px, shown) = (ladder.best, ladder.get(ladder.best));
            let iceberg = self.icebergs[slot(book)];
            let refills = iceberg.reserve > 0 && iceberg.px == px;
            let keeps = i64::from(!refills && !self.ladder(book).can_empty());
            let done = left.min(shown - keeps);
            if done == 0 {
                break;
            }
            left -= done;
            let maker = if refills { iceberg.broker } else { self.broker() };
            self.prints(px, done, sign, broker, maker);
            self.resize(book, px, shown - done);
            if shown == done && refills {
                let peak = iceberg.peak.min(iceberg.reserve);
                self.icebergs[slot(book)].reserve -= peak;
                self.resize(book, px, peak);
            } else if shown == done {
                cleared += 1;
                self.step_back(book);
            }
        }
    }

    /// One level's execution as one print, or two when two resting orders met it.
    fn prints(&mut self, px: i64, size: i64, sign: i64, taker: i32, maker: i32) {
        let first =
            if size < 4 || self.rng.chance(600) { size } else { 1 + self.rng.below(size as u64 - 1) as i64 };
        for (part, maker) in [(first, maker), (size - first, self.broker())] {
            if part > 0 {
                let (buyer, seller) = if sign > 0 { (taker, maker) } else { (maker, taker) };
                self.trade(px, part, sign as i8, buyer, seller, 0);
            }
        }
    }

    // ---- limit orders and cancels

    fn passive(&mut self) {
        let buy = (500 + REGIMES[self.regime].bias / 2) as u64;
        let book = if self.rng.chance(buy) { 1 } else { -1 };
        if self.asks.best - self.bids.best > 1 && self.rng.chance(550) {
            let size = 1 + ((self.rng.exp_q16() * 12) >> 16) as i64;
            let px = self.ladder(book).best + book;
            self.resize(book, px, size);
            self.step_up(book, px);
        } else {
            self.add_or_cancel(book);
        }
        self.end_packet();
    }

    fn add_or_cancel(&mut self, book: i64) {
        let depth = ((self.rng.exp_q16() * 3) >> 16).min(WINDOW as u64 - 1) as i64;
        let size = 1 + ((self.rng.exp_q16() * 7) >> 16) as i64;
        let draw = self.rng.below(1_000);
        let iceberg = self.rng.below(1_000);
        let ladder = self.ladder(book);
        let px = ladder.behind(depth);
        let shown = ladder.get(px);
        // Adds win while the level is thin and lose while it is thick: depth reverts to its target.
        let adds = match shown {
            s if s * 2 < target(depth) => 620,
            s if s < target(depth) => 520,
            _ => 370,
        };
        if shown == 0 || draw < adds {
            if depth < 2 && iceberg < 8 && self.icebergs[slot(book)].reserve == 0 {
                let peak = 5 + self.rng.below(20) as i64;
                let reserve = peak * (4 + self.rng.below(16) as i64);
                let broker = self.broker();
                self.icebergs[slot(book)] = Iceberg { px, peak, reserve, broker };
                self.resize(book, px, shown + peak);
            } else {
                self.resize(book, px, shown + size);
            }
            return;
        }
        let holds = self.icebergs[slot(book)].reserve > 0 && self.icebergs[slot(book)].px == px;
        let keeps = i64::from(holds || !self.ladder(book).can_empty());
        let left = (shown - size).max(keeps);
        if left != shown {
            self.resize(book, px, left);
            if left == 0 && depth == 0 {
                self.step_back(book);
            }
        }
    }

    // ---- the book

    fn ladder(&mut self, book: i64) -> &mut Ladder {
        if book > 0 { &mut self.bids } else { &mut self.asks }
    }

    /// Sets a level and tells it.
    fn resize(&mut self, book: i64, px: i64, size: i64) {
        let ladder = self.ladder(book);
        let old = ladder.get(px);
        ladder.set(px, size);
        let action = match (old, size) {
            (_, 0) => action::DELETE,
            (0, _) => action::ADD,
            _ => action::EDIT,
        };
        self.level(book as i8, px, size, action, 0);
    }

    /// The best level emptied: the next one is best, and rows scroll into the window.
    fn step_back(&mut self, book: i64) {
        let ladder = self.ladder(book);
        let old = ladder.best;
        let Some(best) = ladder.next(old) else { return };
        ladder.best = best;
        for depth in (WINDOW - (old - best).abs())..WINDOW {
            let size = 1 + self.rng.below(2 * target(depth) as u64) as i64;
            let px = best - book * depth;
            self.resize(book, px, size);
        }
        let iceberg = &mut self.icebergs[slot(book)];
        if (iceberg.px - best) * book > 0 {
            iceberg.reserve = 0;
        }
    }

    /// A better level appeared: it is best, and rows scroll out of the window.
    fn step_up(&mut self, book: i64, px: i64) {
        self.ladder(book).best = px;
        let out = px - book * WINDOW;
        if self.ladder(book).get(out) > 0 {
            self.resize(book, out, 0);
        }
        let iceberg = &mut self.icebergs[slot(book)];
        if (px - iceberg.px) * book > 10 {
            iceberg.reserve = 0;
        }
    }

    // ---- records

    fn broker(&mut self) -> i32 {
        let n = BROKERS.len() as u64;
        BROKERS[(self.rng.below(n) * self.rng.below(n) / n) as usize]
    }

    fn trade(&mut self, px: i64, size: i64, side: i8, buyer: i32, seller: i32, flags: u16) {
        self.trade_id += 1;
        self.push(Event {
            kind: Kind::Trade as u8,
            id: self.trade_id,
            px: px as i32,
            size: size as i32,
            ref_a: buyer,
            ref_b: seller,
            side,
            flags,
            ..Event::default()
        });
    }

    fn level(&mut self, side: i8, px: i64, size: i64, action: u8, flags: u16) {
        self.push(Event {
            kind: Kind::Level as u8,
            px: px as i32,
            size: size as i32,
            side,
            action,
            flags,
            ..Event::default()
        });
    }

    /// Appends a record as one of a packet that goes on.
    fn push(&mut self, event: Event) {
        self.out.push(Event {
            ts_event: self.ts,
            sequence: self.out.len() as i64 + 1,
            instrument: self.spec.instrument,
            flags: event.flags | flag::SYNTHETIC | flag::MORE,
            ..event
        });
    }

    /// Ends the packet: stamps its receive time and clears `MORE` on its last record. Nothing without records.
    fn end_packet(&mut self) {
        let packet = self.packet;
        if packet == self.out.len() {
            return;
        }
        self.packet = self.out.len();
        self.recv = self.recv.max(self.ts + 250_000 + self.rng.below(400_000) as i64);
        for e in &mut self.out[packet..] {
            e.ts_recv = self.recv;
        }
        if let Some(e) = self.out.last_mut() {
            e.flags &= !flag::MORE;
        }
    }
}

/// Index of a side's iceberg.
fn slot(book: i64) -> usize {
    usize::from(book < 0)
}

/// Displayed size that a level `depth` ticks behind the best reverts to.
fn target(depth: i64) -> i64 {
    24 + 8 * depth.min(8)
}
