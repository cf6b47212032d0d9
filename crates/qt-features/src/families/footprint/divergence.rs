//! A new extreme against the delta of its own bar.

use super::sign;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 87,
    name: "fp_delta_divergence",
    definition: "−1 if H of the last closed 5 min bar is above that of each of the 9 before it and B < S; +1 if L is below that of each of the 9 before it and B > S; else 0; bars without a print count, flat at the last close",
    window: Window::Footprints(BARS as u32),
    range: (-1.0, 1.0),
    kind: Kind::Flag,
    warmup: Warmup::Items(BARS as u32),
    swap_sides: Symmetry::Moves,
    update: "U5",
    source: "standard",
    ..Spec::FOOTPRINT
}];

const BARS: usize = 10;

struct Divergence {
    highs: Last<i32, BARS>,
    lows: Last<i32, BARS>,
    value: f64,
}

impl Divergence {
    fn new() -> Self {
        Self { highs: Last::default(), lows: Last::default(), value: f64::NAN }
    }
}

impl Feature for Divergence {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_footprint(&mut self, footprint: &Footprint, _flow: &Flow) {
        let bar = &footprint.bar;
        self.highs.push(bar.high);
        self.lows.push(bar.low);
        if !self.highs.full() {
            return;
        }
        let before = |last: &Last<i32, BARS>, beyond: fn(i32, i32) -> bool, x: i32| {
            (1..BARS).filter_map(|k| last.back(k)).all(|y| beyond(x, y))
        };
        let highest = before(&self.highs, |x, y| x > y, bar.high);
        let lowest = before(&self.lows, |x, y| x < y, bar.low);
        let delta = footprint.delta();
        self.value = sign(lowest && delta > 0, highest && delta < 0);
    }

    fn on_roll(&mut self) {
        *self = Self::new();
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::FOOTPRINT);
    setup.on_footprints();
    Box::new(Divergence::new())
}

#[cfg(test)]
mod tests {
    use super::super::drawn::footprint;
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        let mut after = |rows: &[(i32, i32, i32)]| {
            f.on_footprint(&footprint(rows, rows[0].0), &flow);
            f.value(&flow, 0)
        };
        for _ in 0..9 {
            assert!(after(&[(105, 1, 1), (95, 1, 1)]).is_nan());
        }
        assert_eq!(after(&[(105, 1, 9)]), 0.0); // equals the high
        assert_eq!(after(&[(106, 1, 9)]), -1.0);
        assert_eq!(after(&[(107, 9, 1)]), 0.0); // bought
        assert_eq!(after(&[(108, 1, 9), (94, 1, 2)]), -1.0);
        assert_eq!(after(&[(93, 9, 1)]), 1.0);
        assert_eq!(after(&[(92, 1, 1)]), 0.0);
        for _ in 0..8 {
            assert_eq!(after(&[(100, 1, 1)]), 0.0);
        }
        // 92 is the tenth bar counted from this one, 93 has left.
        assert_eq!(after(&[(92, 9, 1)]), 0.0);
        assert_eq!(after(&[(93, 9, 1)]), 0.0); // 92 is the bar before
        assert_eq!(after(&[(91, 9, 1)]), 1.0);
    }
}
