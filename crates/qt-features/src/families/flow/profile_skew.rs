//! Asymmetry of the session's volume profile.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 37,
    name: "profile_skew",
    definition: "Σ v(p−p̄)³ / (V σ³) of the session profile; p̄, σ volume-weighted",
    zero: Zero::Nan,
    update: "U2",
    ..Spec::ORDER_FLOW
}];

struct ProfileSkew;

impl Feature for ProfileSkew {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.moments.skew()
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.flow.moments.enable();
    Box::new(ProfileSkew)
}
