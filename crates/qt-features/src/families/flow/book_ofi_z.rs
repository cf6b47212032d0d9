//! How unusual the current order-flow imbalance is among the last thirty minutes.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 15,
    name: "book_ofi_z_1m",
    definition: "(x−mean)/sd of the last 30 minute-end values of book_ofi_1m (population sd), x = current value; minute grid from the session start",
    inputs: &[Input::L1],
    window: Window::Time(30 * MINUTE),
    warmup: Warmup::Items(30),
    zero: Zero::Nan,
    update: "U6",
    ..Spec::ORDER_FLOW
}];

/// Minute-end values that the mean and deviation are taken over.
const VALUES: usize = 30;

/// Sums over the values: Σ, and √(n·Σx² − Σ²).
#[derive(Clone, Copy)]
struct Sums {
    sum: i128,
    root: f64,
}

impl Sums {
    fn of(values: &[i64; VALUES]) -> Self {
        let (mut sum, mut squares) = (0i128, 0i128);
        for v in values {
            sum += i128::from(*v);
            squares += i128::from(*v) * i128::from(*v);
        }
        Self { sum, root: float(VALUES as i128 * squares - sum * sum).sqrt() }
    }

    /// (x − Σ/n) / √(Σx²/n − (Σ/n)²), both multiplied by n: integers up to the root.
    fn z(self, x: i64) -> f64 {
        if self.root == 0.0 { f64::NAN } else { float(VALUES as i128 * i128::from(x) - self.sum) / self.root }
    }
}

struct BookOfiZ {
    window: WindowId,
    values: [i64; VALUES],
    /// Sums of `values`, once there are as many.
    sums: Option<Sums>,
    seen: usize,
    /// Last grid point taken in, 0 before one.
    last: i64,
}

impl BookOfiZ {
    fn push(&mut self, value: i64) {
        self.values[self.seen % VALUES] = value;
        self.seen += 1;
        self.sums = (self.seen >= VALUES).then(|| Sums::of(&self.values));
    }
}

impl Feature for BookOfiZ {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if !flow.measures_touch() {
            return f64::NAN;
        }
        let now = flow.ofi.sum(self.window);
        // Read at a grid point that has not passed: the value now stands in for it.
        if t != self.last && t > flow.session.start && (t - flow.session.start) % MINUTE == 0 {
            let mut values = self.values;
            values[self.seen % VALUES] = now;
            return if self.seen + 1 < VALUES { f64::NAN } else { Sums::of(&values).z(now) };
        }
        self.sums.map_or(f64::NAN, |sums| sums.z(now))
    }

    fn on_grid(&mut self, t: i64, flow: &Flow) {
        self.push(flow.ofi.sum(self.window));
        self.last = t;
    }

    fn on_session(&mut self) {
        (self.seen, self.last, self.sums) = (0, 0, None);
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH | cause::EXIT_BOOK | cause::GRID);
    setup.flow.want_touch();
    setup.on_grid(MINUTE, VALUES as i64);
    Box::new(BookOfiZ { window: setup.flow.ofi.window(MINUTE), values: [0; VALUES], sums: None, seen: 0, last: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z_by_hand() {
        let mut flow = Flow::default();
        let mut setup = Setup::new(&mut flow);
        let mut z = build(&SPECS[0], &mut setup);
        flow.now = 0;
        flow.start_session();
        let quote = |size| {
            qt_core::Event::from(qt_core::event::Quote {
                bid_px: 10,
                ask_px: 11,
                bid_sz: size,
                ask_sz: 5,
                ..Default::default()
            })
        };
        flow.apply(&quote(100));
        flow.settle(&quote(100));
        // Minute k sees one addition of k contracts, k = 1..30: values 1..30.
        let mut size = 100;
        for k in 1..=30 {
            flow.now = i64::from(k) * MINUTE - 1;
            size += k;
            flow.apply(&quote(size));
            flow.settle(&quote(size));
            flow.prepare(i64::from(k) * MINUTE);
            z.on_grid(i64::from(k) * MINUTE, &flow);
        }
        // mean 15.5, population variance (30² − 1)/12
        let expected = (30.0 - 15.5) / (899.0f64 / 12.0).sqrt();
        assert!((z.value(&flow, 30 * MINUTE) - expected).abs() < 1e-14);
    }
}
