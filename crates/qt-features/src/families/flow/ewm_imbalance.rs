//! Trade imbalance with exponentially fading memory.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 31,
    name: "flow_ofi_ewm_30s",
    definition: "X/Y; X, Y = irregular EWMA sums of side·q and of |side|·q, τ = 30 s; NaN until the first print",
    window: Window::Decay(30 * SECOND),
    range: (-1.0, 1.0),
    zero: Zero::Zero,
    update: "U4",
    ..Spec::ORDER_FLOW
}];

struct EwmImbalance {
    tau: f64,
    /// Time of the last signed print.
    at: i64,
    net: f64,
    gross: f64,
    printed: bool,
}

impl Feature for EwmImbalance {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        // Both sums fade alike, so their ratio needs no decay up to `t`.
        match (self.printed, self.gross > 0.0) {
            (false, _) => f64::NAN,
            (true, false) => 0.0,
            (true, true) => self.net / self.gross,
        }
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        self.printed = true;
        if p.side != 0 {
            let fade = (-((p.ts - self.at) as f64) / self.tau).exp();
            let size = f64::from(p.size);
            self.net = self.net * fade + f64::from(p.side) * size;
            self.gross = self.gross * fade + size;
            self.at = p.ts;
        }
    }

    fn on_session(&mut self) {
        (self.net, self.gross, self.printed) = (0.0, 0.0, false);
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT);
    setup.on_prints();
    Box::new(EwmImbalance { tau: spec.window_ns() as f64, at: 0, net: 0.0, gross: 0.0, printed: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        assert!(f.value(&flow, 0).is_nan());
        f.on_print(&Print { ts: 0, px: 1, size: 5, side: 0, ..Print::default() }, &flow);
        assert_eq!(f.value(&flow, 0), 0.0);
        f.on_print(&Print { ts: 0, px: 1, size: 10, side: 1, ..Print::default() }, &flow);
        f.on_print(&Print { ts: 30 * SECOND, px: 1, size: 2, side: -1, ..Print::default() }, &flow);
        let e = (-1.0f64).exp();
        assert!((f.value(&flow, 31 * SECOND) - (10.0 * e - 2.0) / (10.0 * e + 2.0)).abs() < 1e-15);
    }
}
