//! Spread implied by the bounce of traded prices.

use crate::prelude::*;
use qt_flow::window::{Row, Sums, Windows};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 129,
    name: "roll_spread_5m",
    definition: "2√max(0, −cov(Δp_i, Δp_{i−1}))/tick over the pairs of successive price changes among the window's trades, signed or not; population covariance about the means of the pairs' two members, integers up to the root; NaN with fewer than 4 trades",
    inputs: &[Input::T],
    window: Window::Time(5 * MINUTE),
    unit: "ticks",
    range: POSITIVE,
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Nan,
    update: "U6",
    source: "Roll 1984",
    ..Spec::MICROSTRUCTURE
}];

#[derive(Clone, Copy, Default)]
struct Traded {
    ts: i64,
    px: i32,
}

/// Σ of the change to a price times the change before it; a change that is not there is 0.
#[derive(Clone, Copy, Default)]
struct Products {
    n: i64,
    sum: i128,
    /// Price of the last trade and the change to it.
    px: i32,
    change: i64,
}

impl Products {
    #[inline]
    fn add(&mut self, px: i32) {
        let change = if self.n == 0 { 0 } else { i64::from(px) - i64::from(self.px) };
        self.sum += i128::from(change) * i128::from(self.change);
        (self.n, self.px, self.change) = (self.n + 1, px, change);
    }
}

impl Sums for Products {
    /// Those of the trades between; the last trade is that of `self`.
    fn minus(&self, o: &Self) -> Self {
        Self { n: self.n - o.n, sum: self.sum - o.sum, ..*self }
    }
}

impl Row for Traded {
    type Sums = Products;
    type Small = i32;

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut Products) {
        s.add(self.px);
    }

    #[inline]
    fn small(&self) -> Option<i32> {
        Some(self.px)
    }

    #[inline]
    fn whole(ts: i64, px: i32) -> Self {
        Self { ts, px }
    }
}

struct RollSpread {
    window: Windows<Traded>,
    id: WindowId,
}

impl Feature for RollSpread {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        self.window.advance(t);
        let n = self.window.sums(self.id).n;
        if n < 4 {
            return f64::NAN;
        }
        let (first, end) = (self.window.first(self.id), self.window.head());
        let [a, b, c, d] = [first, first + 1, end - 2, end - 1].map(|k| self.window.row(k).px);
        // The products of the first two trades reach back beyond the window. Sums of changes telescope.
        let mut beyond = *self.window.left(self.id);
        beyond.add(a);
        beyond.add(b);
        let sum = self.window.totals().sum - beyond.sum;
        let [a, b, c, d] = [a, b, c, d].map(i128::from);
        let covariance = i128::from(n - 2) * sum - (d - b) * (c - a);
        2.0 * float((-covariance).max(0)).sqrt() / (n - 2) as f64
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        self.window.push(Traded { ts: p.ts, px: p.px });
    }

    fn on_session(&mut self) {
        self.window.clear();
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT);
    setup.on_prints();
    setup.flow.tape.window(spec.window_ns()); // tells when a print leaves
    let mut window = Windows::default();
    let id = window.add(spec.window_ns());
    Box::new(RollSpread { window, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        let mut print = |ts, px| {
            f.on_print(&Print { ts, px, size: 1, ..Print::default() }, &flow);
            f.value(&flow, ts)
        };
        print(0, 50);
        assert!(print(1, 100).is_nan() && print(2, 104).is_nan());
        // Changes 50, 4, −4: pairs (4, 50), (−4, 4); products 200, −16, means 0 and 27
        assert_eq!(print(3, 100), 0.0);
        // The print at 0 leaves. Changes 4, −4, 4: pairs (−4, 4), (4, −4): covariance −16
        assert_eq!(print(5 * MINUTE, 104), 8.0);
    }
}
