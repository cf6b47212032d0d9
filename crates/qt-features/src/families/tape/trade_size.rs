//! Mean trade size.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 46,
    name: "trade_size_mean_1m",
    definition: "Σq/n of the window",
    window: Window::Time(MINUTE),
    unit: "contracts",
    range: (1.0, f64::INFINITY),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Nan,
    scale_sizes: Symmetry::Moves,
    ..Spec::TAPE
}];

struct TradeSize(WindowId);

impl Feature for TradeSize {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let s = flow.tape.sums(self.0);
        ratio_or_nan(s.volume, s.n)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    Box::new(TradeSize(setup.flow.tape.window(spec.window_ns())))
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [print(1, 1), print(2, 0), print(6, -1), print(5, -1)];
        assert_eq!(values(SPECS, build, &prints), [[3.5, 5.0]]);
        assert!(values(SPECS, build, &[])[0][0].is_nan());
    }
}
