//! Orders that are restored after they were executed: icebergs as a by-order feed shows them.

use qt_core::book::Order;

use super::super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::super::settings::DetectorSettings;
use crate::hash::Map;
use crate::tape::Print;

/// Rows with unexplained trades at most; beyond it the oldest is dropped and counted.
const MAX_ROWS: usize = 16;
/// Orders remembered after an execution; beyond it the oldest is forgotten and counted.
const MAX_ORDERS: usize = 512;
/// Fully executed orders that may surface under a new id; beyond it the oldest is forgotten.
const MAX_GONE: usize = 64;

/// Contracts traded at a row that order records have not explained yet.
#[derive(Debug, Clone, Copy)]
struct Traded {
    side: i8,
    px: i32,
    at: i64,
    /// The trade's packet goes on: its consequences are in it.
    packet: bool,
    volume: i64,
    left: i64,
    /// The order that would have been executed beyond what it showed.
    restored: Option<Restored>,
}

/// How well an order record fits an iceberg, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Deleted,
    Shrunk,
    Whole,
}

/// The order of a row that may have been restored: the best fit, the later of equals.
#[derive(Debug, Clone, Copy)]
struct Restored {
    id: i64,
    /// Contracts shown after the record.
    shown: i32,
    fit: Fit,
    known: Known,
}

/// What is known of an order that was executed.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Displayed size before its first execution.
    peak: i64,
    hidden: i64,
    restorations: i64,
}

/// An order that was executed to the last displayed contract.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// When the trade was that executed it.
    at: i64,
    side: i8,
    px: i32,
    broker: i32,
    known: Known,
}

/// Matches trades with the order records after them.
///
/// A trade at a row is explained by what the orders there lose in the records that follow. What remains unexplained
/// although an order of the row was edited has been executed and restored within that edit; where orders were only
/// deleted, the last of them was executed beyond what it showed.
#[derive(Debug, Clone, Default)]
pub struct NativeIceberg {
    traded: Vec<Traded>,
    slots: Vec<i64>,
    next_slot: usize,
    known: Map<i64, (usize, Known)>,
    gone: Vec<Gone>,
    /// Rows and executed orders dropped because there were too many.
    pub dropped: u64,
    held: Held,
    hidden: Held,
}

impl NativeIceberg {
    pub(in super::super) fn on_print(&mut self, p: &Print, packet: bool) {
        let (side, q) = (-p.side, i64::from(p.size));
        if side == 0 {
            return;
        }
        if let Some(row) = self.traded.iter_mut().find(|r| (r.side, r.px) == (side, p.px)) {
            (row.at, row.packet) = (p.ts, packet);
            row.volume += q;
            row.left += q;
            return;
        }
        if self.traded.len() == MAX_ROWS {
            self.traded.remove(0);
            self.dropped += 1;
        }
        let (volume, left) = (q, q);
        let row = Traded { side, px: p.px, at: p.ts, packet, volume, left, restored: None };
        self.traded.push(row);
    }

    /// What a record did to one order: as it was displayed before it, and as it is after it.
    pub(in super::super) fn on_order(
        &mut self,
        t: i64,
        old: Option<&Order>,
        new: Option<&Order>,
        s: &DetectorSettings,
        sink: &mut Sink,
    ) {
        let Some(old) = old else {
            if let Some(new) = new {
                self.added(t, new, s, sink);
            }
            return;
        };
        let size = new.map_or(0, |o| o.size);
        let Some(row) = self.traded.iter_mut().find(|r| (r.side, r.px) == (old.side, old.px)) else {
            if size == 0 {
                self.forget(old.id);
            }
            return;
        };
        if new.is_some_and(|o| o.px != old.px) {
            return;
        }
        let lost = i64::from(old.size) - i64::from(size);
        let executed = lost.clamp(0, row.left);
        row.left -= executed;
        let known = self
            .known
            .get(&old.id)
            .map_or_else(|| Known { peak: i64::from(old.size), ..Known::default() }, |(_, known)| *known);
        let fit = match (size > 0, lost <= 0) {
            (false, _) => Fit::Deleted,
            (true, false) => Fit::Shrunk,
            (true, true) => Fit::Whole,
        };
        // Whether other orders explain the rest of a trade is certain only within its packet.
        let counts = fit != Fit::Deleted || row.packet;
        if counts && row.restored.is_none_or(|r| r.fit <= fit) {
            row.restored = Some(Restored { id: old.id, shown: size, fit, known });
        }
        if size > 0 {
            self.remember(old.id, known);
            return;
        }
        let at = row.at;
        self.forget(old.id);
        if executed == i64::from(old.size) && old.broker != 0 {
            if self.gone.len() == MAX_GONE {
                self.gone.remove(0);
                self.dropped += 1;
            }
            self.gone.push(Gone { at, side: old.side, px: old.px, broker: old.broker, known });
        }
    }

