//! Time since the last large trade.

use qt_flow::contents::{LARGE, size_class};

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 60,
    name: "time_since_large",
    definition: "seconds since the session's last trade of q ≥ 50, signed or not; NaN until there is one",
    window: Window::Event(0),
    unit: "s",
    range: POSITIVE,
    scale_sizes: Symmetry::Open,
    update: "U3",
    ..Spec::TAPE
}];

#[derive(Default)]
struct SinceLarge {
    last: Option<i64>,
}

impl Feature for SinceLarge {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        self.last.map_or(f64::NAN, |last| (t - last) as f64 / SECOND as f64)
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        if size_class(p.size) >= LARGE {
            self.last = Some(p.ts);
        }
    }

    fn on_session(&mut self) {
        self.last = None;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.on_prints();
    Box::new(SinceLarge::default())
}

#[cfg(test)]
mod tests {
    use super::super::contents::print;
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        f.on_print(&print(49, 1), &flow);
        assert!(f.value(&flow, 0).is_nan());
        f.on_print(&Print { ts: 3 * SECOND, ..print(50, 0) }, &flow);
        f.on_print(&Print { ts: 4 * SECOND, ..print(10, 1) }, &flow);
        assert_eq!((f.value(&flow, 3 * SECOND), f.value(&flow, 5_500_000_000)), (0.0, 2.5));
        f.on_session();
        assert!(f.value(&flow, 6 * SECOND).is_nan());
    }
}
