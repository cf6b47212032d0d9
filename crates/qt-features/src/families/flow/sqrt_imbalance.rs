//! Trade imbalance with square-root weights.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 33,
    name: "flow_sqrt_imb_1m",
    definition: "Σ side·√q / Σ |side|·√q of the window; √q is kept in units of 2^−36, so that sums are exact",
    window: Window::Time(MINUTE),
    range: (-1.0, 1.0),
    warmup: Warmup::Time(MINUTE),
    zero: Zero::Zero,
    source: "Hasbrouck 2009 weighting",
    ..Spec::ORDER_FLOW
}];

use qt_flow::window::{Row, Sums, Windows};

/// √size in units of 2⁻³⁶, truncated: integers add up exactly, in any order.
fn root(size: i32) -> i64 {
    (f64::from(size).sqrt() * (1i64 << 36) as f64) as i64
}

#[derive(Debug, Clone, Copy, Default)]
struct Weighted {
    ts: i64,
    /// Bought, or sold when negative; never 0.
    size: i32,
}

#[derive(Debug, Clone, Copy, Default)]
struct RootSums {
    net: i64,
    gross: i64,
}

impl Sums for RootSums {
    // Wrapping: the window's sums fit although the session's may not.
    fn minus(&self, o: &Self) -> Self {
        Self { net: self.net.wrapping_sub(o.net), gross: self.gross.wrapping_sub(o.gross) }
    }
}

impl Row for Weighted {
    type Sums = RootSums;
    type Small = i32;

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut RootSums) {
        let root = root(self.size.abs());
        s.net = s.net.wrapping_add(i64::from(self.size.signum()) * root);
        s.gross = s.gross.wrapping_add(root);
    }

    #[inline]
    fn small(&self) -> Option<i32> {
        Some(self.size)
    }

    #[inline]
    fn whole(ts: i64, size: i32) -> Self {
        Self { ts, size }
    }
}

struct SqrtImbalance {
    window: Windows<Weighted>,
    id: WindowId,
}

impl Feature for SqrtImbalance {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        self.window.advance(t);
        let s = self.window.sums(self.id);
        ratio_or_zero(s.net, s.gross)
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        if p.side != 0 {
            self.window.push(Weighted { ts: p.ts, size: p.size * i32::from(p.side) });
        }
    }

    fn on_session(&mut self) {
        self.window.clear();
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.on_prints();
    let mut window = Windows::default();
    let id = window.add(spec.window_ns());
    Box::new(SqrtImbalance { window, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        assert_eq!(f.value(&flow, 0), 0.0);
        for (size, side) in [(4, 1), (9, -1), (25, 1), (100, 0)] {
            f.on_print(&Print { ts: 1, px: 1, size, side, ..Print::default() }, &Flow::default());
        }
        assert_eq!(f.value(&flow, 1), 0.4); // (2 − 3 + 5) / (2 + 3 + 5)
        f.on_print(&Print { ts: 2, px: 1, size: 2, side: -1, ..Print::default() }, &Flow::default());
        let r = 2.0f64.sqrt();
        assert!((f.value(&flow, 2) - (4.0 - r) / (10.0 + r)).abs() < 1e-11);
        assert_eq!(f.value(&flow, 1 + MINUTE), -1.0);
    }
}
