//! How long buying follows buying: autocorrelation of the sides of parent orders.

use crate::prelude::*;

/// Parents that are looked at.
const PARENTS: usize = 500;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        inputs: &[Input::T],
        window: Window::Parents(PARENTS as u32),
        range: (-1.0, 1.0),
        warmup: Warmup::Items(PARENTS as u32),
        zero: Zero::Nan,
        update: "U6",
        source: "Lillo-Farmer 2004",
        ..Spec::MICROSTRUCTURE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(
        134,
        "sign_acf_1",
        "Σ_{i>1}(x_i−x̄)(x_{i−1}−x̄) / Σ(x_i−x̄)² over the sides x = ±1 of the last 500 parent orders that ended in the session",
    ),
    spec(
        135,
        "sign_acf_10",
        "Σ_{i>10}(x_i−x̄)(x_{i−10}−x̄) / Σ(x_i−x̄)² over the sides x = ±1 of the last 500 parent orders that ended in the session",
    ),
];

struct SignAcf {
    lag: usize,
    /// The last sides; the oldest is at `next`.
    ring: [i8; PARENTS],
    next: usize,
    seen: usize,
    sum: i64,
    /// Σ of the products of sides `lag` apart.
    products: i64,
}

impl SignAcf {
    /// The side `k` < [`PARENTS`] after the oldest one.
    fn side(&self, k: usize) -> i64 {
        i64::from(self.ring[(self.next + k) % PARENTS])
    }

    fn push(&mut self, side: i8) {
        // Sides not seen are 0 and weigh nothing.
        let x = i64::from(side);
        let oldest = self.side(0);
        self.products -= oldest * self.side(self.lag);
        self.products += x * self.side(PARENTS - self.lag);
        self.sum += x - oldest;
        self.ring[self.next] = side;
        self.next = (self.next + 1) % PARENTS;
        self.seen += 1;
    }
}

impl Feature for SignAcf {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        if self.seen < PARENTS {
            return f64::NAN;
        }
        let (n, lag, sum) = (PARENTS as i64, self.lag as i64, self.sum);
        // Both sums times n², with the ends that have no partner taken off.
        let oldest: i64 = (0..self.lag).map(|k| self.side(k)).sum();
        let newest: i64 = (PARENTS - self.lag..PARENTS).map(|k| self.side(k)).sum();
        let paired = 2 * sum - oldest - newest;
        let part = n * n * self.products - n * sum * paired + (n - lag) * sum * sum;
        ratio_or_nan(part, n * (n * n - sum * sum))
    }

    fn on_parent(&mut self, parent: &Parent, _flow: &Flow) {
        self.push(parent.side);
    }

    fn on_session(&mut self) {
        *self = Self::new(self.lag);
    }
}

impl SignAcf {
    fn new(lag: usize) -> Self {
        Self { lag, ring: [0; PARENTS], next: 0, seen: 0, sum: 0, products: 0 }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::PARENT);
    setup.on_parents();
    Box::new(SignAcf::new(if spec.number == 134 { 1 } else { 10 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lag: usize, sides: impl Iterator<Item = i8>) -> f64 {
        let mut f = SignAcf::new(lag);
        sides.for_each(|s| f.push(s));
        f.value(&Flow::default(), 0)
    }

    #[test]
    fn by_hand() {
        let turns = |k: i32| if k % 2 == 0 { 1 } else { -1 };
        assert!(after(1, (0..499).map(turns)).is_nan());
        // Alternating sides have mean 0: 499 products of −1, 490 of +1.
        assert_eq!(after(1, (0..777).map(turns).take(776)), -499.0 / 500.0);
        assert_eq!(after(10, (0..776).map(turns)), 490.0 / 500.0);
        assert!(after(1, (0..600).map(|_| 1)).is_nan());
    }

    #[test]
    fn equals_the_textbook_formula() {
        let sides: Vec<i8> = (0..900i32).map(|k| if (k * k * 31 % 101) < 60 { 1 } else { -1 }).collect();
        for lag in [1, 10] {
            let x: Vec<f64> = sides[400..].iter().map(|s| f64::from(*s)).collect();
            let mean = x.iter().sum::<f64>() / 500.0;
            let top: f64 = (lag..500).map(|i| (x[i] - mean) * (x[i - lag] - mean)).sum();
            let whole: f64 = x.iter().map(|x| (x - mean) * (x - mean)).sum();
            assert!((after(lag, sides.iter().copied()) - top / whole).abs() < 1e-13);
        }
    }
}
