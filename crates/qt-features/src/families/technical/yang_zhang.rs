//! Volatility from gaps between bars and prices within them.

use super::range_volatility::rogers_satchell;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 237,
    name: "yang_zhang_30",
    definition: "√(σ_o²+kσ_c²+(1−k)σ_rs²), k=0.34/(1.34+(n+1)/(n−1)), n = 30: sample variances (n−1) of ln(O/C[−1]) \
                 and ln(C/O), and the mean of Rogers and Satchell over the same 30 bars",
    window: Window::Bars(31),
    range: POSITIVE,
    warmup: Warmup::Items(31),
    update: "U6",
    source: "Yang, Zhang 2000",
    ..Spec::TECHNICAL
}];

const BARS: usize = 30;
const K: f64 = 0.34 / (1.34 + (BARS as f64 + 1.0) / (BARS as f64 - 1.0));

#[derive(Clone, Default)]
struct YangZhang {
    close: Option<i32>,
    gaps: Floats<BARS>,
    bodies: Floats<BARS>,
    inside: Floats<BARS>,
}

impl Rule for YangZhang {
    fn close(&mut self, bar: &Bar) -> f64 {
        if let Some(before) = self.close.replace(bar.close) {
            self.gaps.push(log_ratio(bar.open, before));
            self.bodies.push(log_ratio(bar.close, bar.open));
            self.inside.push(rogers_satchell(bar));
        }
        let (gaps, bodies) = (self.gaps.sample_variance(BARS), self.bodies.sample_variance(BARS));
        let variance = gaps + K * bodies + (1.0 - K) * self.inside.mean();
        // Inconsistent bars, with a close beyond their range, can have a negative variance.
        if variance < 0.0 { 0.0 } else { variance.sqrt() }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(YangZhang::default(), setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{last, ohlcv};

    #[test]
    fn by_hand() {
        // Bars double inside and halve in between, by turns with bars that stand still at 100.
        let bars: Vec<Bar> = (0..31)
            .map(|k| if k % 2 == 0 { ohlcv(100, 200, 100, 200, 1) } else { ohlcv(100, 100, 100, 100, 1) })
            .collect();
        assert!(last(YangZhang::default(), &bars[..30]).is_nan());
        // Gaps: −ln 2 fifteen times, 0 fifteen times; bodies ln 2 and 0; no wicks, so Rogers-Satchell is 0.
        let variance = 2.0f64.ln().powi(2) * 30.0 * 0.25 / 29.0;
        let k = 0.34 / (1.34 + 31.0 / 29.0);
        assert!((last(YangZhang::default(), &bars) - (variance * (1.0 + k)).sqrt()).abs() < 1e-14);
    }
}
