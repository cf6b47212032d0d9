//! Fills where the stream has bars and nothing finer: pessimistic inside the bar.

use qt_core::Event;
use qt_core::event::Bar;

use crate::depth::Fidelity;
use crate::order::{OrderType, State, short_of};
use crate::venue::Venue;

impl Venue {
    /// A closed bar. Only orders sent before it began can trade in it.
    pub(crate) fn on_bar(&mut self, e: &Event) {
        self.depth.raise(Fidelity::Bar);
        if self.depth.fidelity != Fidelity::Bar || self.working.is_empty() || !self.is_continuous() {
            return;
        }
        let bar = Bar::from(e);
        self.at_open(&bar);
        self.stops_inside(&bar);
        self.limits_inside(&bar);
        self.sweep_done();
    }

    /// Market orders, and limit orders that the open makes marketable, trade at the open plus the adverse ticks.
    fn at_open(&mut self, bar: &Bar) {
        for i in 0..self.working.len() {
            let w = &self.working[i];
            if w.state != State::Taking || w.sent > bar.ts_open {
                continue;
            }
            let px = bar.open + i32::from(w.order.side) * self.config.adverse_ticks;
            if w.accepts(px) {
                let (size, ts) = (self.wanted(i), w.arrived.max(bar.ts_open));
                self.fill(i, px, size, false, ts);
            } else {
                self.working[i].state = State::Resting;
            }
        }
    }

    /// Stops come first: a bar that holds both a stop and a target is a loss.
    fn stops_inside(&mut self, bar: &Bar) {
        for i in 0..self.working.len() {
            let w = &self.working[i];
            let side = w.order.side;
            let extreme = if side > 0 { bar.high } else { bar.low };
            if w.state != State::Armed || w.sent > bar.ts_open || !w.triggers(extreme) {
                continue;
            }
            let from = if side > 0 { bar.open.max(w.order.px) } else { bar.open.min(w.order.px) };
            let px = from + i32::from(side) * self.config.adverse_ticks;
            let now = self.now;
            let w = &mut self.working[i];
            w.trigger();
            if w.accepts(px) {
                let size = self.wanted(i);
                self.fill(i, px, size, false, now);
            } else {
                // A stop-limit that its own bar ran past waits for the bars after it.
                (w.state, w.sent) = (State::Resting, now);
            }
        }
    }

    /// Limit orders fill at their price when the bar went through it, not when it only touched it.
    fn limits_inside(&mut self, bar: &Bar) {
        for i in 0..self.working.len() {
            let w = &self.working[i];
            let (side, px) = (w.order.side, w.order.px);
            let extreme = if side > 0 { bar.low } else { bar.high };
            let through = w.order.kind == OrderType::Limit && short_of(-side, px, extreme);
            if w.state == State::Resting && w.sent <= bar.ts_open && through {
                let size = self.wanted(i);
                if size > 0 {
                    self.fill(i, px, size, true, self.now);
                }
            }
        }
    }
}
