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
    length: f64,
}

impl Feature for SessionShare {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        let share = (t - flow.session.start) as f64 / self.length;
        // Not `min`, which would turn NaN into 1.
        if share > 1.0 { 1.0 } else { share }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    Box::new(SessionShare { length: setup.session_seconds.map_or(f64::NAN, |s| s * SECOND as f64) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        flow.session.start(100 * SECOND);
        let mut setup = Setup::new(&mut flow);
        let mut unknown = build(&SPECS[0], &mut setup);
        setup.session_seconds = Some(40.0);
        let mut known = build(&SPECS[0], &mut setup);
        assert_eq!([100, 110, 140, 150].map(|s| known.value(&flow, s * SECOND)), [0.0, 0.25, 1.0, 1.0]);
        assert!(unknown.value(&flow, 110 * SECOND).is_nan());
    }
}
