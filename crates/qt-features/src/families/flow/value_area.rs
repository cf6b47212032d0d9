//! Mid price against the value area, and the area's width.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 35,
        name: "va_position",
        definition: "(mid − VAL)/(VAH − VAL) of the session profile, unclipped: [0, 1] inside the value area",
        inputs: &[Input::T, Input::L1],
        zero: Zero::Nan,
        swap_sides: Symmetry::Open,
        update: "U8",
        source: "Steidlmayer",
        ..Spec::ORDER_FLOW
    },
    Spec {
        number: 36,
        name: "va_width",
        definition: "(VAH − VAL)/tick of the session profile",
        unit: "ticks",
        range: POSITIVE,
        kind: Kind::Integer,
        swap_sides: Symmetry::Open,
        update: "U8",
        source: "Steidlmayer",
        ..Spec::ORDER_FLOW
    },
];

struct VaPosition;

impl Feature for VaPosition {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match (flow.quote(), flow.profile.area()) {
            (Some(touch), Some(area)) => {
                let width = i64::from(area.high) - i64::from(area.low);
                ratio_or_nan(touch.mid2() - 2 * i64::from(area.low), 2 * width)
            }
            _ => f64::NAN,
        }
    }
}

struct VaWidth;

impl Feature for VaWidth {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        flow.profile.area().map_or(f64::NAN, |area| (i64::from(area.high) - i64::from(area.low)) as f64)
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::TOUCH);
    setup.flow.profile.enable_area();
    setup.flow.moments.enable(); // ties of the point of control
    if spec.name == SPECS[0].name {
        setup.flow.want_touch();
        Box::new(VaPosition)
    } else {
        Box::new(VaWidth)
    }
}
