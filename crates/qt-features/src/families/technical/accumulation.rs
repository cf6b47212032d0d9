//! Accumulation and distribution of Chaikin: volume by the place of the close in its bar.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 246,
        name: "cmf_20",
        definition: "Σ v·((C−L)−(H−C))/(H−L)/Σv over 20 bars; bars with H=L contribute 0 above and their volume below",
        window: Window::Bars(20),
        range: (-1.0, 1.0),
        warmup: Warmup::Items(20),
        zero: Zero::Zero,
        swap_sides: Symmetry::Moves,
        update: "U1",
        source: "Chaikin",
        ..Spec::TECHNICAL
    },
    Spec {
        number: 247,
        name: "ad_osc_3_10",
        definition: "(EMA3−EMA10 of the A/D line)/SMA20(v); the line adds v·((C−L)−(H−C))/(H−L), 0 where H=L, and both EMAs \
                     start at its first value",
        window: Window::Bars(20),
        warmup: Warmup::Items(20),
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        update: "U7",
        source: "Chaikin; TA-Lib ADOSC",
        ..Spec::TECHNICAL
    },
];

/// Volume with the place of the close, from −1 at the low to 1 at the high.
fn accumulated(bar: &Bar) -> f64 {
    let place = 2 * i64::from(bar.close) - i64::from(bar.high) - i64::from(bar.low);
    bar.volume as f64 * ratio_or_zero(place, i64::from(bar.high) - i64::from(bar.low))
}

#[derive(Clone, Default)]
struct MoneyFlow {
    flows: Floats<20>,
    volumes: Total<20>,
}

impl Rule for MoneyFlow {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.flows.push(accumulated(bar));
        self.volumes.push(bar.volume);
        match self.volumes.sum() {
            _ if !self.volumes.full() => f64::NAN,
            0 => 0.0,
            volume => self.flows.sum() / volume as f64,
        }
    }
}

/// The averages less the line itself: the line may wander far, what is left of it stays small and exact.
/// EMA' − A' = (1−k)·(EMA − A − ΔA).
#[derive(Clone, Default)]
struct Oscillator {
    begun: bool,
    fast: f64,
    slow: f64,
    volumes: Total<20>,
}

impl Rule for Oscillator {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.volumes.push(bar.volume);
        if std::mem::replace(&mut self.begun, true) {
            let step = accumulated(bar);
            self.fast = (self.fast - step) * (1.0 - 2.0 / 4.0);
            self.slow = (self.slow - step) * (1.0 - 2.0 / 11.0);
        }
        if self.volumes.full() {
            quotient(20.0 * (self.fast - self.slow), self.volumes.sum() as f64)
        } else {
            f64::NAN
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    if spec.name == "cmf_20" { held(MoneyFlow::default(), setup) } else { held(Oscillator::default(), setup) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn money_flow_by_hand() {
        // Ten closes three quarters up, weight ½, with 6 contracts; ten bars of one price with 2.
        let bars: Vec<Bar> =
            (0..20).map(|k| if k % 2 == 0 { ohlcv(0, 8, 0, 6, 6) } else { ohlcv(3, 3, 3, 3, 2) }).collect();
        assert!(last(MoneyFlow::default(), &bars[..19]).is_nan());
        assert_eq!(last(MoneyFlow::default(), &bars), 30.0 / 80.0);
        assert_eq!(last(MoneyFlow::default(), &vec![ohlcv(3, 3, 3, 3, 0); 20]), 0.0);
    }

    #[test]
    fn oscillator_by_hand() {
        // The line stands at 0 for 19 bars and rises by 5 in the last: EMA3 2.5, EMA10 10/11.
        let mut bars = vec![ohlcv(0, 8, 0, 4, 5); 19];
        bars.push(ohlcv(0, 8, 0, 8, 5));
        assert!(last(Oscillator::default(), &bars[..19]).is_nan());
        assert!((last(Oscillator::default(), &bars) - (2.5 - 10.0 / 11.0) / 5.0).abs() < 1e-15);
    }
}
