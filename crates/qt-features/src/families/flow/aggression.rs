//! Rate at which one side takes liquidity.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        window: Window::Time(MINUTE),
        unit: "contracts/s",
        range: POSITIVE,
        warmup: Warmup::Time(MINUTE),
        swap_sides: Symmetry::Open,
        scale_sizes: Symmetry::Moves,
        source: "design documents",
        ..Spec::ORDER_FLOW
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] =
    &[spec(25, "aggression_buy_1m", "B / 60 of the window"), spec(26, "aggression_sell_1m", "S / 60 of the window")];

struct Aggression {
    window: WindowId,
    buy: bool,
}

impl Feature for Aggression {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let s = flow.tape.sums(self.window);
        (if self.buy { s.buy } else { s.sell }) as f64 / 60.0
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    let window = setup.flow.tape.window(spec.window_ns());
    Box::new(Aggression { window, buy: spec.name == SPECS[0].name })
}
