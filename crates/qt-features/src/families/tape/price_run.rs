//! The run of prints at one price.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 63,
    name: "same_price_run",
    definition: "number of consecutive prints at the last price, signed or not, the last one included",
    window: Window::Event(0),
    unit: "trades",
    range: (1.0, f64::INFINITY),
    kind: Kind::Integer,
    update: "U10",
    ..Spec::TAPE
}];

#[derive(Default)]
struct PriceRun {
    px: i32,
    /// 0 before the first print of the session.
    length: i64,
}

impl Feature for PriceRun {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        if self.length == 0 { f64::NAN } else { self.length as f64 }
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        self.length = if p.px == self.px { self.length + 1 } else { 1 };
        self.px = p.px;
    }

    fn on_session(&mut self) {
        self.length = 0;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.on_prints();
    Box::new(PriceRun::default())
}

#[cfg(test)]
mod tests {
    use super::super::contents::print;
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        assert!(f.value(&flow, 0).is_nan());
        for (px, side, run) in [(0, 1, 1.0), (0, 0, 2.0), (7, 1, 1.0), (7, -1, 2.0), (7, 1, 3.0), (0, 1, 1.0)] {
            f.on_print(&Print { px, ..print(1, side) }, &flow);
            assert_eq!(f.value(&flow, 0), run);
        }
        f.on_session();
        assert!(f.value(&flow, 0).is_nan());
        f.on_print(&Print { px: 0, ..print(1, 1) }, &flow);
        assert_eq!(f.value(&flow, 0), 1.0);
    }
}
