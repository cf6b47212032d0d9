//! What trades and the bars of a source do.

use std::cmp::Ordering;

use qt_core::event::{Event, Trade, flag, side};

use super::{Flow, RlpSign};
use crate::bars::Bar;
use crate::tape::Print;

impl Flow {
    #[inline]
    pub(super) fn apply_trade(&mut self, t: &Trade) -> bool {
        if !t.is_print() {
            return false;
        }
        self.tape.see_price(t.px);
        let side = if t.flags & (flag::CROSS | flag::AUCTION) != 0 {
            side::NONE
        } else if t.flags & flag::RLP == 0 {
            t.side.signum()
        } else {
            match self.rlp {
                RlpSign::Drop => side::NONE,
                RlpSign::Quote => self.lee_ready(t.px),
            }
        };
        let (broker, passive) = match side {
            side::BUY => (t.buyer, t.seller),
            side::SELL => (t.seller, t.buyer),
            _ => (0, 0),
        };
        let print = Print { ts: self.now, px: t.px, size: t.size, broker, side };
        self.print = print;
        self.passive = passive;
        self.ended = self.parents.push(&print);
        self.tape.push(print);
        self.exits.tape = self.exits.tape.min(self.tape.next_exit());
        // What was executed hidden had not been displayed: no displayed size left by it.
        if t.flags & flag::HIDDEN == 0 {
            if self.limit.enabled() {
                self.limit.on_print(&print);
            }
            self.removed.on_print(&print);
        }
        if self.moments.enabled() {
            self.moments.push(t.px, t.size);
        }
        if self.profile.enabled() {
            self.profile.push(t.px, t.size);
        }
        if self.markouts.enabled() {
            self.markouts.on_print(&print, self.mid2());
            self.exits.mid = self.exits.mid.min(self.markouts.next_exit());
        }
        if self.bars.active() && self.session.open {
            self.bars.push(&print, self.session.start);
        }
        if self.footprints.enabled() && self.session.open {
            self.footprints.push(&print, self.session.start);
        }
        if self.detectors.is_some() {
            self.tell_print(t);
        }
        true
    }

    /// Buyer above the mid, seller below it; at the mid or without one, by the last price change.
    fn lee_ready(&self, px: i32) -> i8 {
        match self.quote().map(|t| (2 * i64::from(px)).cmp(&t.mid2())) {
            Some(Ordering::Greater) => side::BUY,
            Some(Ordering::Less) => side::SELL,
            _ => self.tape.tick,
        }
    }

    fn tell_print(&mut self, t: &Trade) {
        let Some(mut detectors) = self.detectors.take() else { return };
        if let Some(parent) = &self.ended {
            detectors.on_parent(parent, self.now);
        }
        let (hidden, packet) = (t.flags & flag::HIDDEN != 0, t.flags & flag::MORE != 0);
        detectors.on_print(&self.print, hidden, packet, self);
        self.detectors = Some(detectors);
    }

    #[cold]
    pub(super) fn apply_bar(&mut self, e: &Event) {
        self.bars.use_foreign();
        self.foreign_bar = Some(Bar {
            start: e.id,
            end: self.now,
            open: e.px,
            high: e.px_ask,
            low: e.ref_a,
            close: e.ref_b,
            volume: i64::from(e.size),
            sides: None,
        });
    }
}