    /// An order was added: perhaps a fully executed one under a new id.
    fn added(&mut self, t: i64, order: &Order, s: &DetectorSettings, sink: &mut Sink) {
        self.gone.retain(|g| t - g.at <= s.native_window_ns);
        let (side, px, size) = (order.side, order.px, i64::from(order.size));
        let same = |g: &Gone| (g.broker, g.side, g.px, g.known.peak) == (order.broker, side, px, size);
        let Some(k) = self.gone.iter().position(same) else { return };
        let mut known = self.gone.remove(k).known;
        known.hidden += size;
        known.restorations += 1;
        self.remember(order.id, known);
        let restored = Some(Restored { id: order.id, shown: order.size, fit: Fit::Shrunk, known });
        let (volume, left) = (size, size);
        let row = Traded { side, px, at: t, packet: false, volume, left, restored };
        self.tell(t, &row, &known, 0.9, sink);
    }

    /// A packet that changed the book ended.
    pub(in super::super) fn on_packet(&mut self, t: i64, sink: &mut Sink) {
        let mut k = 0;
        while k < self.traded.len() {
            if self.traded[k].packet {
                let row = self.traded.remove(k);
                self.resolve(t, &row, 1.0, sink);
            } else {
                k += 1;
            }
        }
    }

    /// Time after which something is due.
    pub(in super::super) fn due(&self, s: &DetectorSettings) -> i64 {
        self.traded.iter().map(|r| r.at + s.native_window_ns).min().unwrap_or(i64::MAX)
    }

    /// The time `due` has passed.
    pub(in super::super) fn pass(&mut self, due: i64, s: &DetectorSettings, sink: &mut Sink) {
        while let Some(k) = self.traded.iter().position(|r| r.at + s.native_window_ns <= due) {
            let row = self.traded.remove(k);
            self.resolve(due + 1, &row, 0.9, sink);
        }
    }

    fn resolve(&mut self, ts: i64, row: &Traded, confidence: f64, sink: &mut Sink) {
        let Some(r) = row.restored.filter(|_| row.left > 0) else { return };
        let mut gone = r.known;
        // An order without an id is known by this record alone.
        let known = match r.fit {
            _ if r.id == 0 => &mut gone,
            Fit::Deleted => &mut gone,
            _ => match self.known.get_mut(&r.id) {
                Some((_, known)) => known,
                None => return,
            },
        };
        known.hidden += row.left;
        known.restorations += 1;
        let known = *known;
        self.tell(ts, row, &known, confidence, sink);
    }

    fn tell(&mut self, ts: i64, row: &Traded, known: &Known, confidence: f64, sink: &mut Sink) {
        let (id, shown) = row.restored.map_or((0, 0), |r| (r.id, r.shown));
        self.held.set(ts, f64::from(row.side));
        self.hidden.set(ts, known.hidden as f64);
        sink.push(Detection {
            ts,
            kind: DetectorKind::IcebergNative,
            side: row.side,
            score: known.hidden as f64 / (known.hidden + known.peak) as f64,
            confidence,
            px: row.px,
            evidence: evidence([
                known.hidden as f64,
                known.restorations as f64,
                id as f64,
                f64::from(shown),
                row.left as f64,
                row.volume as f64,
            ]),
        });
    }

    fn remember(&mut self, id: i64, known: Known) {
        if id == 0 {
            return;
        }
        if let Some(entry) = self.known.get_mut(&id) {
            entry.1 = known;
            return;
        }
        if self.slots.len() < MAX_ORDERS {
            self.slots.resize(MAX_ORDERS, 0);
        }
        let slot = self.next_slot;
        self.next_slot = (slot + 1) % MAX_ORDERS;
        let before = std::mem::replace(&mut self.slots[slot], id);
        if self.known.get(&before).is_some_and(|(at, _)| *at == slot) {
            self.known.remove(&before);
            self.dropped += 1;
        }
        self.known.insert(id, (slot, known));
    }

    fn forget(&mut self, id: i64) {
        self.known.remove(&id);
    }

    pub(in super::super) fn held(&self) -> (&Held, &Held) {
        (&self.held, &self.hidden)
    }

    /// What was displayed is void.
    pub(in super::super) fn void(&mut self) {
        self.traded.clear();
        self.slots.clear();
        self.next_slot = 0;
        self.known.clear();
        self.gone.clear();
    }

    pub(in super::super) fn clear(&mut self) {
        self.void();
        (self.held, self.hidden) = (Held::default(), Held::default());
    }
}
