//! Changes of the mid: how many, in which direction, how often back.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 137,
        name: "tick_run",
        definition: "signed number of mid changes in one direction, up to the last one of the session; a change is from one mid to another, a mid that vanishes or appears is none",
        window: Window::Event(0),
        kind: Kind::Integer,
        swap_sides: Symmetry::Moves,
        update: "U10",
        ..Spec::MICROSTRUCTURE
    },
    Spec {
        number: 138,
        name: "mid_changes_1m",
        definition: "number of changes from one mid to another in the window",
        window: Window::Time(MINUTE),
        unit: "changes",
        range: POSITIVE,
        kind: Kind::Integer,
        warmup: Warmup::Time(MINUTE),
        ..Spec::MICROSTRUCTURE
    },
    Spec {
        number: 139,
        name: "reversal_ratio_5m",
        definition: "share of the window's mid changes that go against the mid change before them; the first one of the session has none before it and does not count",
        window: Window::Time(5 * MINUTE),
        range: (0.0, 1.0),
        warmup: Warmup::Time(5 * MINUTE),
        zero: Zero::Nan,
        source: "Robert-Rosenbaum 2011",
        ..Spec::MICROSTRUCTURE
    },
];

struct TickRun;

impl Feature for TickRun {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match flow.mids.run() {
            0 => f64::NAN,
            run if flow.touch().is_some() => run as f64,
            _ => f64::NAN,
        }
    }
}

struct MidChanges(WindowId);

impl Feature for MidChanges {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.touch().is_some() { flow.mids.sums(self.0).changes as f64 } else { f64::NAN }
    }
}

struct ReversalRatio(WindowId);

impl Feature for ReversalRatio {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        if flow.touch().is_none() {
            return f64::NAN;
        }
        let s = flow.mids.sums(self.0);
        ratio_or_nan(s.reversals, s.followed)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.flow.want_touch();
    setup.flow.mids.enable();
    if spec.number == 137 {
        setup.changes_with(cause::TOUCH);
        return Box::new(TickRun);
    }
    setup.changes_with(cause::TOUCH | cause::EXIT);
    let window = setup.flow.mids.window(spec.window_ns());
    if spec.number == 138 { Box::new(MidChanges(window)) } else { Box::new(ReversalRatio(window)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Quote;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f: Vec<_> = SPECS.iter().map(|s| build(s, &mut Setup::new(&mut flow))).collect();
        flow.now = 0;
        flow.start_session();
        // Mids: 100.5, up, up, none (crossed), 100.5 again (no change), up, down
        for (at, bid_px, ask_px) in
            [(0, 100, 101), (1, 100, 102), (2, 101, 102), (3, 9, 9), (4, 100, 101), (5, 101, 102), (6, 100, 102)]
        {
            let quote = Event::from(Quote { bid_px, ask_px, bid_sz: 1, ask_sz: 1, ..Quote::default() });
            flow.now = at * SECOND;
            flow.apply(&quote);
            flow.settle(&quote);
        }
        let mut read = |t| {
            flow.prepare(t);
            [f[0].value(&flow, t), f[1].value(&flow, t), f[2].value(&flow, t)]
        };
        assert_eq!(read(6 * SECOND), [-1.0, 4.0, 1.0 / 3.0]);
        assert_eq!(read(65 * SECOND)[1], 1.0);
        assert_eq!(read(302 * SECOND)[2], 0.5);
    }
}
