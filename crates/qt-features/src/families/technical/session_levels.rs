//! Distance of the close from open and extremes of the session, in units of the average true range.

use crate::prelude::*;

const LEVEL: Spec = Spec {
    window: Window::Session,
    warmup: Warmup::Items(15),
    zero: Zero::Nan,
    update: "U2",
    ..Spec::TECHNICAL
};

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 166,
        name: "dist_session_high",
        definition: "(session H−C)/ATR14, session H of the bars closed since the session start",
        range: POSITIVE,
        ..LEVEL
    },
    Spec {
        number: 167,
        name: "dist_session_low",
        definition: "(C−session L)/ATR14, session L of the bars closed since the session start",
        range: POSITIVE,
        ..LEVEL
    },
    Spec {
        number: 168,
        name: "dist_open",
        definition: "(C−session O)/ATR14, session O of the first bar since the session start",
        swap_sides: Symmetry::Moves,
        ..LEVEL
    },
];

/// Open and extremes of a session.
#[derive(Debug, Clone, Copy)]
struct Levels {
    open: i32,
    high: i32,
    low: i32,
}

#[derive(Clone)]
struct SessionDistance {
    formula: fn(&Levels, &Bar) -> i64,
    in_session: bool,
    levels: Option<Levels>,
    atr: Atr,
}

impl SessionDistance {
    fn new(formula: fn(&Levels, &Bar) -> i64) -> Self {
        Self { formula, in_session: false, levels: None, atr: Atr::new(14) }
    }
}

impl Rule for SessionDistance {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.atr.push(bar);
        if !self.in_session {
            return f64::NAN; // bars that come before the first session belong to none
        }
        let levels =
            self.levels.get_or_insert(Levels { open: bar.open, high: bar.high, low: bar.low });
        levels.high = levels.high.max(bar.high);
        levels.low = levels.low.min(bar.low);
        quotient((self.formula)(levels, bar) as f64, self.atr.value())
    }

    fn session(&mut self, _start: i64, held: f64) -> f64 {
        self.in_session = true;
        self.levels = None;
        held
    }
}

fn distance(from: i32, to: i32) -> i64 {
    i64::from(to) - i64::from(from)
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(
        SessionDistance::new(match spec.name {
            "dist_session_high" => |l, b| distance(b.close, l.high),
            "dist_session_low" => |l, b| distance(l.low, b.close),
            _ => |l, b| distance(l.open, b.close),
        }),
        setup,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::ohlcv;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut features: Vec<_> = SPECS.iter().map(|s| build(s, &mut Setup::new(&mut flow))).collect();
        let mut tell = |bar: &Bar, starts: bool| -> Vec<f64> {
            features
                .iter_mut()
                .map(|f| {
                    if starts {
                        f.on_session_start(0);
                    }
                    f.on_bar(bar);
                    f.value(&flow, 0)
                })
                .collect()
        };
        let quiet = ohlcv(100, 104, 96, 100, 1); // a range of 8
        assert!(tell(&quiet, false).iter().all(|v| v.is_nan()));
        for k in 0..20 {
            tell(&quiet, k == 0);
        }
        assert_eq!(tell(&quiet, false), [0.5, 0.5, 0.0]);
        assert_eq!(tell(&ohlcv(98, 104, 96, 102, 1), true), [0.25, 0.75, 0.5]);
    }
}
