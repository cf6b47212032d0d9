//! What is fitted off the hot path and handed to the engine: numbers with the time from which they may be used.

use crate::error::Error;

/// Imbalance tenths times spreads of 1 to 3 ticks.
pub const MICROPRICE_STATES: usize = 30;

/// A micro-price table of Stoikov (2018, *The Micro-Price: A High Frequency Estimator of Future Prices*).
#[derive(Debug, Clone, PartialEq)]
pub struct MicropriceTable {
    /// End of the data it was fitted to, ns: sessions that start before this do not use it.
    pub from: i64,
    /// G* in ticks, by spread − 1 (rows) and tenth of q_b/(q_b+q_a); NaN for a state that was never seen.
    pub adjustment: [f64; MICROPRICE_STATES],
}

/// A size of the buckets of VPIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VpinBucket {
    /// End of the data it was taken from, ns: sessions that start before this do not use it. `i64::MIN` for one that
    /// was chosen by hand.
    pub from: i64,
    /// Contracts.
    pub contracts: i64,
}

/// Fitted inputs of an engine; what is missing leaves its features NaN.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fitted {
    /// Buckets of VPIN; without it the mean of the five sessions before, over fifty.
    pub vpin_bucket: Option<VpinBucket>,
    /// Micro-price table.
    pub microprice: Option<MicropriceTable>,
    /// Probability of informed trading by the time from which each value may be used, ns, in order.
    pub pin: Vec<(i64, f64)>,
}

impl Fitted {
    /// Checks what came from outside.
    ///
    /// # Errors
    /// [`Error::Config`] with the value that cannot be used.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(VpinBucket { contracts, .. }) = self.vpin_bucket.filter(|b| b.contracts < 1) {
            return Err(Error::Config(format!("vpin_bucket is {contracts}; expected at least 1 contract")));
        }
        if let Some(table) = &self.microprice
            && let Some(x) = table.adjustment.iter().find(|x| x.is_infinite())
        {
            return Err(Error::Config(format!("the micro-price table holds {x}; expected numbers or NaN")));
        }
        if let Some(w) = self.pin.windows(2).find(|w| w[0].0 >= w[1].0) {
            let text = format!("pin is not in order of time: {} before {}; sort it", w[0].0, w[1].0);
            return Err(Error::Config(text));
        }
        if let Some((t, p)) = self.pin.iter().find(|(_, p)| !(0.0..=1.0).contains(p)) {
            return Err(Error::Config(format!("pin is {p:?} at {t}; expected a share between 0 and 1")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_refused() {
        let message = |f: Fitted| f.check().map_err(|e| e.to_string()).unwrap_err();
        assert_eq!(Fitted::default().check(), Ok(()));
        let none = Fitted { vpin_bucket: Some(VpinBucket { from: 0, contracts: 0 }), ..Fitted::default() };
        assert_eq!(message(none), "vpin_bucket is 0; expected at least 1 contract");
        let late = Fitted { pin: vec![(5, 0.1), (5, 0.2)], ..Fitted::default() };
        assert_eq!(message(late), "pin is not in order of time: 5 before 5; sort it");
        let odd = Fitted { pin: vec![(5, f64::NAN)], ..Fitted::default() };
        assert_eq!(message(odd), "pin is NaN at 5; expected a share between 0 and 1");
        let mut table = MicropriceTable { from: 0, adjustment: [0.0; MICROPRICE_STATES] };
        table.adjustment[3] = f64::INFINITY;
        let wide = Fitted { microprice: Some(table), ..Fitted::default() };
        assert_eq!(message(wide), "the micro-price table holds inf; expected numbers or NaN");
    }
}
