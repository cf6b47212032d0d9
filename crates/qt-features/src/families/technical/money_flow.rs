//! Money flow index.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 245,
    name: "mfi_14",
    definition: "100·M₊/(M₊+M₋): M₊ and M₋ sum tp·v over those of the last 14 bars whose tp is above and below the one \
                 before; 0 where nothing flowed, as in TA-Lib; NaN where a tp in the window is not positive",
    window: Window::Bars(15),
    range: (0.0, 100.0),
    warmup: Warmup::Items(15),
    zero: Zero::Zero,
    update: "U1",
    source: "Quong, Soudack; TA-Lib",
    ..Spec::TECHNICAL
}];

const BARS: usize = 14;

/// What one bar adds to the sums.
#[derive(Debug, Clone, Copy, Default)]
struct Flowed {
    /// Three times tp·v, with the sign of the change of tp.
    money: i128,
    /// 1 where tp is not positive.
    undefined: u32,
}

#[derive(Clone, Default)]
struct MoneyFlow {
    /// Three times the last typical price, which is an integer.
    typical: Option<i64>,
    ring: Last<Flowed, BARS>,
    up: i128,
    down: i128,
    undefined: u32,
}

impl MoneyFlow {
    fn push(&mut self, x: Flowed) {
        let left = self.ring.back(BARS - 1).unwrap_or_default();
        self.up += x.money.max(0) - left.money.max(0);
        self.down += (-x.money).max(0) - (-left.money).max(0);
        self.undefined = self.undefined + x.undefined - left.undefined;
        self.ring.push(x);
    }
}

impl Rule for MoneyFlow {
    fn close(&mut self, bar: &Bar) -> f64 {
        let typical = i64::from(bar.high) + i64::from(bar.low) + i64::from(bar.close);
        if let Some(before) = self.typical.replace(typical) {
            let sign = i128::from((typical - before).signum());
            let money = sign * i128::from(typical) * i128::from(bar.volume);
            self.push(if typical > 0 { Flowed { money, undefined: 0 } } else { Flowed { money: 0, undefined: 1 } });
        }
        if !self.ring.full() || self.undefined > 0 {
            return f64::NAN;
        }
        let whole = self.up + self.down;
        if whole == 0 { 0.0 } else { 100.0 * (self.up as f64 / whole as f64) }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(MoneyFlow::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // tp 10 and 30 by turns with 3 and 1 contracts: 7 rises of 30, 7 falls of 30.
        let turns = |k: i64| if k % 2 == 0 { ohlcv(10, 10, 10, 10, 3) } else { ohlcv(30, 30, 30, 30, 1) };
        let mut bars: Vec<Bar> = (0..15).map(turns).collect();
        assert!(last(MoneyFlow::default(), &bars[..14]).is_nan());
        assert_eq!(last(MoneyFlow::default(), &bars), 50.0);
        bars.push(ohlcv(30, 30, 30, 30, 3)); // a rise of 90 for one of 30: 270 of 480
        assert_eq!(last(MoneyFlow::default(), &bars), 56.25);
        assert_eq!(last(MoneyFlow::default(), &vec![ohlcv(7, 7, 7, 7, 1); 15]), 0.0);
        bars.push(ohlcv(0, 0, 0, 0, 1));
        assert!(last(MoneyFlow::default(), &bars).is_nan());
    }
}
