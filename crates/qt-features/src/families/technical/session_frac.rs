//! Where in the session the clock stands.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 170,
    name: "session_frac",
    definition: "min(1, (t − session start)/session_seconds): elapsed share of the continuous session by the engine's \
                 clock; NaN where the scheduled length is not known",
    window: Window::State,
    range: (0.0, 1.0),
    reset: Reset::Session,
    swap_sides: Symmetry::Keeps,
    update: "U3",
    source: "intraday seasonality",
    ..Spec::TECHNICAL
}];

struct SessionShare {
    /// Scheduled length in ns; NaN where it is not known.
    scheduled: f64,
    /// Start of the session, and its length; NaN before the first session of the contract.
    start: i64,
    length: f64,
}

impl Feature for SessionShare {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        let share = (t - self.start) as f64 / self.length;
        // Not `min`, which would turn NaN into 1.
        if share > 1.0 { 1.0 } else { share }
    }

    fn on_session_start(&mut self, start: i64) {
        (self.start, self.length) = (start, self.scheduled);
    }

    fn on_roll(&mut self) {
        self.length = f64::NAN;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let scheduled = setup.session_seconds.map_or(f64::NAN, |s| s * SECOND as f64);
    Box::new(SessionShare { scheduled, start: 0, length: f64::NAN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut setup = Setup::new(&mut flow);
        let mut unknown = build(&SPECS[0], &mut setup);
        setup.session_seconds = Some(40.0);
        let mut known = build(&SPECS[0], &mut setup);
        assert!(known.value(&flow, 0).is_nan());
        for f in [&mut known, &mut unknown] {
            f.on_session_start(100 * SECOND);
        }
        assert_eq!([100, 110, 140, 150].map(|s| known.value(&flow, s * SECOND)), [0.0, 0.25, 1.0, 1.0]);
        assert!(unknown.value(&flow, 110 * SECOND).is_nan());
        known.on_roll();
        assert!(known.value(&flow, 110 * SECOND).is_nan());
    }
}
