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
    px: i64,
    /// Change to this price times the change before it.
    product: i128,
}

#[derive(Clone, Copy, Default)]
struct Products {
    n: i64,
    sum: i128,
}

impl Sums for Products {
    fn minus(&self, o: &Self) -> Self {
        Self { n: self.n - o.n, sum: self.sum - o.sum }
    }
}

impl Row for Traded {
    type Sums = Products;

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut Products) {
        s.n += 1;
        s.sum += self.product;
    }
}

struct RollSpread {
    window: Windows<Traded>,
    id: WindowId,
    /// Price of the last trade and the change to it, 0 before there are two.
    last: Option<i64>,
    change: i64,
}

impl Feature for RollSpread {
    fn value(&mut self, _flow: &Flow, t: i64) -> f64 {
        self.window.advance(t);
        let Products { n, sum } = self.window.sums(self.id);
        if n < 4 {
            return f64::NAN;
        }
        let (first, end) = (self.window.first(self.id), self.window.head());
        let [a, b] = [first, first + 1].map(|k| *self.window.row(k));
        let [c, d] = [end - 2, end - 1].map(|k| self.window.row(k).px);
        // The products of the first two trades reach back beyond the window. Sums of changes telescope.
        let pairs = i128::from(n - 2);
        let sum = sum - a.product - b.product;
        let covariance = pairs * sum - i128::from(d - b.px) * i128::from(c - a.px);
        2.0 * float((-covariance).max(0)).sqrt() / (n - 2) as f64
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        let px = i64::from(p.px);
        let change = px - self.last.unwrap_or(px);
        let product = i128::from(change) * i128::from(self.change);
        self.window.push(Traded { ts: p.ts, px, product });
        (self.last, self.change) = (Some(px), change);
    }

    fn on_session(&mut self) {
        self.window.clear();
        (self.last, self.change) = (None, 0);
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT);
    setup.on_prints();
    setup.flow.tape.window(spec.window_ns()); // tells when a print leaves
    let mut window = Windows::default();
    let id = window.add(spec.window_ns());
    Box::new(RollSpread { window, id, last: None, change: 0 })
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
