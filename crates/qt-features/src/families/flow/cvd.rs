//! Cumulative volume delta of the session.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 19,
    name: "cvd_session",
    definition: "B−S since the session start; NaN until the first print",
    unit: "contracts",
    kind: Kind::Integer,
    scale_sizes: Symmetry::Moves,
    update: "U2",
    ..Spec::ORDER_FLOW
}];

struct Cvd;

impl Feature for Cvd {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let s = flow.tape.session();
        if s.n == 0 { f64::NAN } else { s.delta() as f64 }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    Box::new(Cvd)
}
