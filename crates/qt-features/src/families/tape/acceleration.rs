//! Change of the speed of the tape.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 45,
    name: "tape_accel",
    definition: "tape_speed(t) − tape_speed(t−10 s)",
    window: Window::Time(20 * SECOND),
    unit: "trades/s",
    warmup: Warmup::Time(20 * SECOND),
    ..Spec::TAPE
}];

struct Acceleration {
    ten: WindowId,
    twenty: WindowId,
}

impl Feature for Acceleration {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        // The ten seconds before are the twenty without the last ten.
        (2 * flow.tape.sums(self.ten).n - flow.tape.sums(self.twenty).n) as f64 / 10.0
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    let tape = &mut setup.flow.tape;
    Box::new(Acceleration { ten: tape.window(10 * SECOND), twenty: tape.window(spec.window_ns()) })
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        // Ten prints in the last ten seconds, three in the ten before.
        assert_eq!(values(SPECS, build, &[print(1, 0); 13])[0], [0.7, -0.1]);
    }
}
