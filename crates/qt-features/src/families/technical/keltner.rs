//! Keltner channel: an average with bands of the average true range; alone and around Bollinger bands.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 230,
        name: "keltner_pos_20",
        definition: "(C−EMA20)/(2·ATR10)",
        window: Window::Bars(20),
        warmup: Warmup::Items(20),
        zero: Zero::Nan,
        swap_sides: Symmetry::Moves,
        update: "U7",
        source: "Keltner; Raschke",
        ..Spec::TECHNICAL
    },
    Spec {
        number: 231,
        name: "squeeze_on",
        definition: "1 if the Bollinger bands (20 bars, 2 population sd) lie strictly inside EMA20±1.5·ATR20, else 0",
        window: Window::Bars(21),
        range: (0.0, 1.0),
        kind: Kind::Flag,
        warmup: Warmup::Items(21),
        update: "U6",
        source: "Carter",
        ..Spec::TECHNICAL
    },
];

#[derive(Clone)]
struct Position {
    ema: Ema,
    atr: Atr,
}

impl Rule for Position {
    fn close(&mut self, bar: &Bar) -> f64 {
        let close = f64::from(bar.close);
        self.ema.push(close);
        self.atr.push(bar);
        quotient(close - self.ema.value(), 2.0 * self.atr.value())
    }
}

#[derive(Clone)]
struct Squeeze {
    closes: Moments<20>,
    ema: Ema,
    atr: Atr,
}

impl Rule for Squeeze {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.closes.push(i64::from(bar.close));
        self.ema.push(f64::from(bar.close));
        self.atr.push(bar);
        if self.atr.value().is_nan() {
            return f64::NAN;
        }
        let (middle, reach) = (self.closes.sum() as f64 / 20.0, 2.0 * (self.closes.spread() / 20.0));
        let (ema, band) = (self.ema.value(), 1.5 * self.atr.value());
        f64::from(u8::from(middle + reach < ema + band && middle - reach > ema - band))
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    if spec.name == "keltner_pos_20" {
        held(Position { ema: Ema::new(20), atr: Atr::new(10) }, setup)
    } else {
        held(Squeeze { closes: Moments::default(), ema: Ema::new(20), atr: Atr::new(20) }, setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn position_by_hand() {
        let mut bars = vec![ohlcv(100, 102, 98, 100, 1); 20];
        let rule = || Position { ema: Ema::new(20), atr: Atr::new(10) };
        assert!(last(rule(), &bars[..19]).is_nan());
        assert_eq!(last(rule(), &bars), 0.0);
        bars.push(ohlcv(100, 114, 100, 114, 1)); // EMA 100 + 14·2/21, ATR (9·4 + 14)/10 = 5
        let expected = (14.0 - 28.0 / 21.0) / 10.0;
        assert!((last(rule(), &bars) - expected).abs() < 1e-14);
    }

    #[test]
    fn closes_that_stand_still_in_wide_bars_are_squeezed() {
        let rule = || Squeeze { closes: Moments::default(), ema: Ema::new(20), atr: Atr::new(20) };
        let wide = vec![ohlcv(100, 102, 98, 100, 1); 21];
        assert!(last(rule(), &wide[..20]).is_nan());
        assert_eq!(last(rule(), &wide), 1.0);
        assert_eq!(last(rule(), &vec![ohlcv(100, 100, 100, 100, 1); 21]), 0.0); // nothing inside nothing
        let trend: Vec<Bar> = (0..21).map(|k| 100 + 10 * k).map(|c| ohlcv(c, c, c, c, 1)).collect();
        assert_eq!(last(rule(), &trend), 0.0); // sd 57.7 against 1.5·10
    }
}
