//! Share of upticks among the trades that changed the price.

use crate::prelude::*;
use qt_flow::window::{Row, Sums, Windows};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 136,
    name: "uptick_ratio_1m",
    definition: "up/(up+down): trades of the window above and below the trade before them in the session, signed or not",
    inputs: &[Input::T],
    window: Window::Time(MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    swap_sides: Symmetry::Open,
    source: "Lee-Ready 1991",
    ..Spec::MICROSTRUCTURE
}];

#[derive(Clone, Copy, Default)]
struct Ticks {
    ts: i64,
    sums: TickSums,
}

#[derive(Clone, Copy, Default)]
struct TickSums {
    up: i64,
    all: i64,
}

impl Sums for TickSums {
    fn minus(&self, o: &Self) -> Self {
        Self { up: self.up - o.up, all: self.all - o.all }
    }
}

impl Row for Ticks {
    type Sums = TickSums;
    type Small = [u16; 2];

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut TickSums) {
        s.up += self.sums.up;
        s.all += self.sums.all;
    }

    fn merge(&mut self, later: &Self) -> bool {
        later.add_to(&mut self.sums);
        true
    }

    #[inline]
    fn small(&self) -> Option<[u16; 2]> {
        Some([self.sums.up.try_into().ok()?, self.sums.all.try_into().ok()?])
    }

    #[inline]
    fn whole(ts: i64, [up, all]: [u16; 2]) -> Self {
        Self { ts, sums: TickSums { up: up.into(), all: all.into() } }
    }
}

struct UptickRatio {
    window: Windows<Ticks>,
    id: WindowId,
    last: Option<i32>,
}

impl Feature for UptickRatio {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        self.window.advance(t);
        let s = self.window.sums(self.id);
        ratio_or_nan(s.up, s.all)
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        if let Some(last) = self.last.replace(p.px)
            && p.px != last
        {
            let sums = TickSums { up: i64::from(p.px > last), all: 1 };
            self.window.push(Ticks { ts: p.ts, sums });
        }
    }

    fn on_session(&mut self) {
        self.window.clear();
        self.last = None;
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT);
    setup.on_prints();
    setup.flow.tape.window(spec.window_ns()); // tells when a print leaves
    let mut window = Windows::default();
    let id = window.add(spec.window_ns());
    Box::new(UptickRatio { window, id, last: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        for (ts, px) in [(0, 10), (0, 10), (1, 12), (2, 11), (2, 11), (3, 12)] {
            f.on_print(&Print { ts, px, size: 1, ..Print::default() }, &flow);
        }
        assert_eq!(f.value(&flow, 3), 2.0 / 3.0);
        assert_eq!(f.value(&flow, 1 + MINUTE), 0.5);
        assert!(f.value(&flow, 3 + MINUTE).is_nan());
    }
}
