//! Mean size of parent orders.

use crate::prelude::*;

use qt_flow::window::{Row, Sums, Windows};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 64,
    name: "parent_size_mean_1m",
    definition: "mean volume of the parent orders that have ended and whose last print lies in the window. A parent is \
                 a sequence of prints of one side, by one broker where known, with pauses of at most 1 ms; another \
                 print or a longer pause ends it",
    window: Window::Time(MINUTE),
    unit: "contracts",
    range: (1.0, f64::INFINITY),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    scale_sizes: Symmetry::Moves,
    update: "U10",
    ..Spec::TAPE
}];

#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    ts: i64,
    volume: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct EndedSums {
    volume: i64,
    n: i64,
}

impl Sums for EndedSums {
    fn minus(&self, o: &Self) -> Self {
        Self { volume: self.volume - o.volume, n: self.n - o.n }
    }
}

impl Row for Ended {
    type Sums = EndedSums;
    type Small = i32;

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut EndedSums) {
        s.volume += self.volume;
        s.n += 1;
    }

    #[inline]
    fn small(&self) -> Option<i32> {
        self.volume.try_into().ok()
    }

    #[inline]
    fn whole(ts: i64, volume: i32) -> Self {
        Self { ts, volume: volume.into() }
    }
}

struct ParentSize {
    window: Windows<Ended>,
    id: WindowId,
}

impl Feature for ParentSize {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        self.window.advance(t);
        let s = self.window.sums(self.id);
        ratio_or_nan(s.volume, s.n)
    }

    fn on_parent(&mut self, p: &Parent, _flow: &Flow) {
        // Parents end in the order of their last prints.
        self.window.push(Ended { ts: p.last, volume: p.volume });
    }

    fn on_session(&mut self) {
        self.window.clear();
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.on_parents();
    // A parent leaves the window when its last print leaves that of the tape, which it may also do as a print comes.
    setup.flow.tape.window(spec.window_ns());
    setup.changes_with(cause::PARENT | cause::PRINT | cause::EXIT_TAPE);
    let mut window = Windows::default();
    let id = window.add(spec.window_ns());
    Box::new(ParentSize { window, id })
}

#[cfg(test)]
mod tests {
    use super::super::contents::print;
    use super::*;
    use qt_flow::parent::Parents;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        let mut parents = Parents::default();
        let ms = SECOND / 1000;
        // 3 + 4 bought, then 5 sold; the unsigned print belongs to nobody; 6 bought is still open.
        for (ts, q, side) in [(0, 3, 1), (ms, 4, 1), (ms, 5, -1), (2 * ms, 9, 0), (3 * ms, 6, 1)] {
            if let Some(parent) = parents.push(&Print { ts, ..print(q, side) }) {
                f.on_parent(&parent, &flow);
            }
        }
        assert_eq!(f.value(&flow, 4 * ms), 6.0);
        f.on_parent(&parents.pass(5 * ms).unwrap(), &flow);
        assert_eq!(f.value(&flow, 5 * ms), 6.0);
        assert_eq!(f.value(&flow, ms + MINUTE), 6.0); // the two that ended at 1 ms are out
        assert!(f.value(&flow, 3 * ms + MINUTE).is_nan());
    }

    #[test]
    fn a_parent_leaves_although_a_print_has_made_room() {
        use qt_core::event::Trade;

        // The n-th print comes a minute after the first; for one of these n it finds the ring of the tape full.
        for n in [64, 128, 256, 512, 1024] {
            let names = vec![SPECS[0].name.into()];
            let config = crate::Config::parse(names, 0.5, 10.0, "event", "partial", "drop");
            let mut engine = crate::FeatureEngine::new(config.expect("settings")).expect("engine");
            for k in 0..=n {
                let side = i8::from(k == 0);
                let (ts, size) = (k * (MINUTE / n), 7);
                let trade = Trade { ts_event: ts, ts_recv: ts, px: 100, size, side, ..Trade::default() };
                engine.update(&trade.into()).expect("in order");
            }
            let values = engine.take().values;
            assert!(values[1] == 7.0 && values[values.len() - 1].is_nan(), "{n}: {values:?}");
        }
    }
}
