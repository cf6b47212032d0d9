//! Sessions: what starts, closes and rolls, and when the grids of a session begin.

use qt_core::Event;
use qt_core::event::Kind;
use qt_flow::session::Turn;

use super::FeatureEngine;
use crate::clock::Clock;
use crate::feature::cause;

impl FeatureEngine {
    /// Grids begin with the first market record of a session.
    #[cold]
    pub(super) fn first_record(&mut self, e: &Event) {
        let market = [Kind::Trade, Kind::Quote, Kind::Level, Kind::Order, Kind::Bar];
        if !self.flow.session.open || !market.iter().any(|k| *k as u8 == e.kind) {
            return;
        }
        self.awaits_first = false;
        (self.happened, self.next_warm) = (cause::ALL, i64::MIN);
        let (start, now) = (self.flow.session.start, self.flow.now);
        self.flow.session.first = Some(now);
        for g in &mut self.grids {
            g.next = first_point(start, g.step, now);
        }
        if let Clock::Time(step) = self.config.clock {
            self.next_sample = first_point(start, step, now);
        }
        self.plan();
    }

    /// The first event and session markers.
    #[cold]
    pub(super) fn mark(&mut self, e: &Event) {
        let first = !self.flow.session.begun;
        (self.happened, self.next_warm) = (cause::ALL, i64::MIN);
        if e.kind != Kind::Session as u8 {
            self.start_session();
            return;
        }
        let turn = self.flow.session.marker(e.action);
        match turn {
            // The first event opens the session, whatever it is; a close does not.
            Turn::None if first && e.action != qt_core::event::phase::CLOSED => self.start_session(),
            Turn::None => {}
            Turn::Start => {
                self.end_bars();
                self.start_session();
            }
            Turn::Close => {
                // `open` is already false, but the bars belong to the session that ends.
                self.end_bars();
                self.next_sample = i64::MAX;
                self.print_due = false;
                self.plan();
            }
            Turn::Roll => {
                let open = self.flow.session.open || first;
                self.flow.session.open = open;
                self.flow.roll(e);
                for c in &mut self.columns {
                    c.feature.on_roll();
                    c.feature.on_session();
                    if open {
                        c.feature.on_session_start(self.flow.session.start);
                    }
                }
                self.anchor();
            }
        }
    }

    /// Closes the forming bars because their session ends now.
    fn end_bars(&mut self) {
        let now = self.flow.now;
        if self.flow.footprints.end_session(now) {
            self.tell_footprint();
        }
        if let Some(bar) = self.flow.bars.end_session(now) {
            self.close_bar(&bar);
        }
    }

    fn start_session(&mut self) {
        self.flow.start_session();
        for c in &mut self.columns {
            c.feature.on_session();
            c.feature.on_session_start(self.flow.session.start);
        }
        self.anchor();
    }

    /// A session starts, or the next contract while none is running: grids wait for the first market record, counts
    /// begin again.
    fn anchor(&mut self) {
        // Again: the bar that the marker closed may have made a row since.
        (self.happened, self.next_warm) = (cause::ALL, i64::MIN);
        for g in &mut self.grids {
            g.next = i64::MAX;
        }
        self.next_sample = i64::MAX;
        self.awaits_first = self.flow.session.open;
        self.next_print = match self.config.clock {
            Clock::Trades(every) => every,
            _ => i64::MAX,
        };
        self.print_due = false;
        self.plan();
    }
}

/// First point start + k·step, k ≥ 1, at or after `t` ≥ `start`.
fn first_point(start: i64, step: i64, t: i64) -> i64 {
    let k = ((t - start) / step + i64::from((t - start) % step != 0)).max(1);
    start.saturating_add(k.saturating_mul(step))
}
