//! Trades and contracts per second.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str, ns: i64) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Time(ns),
        unit: "trades/s",
        range: POSITIVE,
        warmup: Warmup::Time(ns),
        ..Spec::TAPE
    }
}

const TRADES: &str = "trades of the window, signed or not, / its length in seconds";

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec { source: "design documents", ..spec(41, "tape_speed", TRADES, 10 * SECOND) },
    Spec { source: "design documents", ..spec(42, "tape_speed_1m", TRADES, MINUTE) },
    Spec {
        unit: "contracts/s",
        scale_sizes: Symmetry::Moves,
        ..spec(44, "tape_volume_speed", "V of the window / its length in seconds", 10 * SECOND)
    },
];

struct Speed {
    window: WindowId,
    seconds: f64,
    contracts: bool,
}

impl Feature for Speed {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let s = flow.tape.sums(self.window);
        (if self.contracts { s.volume } else { s.n }) as f64 / self.seconds
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    Box::new(Speed {
        window: setup.flow.tape.window(spec.window_ns()),
        seconds: (spec.window_ns() / SECOND) as f64,
        contracts: spec.name == SPECS[2].name,
    })
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints: Vec<Print> = (1..=12).map(|q| print(q, (q % 3 - 1) as i8)).collect();
        // Ten seconds hold prints 3 to 12, a minute all of them.
        assert_eq!(values(SPECS, build, &prints), [[1.0, 0.1], [0.2, 1.0 / 60.0], [7.5, 1.2]]);
    }
}
