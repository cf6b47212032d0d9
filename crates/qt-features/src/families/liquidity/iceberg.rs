//! The latest live iceberg.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 109,
        name: "iceberg_detected",
        family: Family::Liquidity,
        definition: "resting side of the latest iceberg detected in the window, by the best rule that found one: native, then synthetic, then tape; else 0; NaN without a book",
        inputs: &[Input::T, Input::L2],
        window: Window::Event(60 * SECOND),
        range: (-1.0, 1.0),
        kind: Kind::Flag,
        reset: Reset::Session,
        scale_sizes: Symmetry::Open,
        update: "U10",
        source: "design documents; Zotikov-Antonov 2021",
        ..Spec::BOOK
    },
    Spec {
        number: 110,
        name: "iceberg_hidden_est",
        family: Family::Liquidity,
        definition: "hidden contracts executed so far of that iceberg: those restored after trades (native), refills and what trades took beyond the size shown (synthetic), 0 where only the tape knows of it",
        inputs: &[Input::T, Input::L2],
        window: Window::Event(60 * SECOND),
        unit: "contracts",
        range: POSITIVE,
        kind: Kind::Integer,
        warmup: Warmup::None,
        reset: Reset::Session,
        swap_sides: Symmetry::Keeps,
        scale_sizes: Symmetry::Open,
        update: "U10",
        source: "Zotikov-Antonov 2021",
        ..Spec::BOOK
    },
];

struct Iceberg {
    hidden: bool,
}

impl Feature for Iceberg {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if !flow.has_levels() || flow.touch().is_none() {
            return f64::NAN;
        }
        flow.detectors().map_or(f64::NAN, |d| if self.hidden { d.hidden(t) } else { d.iceberg(t) })
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    for kind in [DetectorKind::IcebergNative, DetectorKind::IcebergSynthetic, DetectorKind::IcebergTape] {
        setup.flow.want_detector(kind);
    }
    Box::new(Iceberg { hidden: spec.number == 110 })
}
