//! Features that compute at the close of a bar and hold the value until the next one.

use qt_flow::{Bar, Flow};

use crate::feature::{Feature, Setup, cause};
use crate::indicators::Atr;
use crate::rolling::quotient;

/// The rule behind a held value.
pub trait Rule: Clone + Send + Sync + 'static {
    /// Takes a closed bar and gives the value held from now on; NaN where there is none.
    fn close(&mut self, bar: &Bar) -> f64;

    /// A session starts at `start`: gives the value held from there on, as a rule the one held so far.
    fn session(&mut self, _start: i64, held: f64) -> f64 {
        held
    }
}

/// A rule with the value it gave last.
struct Held<R> {
    rule: R,
    /// The rule as it was built, for the next contract.
    fresh: R,
    value: f64,
}

impl<R: Rule> Feature for Held<R> {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.value = self.rule.close(bar);
    }

    fn on_session_start(&mut self, start: i64) {
        self.value = self.rule.session(start, self.value);
    }

    fn on_roll(&mut self) {
        self.rule.clone_from(&self.fresh);
        self.value = f64::NAN;
    }
}

/// A feature that hears of closed bars and holds what the rule gives.
pub fn held<R: Rule>(rule: R, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(Held { fresh: rule.clone(), rule, value: f64::NAN })
}

/// A rule in ticks, in units of the average true range of 14 bars.
#[derive(Clone)]
struct InAtr<R> {
    rule: R,
    atr: Atr,
}

impl<R: Rule> Rule for InAtr<R> {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.atr.push(bar);
        quotient(self.rule.close(bar), self.atr.value())
    }

    fn session(&mut self, start: i64, held: f64) -> f64 {
        self.rule.session(start, held)
    }
}

/// The same for a rule in ticks, divided by the average true range of 14 bars; NaN where that is 0.
pub fn held_in_atr<R: Rule>(rule: R, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(InAtr { rule, atr: Atr::new(14) }, setup)
}

/// What a rule gives on the last of these bars; for unit tests.
#[cfg(test)]
pub fn last(mut rule: impl Rule, bars: &[Bar]) -> f64 {
    bars.iter().fold(f64::NAN, |_, bar| rule.close(bar))
}

/// A bar from open, high, low, close and volume; for unit tests.
#[cfg(test)]
pub const fn ohlcv(open: i32, high: i32, low: i32, close: i32, volume: i64) -> Bar {
    Bar { start: 0, end: 0, open, high, low, close, volume, sides: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Count(f64);

    impl Rule for Count {
        fn close(&mut self, _bar: &Bar) -> f64 {
            self.0 += 1.0;
            self.0
        }
    }

    #[test]
    fn a_value_is_held_until_the_next_close_and_lost_at_a_roll() {
        let mut flow = Flow::default();
        let mut f = held(Count::default(), &mut Setup::new(&mut flow));
        assert!(f.value(&flow, 0).is_nan());
        f.on_bar(&ohlcv(1, 1, 1, 1, 0));
        f.on_bar(&ohlcv(1, 1, 1, 1, 0));
        assert_eq!((f.value(&flow, 0), f.value(&flow, 9)), (2.0, 2.0));
        f.on_roll();
        assert!(f.value(&flow, 0).is_nan());
        f.on_bar(&ohlcv(1, 1, 1, 1, 0));
        assert_eq!(f.value(&flow, 0), 1.0);
    }
}
