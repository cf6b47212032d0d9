//! The run of prints with one aggressor side.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Event(0),
        kind: Kind::Integer,
        swap_sides: Symmetry::Moves,
        update: "U10",
        ..Spec::TAPE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        unit: "trades",
        source: "Lillo-Farmer 2004",
        ..spec(
            61,
            "same_side_run",
            "side × number of prints of the run of one aggressor side that the last print belongs to; an unsigned \
             print ends the run: 0 until the next signed one",
        )
    },
    Spec {
        unit: "contracts",
        scale_sizes: Symmetry::Moves,
        ..spec(
            62,
            "same_side_run_volume",
            "side × contracts of the run of same_side_run; 0 after an unsigned print",
        )
    },
];

/// Signed sum over the run: of ones, or of contracts.
struct SideRun {
    contracts: bool,
    side: i8,
    sum: i64,
    printed: bool,
}

impl Feature for SideRun {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        if self.printed { self.sum as f64 } else { f64::NAN }
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        if p.side != self.side || !self.printed {
            (self.side, self.sum, self.printed) = (p.side, 0, true);
        }
        self.sum += i64::from(p.side) * if self.contracts { i64::from(p.size) } else { 1 };
    }

    fn on_session(&mut self) {
        self.printed = false;
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.on_prints();
    Box::new(SideRun { contracts: spec.name == SPECS[1].name, side: 0, sum: 0, printed: false })
}

#[cfg(test)]
mod tests {
    use super::super::contents::print;
    use super::*;

    #[test]
    fn by_hand() {
        for (k, expected) in [[1.0, 2.0, 0.0, 1.0, -1.0, -2.0], [3.0, 8.0, 0.0, 2.0, -4.0, -5.0]].iter().enumerate() {
            let mut flow = Flow::default();
            let mut f = build(&SPECS[k], &mut Setup::new(&mut flow));
            assert!(f.value(&flow, 0).is_nan());
            let prints = [(3, 1), (5, 1), (9, 0), (2, 1), (4, -1), (1, -1)];
            for ((q, side), run) in prints.into_iter().zip(expected) {
                f.on_print(&print(q, side), &flow);
                assert_eq!(f.value(&flow, 0), *run);
            }
            f.on_session();
            assert!(f.value(&flow, 0).is_nan());
            f.on_print(&print(1, -1), &flow);
            assert_eq!(f.value(&flow, 0), -1.0);
        }
    }
}
