//! Indicators as features: the number of the last closed bar, held until the next one closes.

use qt_flow::{Bar, Flow};

use super::Atr;
use crate::feature::{Feature, Setup, cause};

/// A state machine over closed bars.
pub trait Indicator: Clone + Send + Sync + 'static {
    /// Takes a bar and returns the value at its close; NaN before there is one.
    fn push(&mut self, bar: &Bar) -> f64;
}

struct Held<I> {
    /// What a roll returns to.
    fresh: I,
    state: I,
    value: f64,
}

impl<I: Indicator> Feature for Held<I> {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.value = self.state.push(bar);
    }

    fn on_roll(&mut self) {
        self.state = self.fresh.clone();
        self.value = f64::NAN;
    }
}

/// Makes a feature of an indicator that has seen nothing.
pub fn held<I: Indicator>(setup: &mut Setup<'_>, state: I) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    Box::new(Held { fresh: state.clone(), state, value: f64::NAN })
}

#[derive(Clone)]
struct InAtr<I> {
    state: I,
    atr: Atr,
}

impl<I: Indicator> Indicator for InAtr<I> {
    fn push(&mut self, bar: &Bar) -> f64 {
        self.atr.push(bar);
        let (x, atr) = (self.state.push(bar), self.atr.value());
        if atr == 0.0 { f64::NAN } else { x / atr }
    }
}

/// Makes a feature of an indicator in ticks, divided by the average true range of 14 bars; NaN where that is 0.
pub fn held_in_atr<I: Indicator>(setup: &mut Setup<'_>, state: I) -> Box<dyn Feature> {
    held(setup, InAtr { state, atr: Atr::new(14) })
}
