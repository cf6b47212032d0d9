//! How far the mid has moved.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition: "(mid(t)−mid(t−W))/tick; mid(t−W) = the mid in force then, events of that time included; NaN where there is or was none, or before the session",
        window: Window::Time(ns),
        unit: "ticks",
        warmup: Warmup::Time(ns),
        swap_sides: Symmetry::Moves,
        update: "U5",
        ..Spec::MICROSTRUCTURE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[spec(116, "mid_return_1s", SECOND), spec(117, "mid_return_10s", 10 * SECOND)];

struct MidReturn(WindowId);

impl Feature for MidReturn {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match (flow.mid2(), flow.mids.before(self.0)) {
            (Some(now), Some(then)) => 0.5 * (now - then) as f64,
            _ => f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH | cause::EXIT);
    setup.flow.want_touch();
    Box::new(MidReturn(setup.flow.mids.window(spec.window_ns())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Quote;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        flow.now = 0;
        flow.start_session();
        for (at, ask_px) in [(0, 101), (SECOND / 2, 104)] {
            let quote =
                Event::from(Quote { bid_px: 100, ask_px, bid_sz: 1, ask_sz: 1, ..Quote::default() });
            flow.now = at;
            flow.apply(&quote);
            flow.settle(&quote);
        }
        let mut read = |t| {
            flow.prepare(t);
            f.value(&flow, t)
        };
        assert!(read(SECOND - 1).is_nan());
        assert_eq!((read(SECOND), read(3 * SECOND / 2 - 1), read(3 * SECOND / 2)), (1.5, 1.5, 0.0));
    }
}
