//! Speed of the tape against its usual speed.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 43,
    name: "tape_speed_ratio",
    definition: "tape_speed / (trades per second over 5 min)",
    window: Window::Time(5 * MINUTE),
    range: (0.0, 30.0),
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Nan,
    ..Spec::TAPE
}];

struct SpeedRatio {
    short: WindowId,
    long: WindowId,
}

impl Feature for SpeedRatio {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        // (n / 10 s) / (N / 300 s), with one rounding.
        ratio_or_nan(30 * flow.tape.sums(self.short).n, flow.tape.sums(self.long).n)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    let tape = &mut setup.flow.tape;
    Box::new(SpeedRatio { short: tape.window(10 * SECOND), long: tape.window(spec.window_ns()) })
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let prints = [print(1, 1); 25];
        assert_eq!(values(SPECS, build, &prints), [[12.0, 0.0]]); // (10 / 10) / (25 / 300)
        assert!(values(SPECS, build, &[])[0][0].is_nan());
    }
}
