//! Last price against the session's volume-weighted average price.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 39,
        name: "vwap_distance",
        definition: "(last − VWAP)/tick, VWAP = Σpq/Σq of the session",
        unit: "ticks",
        update: "U2",
        ..Spec::ORDER_FLOW
    },
    Spec {
        number: 40,
        name: "vwap_z",
        definition: "(last − VWAP)/σ, σ² = Σq(p−VWAP)²/Σq of the session",
        zero: Zero::Nan,
        update: "U2",
        ..Spec::ORDER_FLOW
    },
];

struct VwapDistance;

impl Feature for VwapDistance {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.moments.distance(flow.tape.last_px)
    }
}

struct VwapZ;

impl Feature for VwapZ {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.moments.z(flow.tape.last_px)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.flow.moments.enable();
    if spec.name == SPECS[0].name { Box::new(VwapDistance) } else { Box::new(VwapZ) }
}
