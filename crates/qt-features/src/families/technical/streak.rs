//! Length of the run of rising or falling closes.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 222,
    name: "streak",
    definition: "signed number of consecutive rising (+) or falling (−) closes; 0 at an unchanged close",
    window: Window::Recursion,
    unit: "bars",
    kind: Kind::Integer,
    warmup: Warmup::Items(2),
    swap_sides: Symmetry::Moves,
    update: "U10",
    source: "Connors",
    ..Spec::TECHNICAL
}];

#[derive(Clone, Default)]
struct Streak {
    close: Option<i32>,
    run: i64,
}

impl Rule for Streak {
    fn close(&mut self, bar: &Bar) -> f64 {
        let Some(before) = self.close.replace(bar.close) else { return f64::NAN };
        let sign = i64::from(bar.close > before) - i64::from(bar.close < before);
        self.run = if sign * self.run > 0 { self.run + sign } else { sign };
        self.run as f64
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Streak::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, values};

    #[test]
    fn by_hand() {
        let runs = values(SPECS, build, "streak", &closes([5, 6, 7, 7, 6, 5, 4, 9]));
        assert_eq!(runs[1..], [1.0, 2.0, 0.0, -1.0, -2.0, -3.0, 1.0]);
    }
}
