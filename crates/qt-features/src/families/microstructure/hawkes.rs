//! Self-exciting intensity of buy and sell parent orders.

use crate::prelude::*;

const fn spec(number: u16, name: &'static str, definition: &'static str) -> Spec {
    Spec {
        number,
        name,
        definition,
        inputs: &[Input::T],
        window: Window::Decay(SECOND),
        unit: "1/s",
        range: POSITIVE,
        swap_sides: Symmetry::Open,
        update: "U4",
        source: "Hawkes 1971; Bacry et al. 2015",
        ..Spec::MICROSTRUCTURE
    }
}

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    spec(
        145,
        "hawkes_buy",
        "μ + αΣexp(−β(t−t_i)), t_i < t = times of the first prints of buy parents of the session, known with that print; μ = 0.2/s, α = 0.8/s, β = 1/s; NaN before the first print of the session",
    ),
    spec(
        146,
        "hawkes_sell",
        "μ + αΣexp(−β(t−t_i)), t_i < t = times of the first prints of sell parents of the session, known with that print; μ = 0.2/s, α = 0.8/s, β = 1/s; NaN before the first print of the session",
    ),
];

/// Intensity without any parent, per second.
const MU: f64 = 0.2;
/// What a parent adds, per second.
const ALPHA: f64 = 0.8;
/// Decay, per second.
const BETA: f64 = 1.0;

struct Hawkes {
    side: i8,
    /// Time of the last parent, ns.
    last: i64,
    /// Σ exp(−β(last − t_i)) over parents before `last`.
    faded: f64,
    /// Parents at `last`.
    fresh: f64,
    /// The last read: a value that time does not change is not computed again.
    read: (i64, f64),
}

impl Hawkes {
    const fn new(side: i8) -> Self {
        Self { side, last: i64::MIN, faded: 0.0, fresh: 0.0, read: (i64::MIN, f64::NAN) }
    }

    /// Σ exp(−β(t − t_i)) over parents before `t`.
    fn excitement(&self, t: i64) -> f64 {
        if t == self.last {
            self.faded
        } else if self.fresh == 0.0 {
            0.0 // no parent yet
        } else {
            (self.faded + self.fresh) * (-BETA * (t - self.last) as f64 / SECOND as f64).exp()
        }
    }
}

impl Feature for Hawkes {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.tape.session().n == 0 {
            return f64::NAN;
        }
        // A parent at `t` is not among those before `t`: it does not change what was read at `t`.
        if self.read.0 != t {
            self.read = (t, MU + ALPHA * self.excitement(t));
        }
        self.read.1
    }

    fn on_print(&mut self, p: &Print, flow: &Flow) {
        let begins = flow.parents.open().is_some_and(|o| o.prints == 1);
        if p.side != self.side || !begins {
            return;
        }
        if p.ts == self.last {
            self.fresh += 1.0;
        } else {
            self.faded = self.excitement(p.ts);
            (self.last, self.fresh) = (p.ts, 1.0);
        }
    }

    fn on_session(&mut self) {
        *self = Self::new(self.side);
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.on_prints();
    Box::new(Hawkes::new(if spec.number == 145 { 1 } else { -1 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qt_core::Event;
    use qt_core::event::Trade;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        flow.now = 0;
        flow.start_session();
        assert!(f.value(&flow, 0).is_nan());
        let mut print = |at, side| {
            let e = Event::from(Trade { px: 10, size: 1, side, ..Trade::default() });
            flow.now = at;
            flow.apply(&e);
            f.on_print(flow.print(), &flow);
            f.value(&flow, at)
        };
        assert_eq!(print(0, 1), MU, "a parent at t is not before t");
        assert_eq!(print(1_000, 1), MU + ALPHA * (-1e-6f64).exp(), "goes on with the parent");
        assert_eq!(print(SECOND, -1), MU + ALPHA * (-1.0f64).exp());
        let before = ALPHA * (-1.5f64).exp();
        assert_eq!(print(3 * SECOND / 2, 1), MU + before);
        assert_eq!(print(3 * SECOND / 2, -1), MU + before);
        assert_eq!(print(3 * SECOND / 2, 1), MU + before, "a second parent at that time");
        let expected = MU + (before + 2.0 * ALPHA) * (-0.5f64).exp();
        assert!((f.value(&flow, 2 * SECOND) - expected).abs() < 1e-15);
    }
}
