//! Stoikov's micro-price from a fitted table.

use crate::fitted::MicropriceTable;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 119,
    name: "microprice_dev",
    family: Family::Microstructure,
    definition: "G*(I, s)/tick of the fitted table (`quantumtrader fit microprice`): I = tenth of q_b/(q_b+q_a), s = spread in ticks, 1 to 3; the mean of both neighbours at exactly one half; NaN without a table, for a state it lacks, and in sessions that start before the end of its data",
    unit: "ticks",
    source: "Stoikov 2018",
    ..Spec::BOOK
}];

/// Widest spread of the table, ticks.
const SPREADS: i64 = 3;
const TENTHS: i64 = 10;

struct Microprice {
    table: Option<MicropriceTable>,
    /// Start of the contract's last session.
    start: Option<i64>,
}

/// Adjustment for a touch; exactly antisymmetric in the sides where the table is.
fn adjustment(table: &MicropriceTable, bid: i64, ask: i64, spread: i64) -> f64 {
    if !(1..=SPREADS).contains(&spread) || bid <= 0 || ask <= 0 {
        return f64::NAN;
    }
    let at = |tenth: i64| table.adjustment[((spread - 1) * TENTHS + tenth) as usize];
    let total = bid + ask;
    match bid.cmp(&ask) {
        std::cmp::Ordering::Greater => at(TENTHS * bid / total),
        std::cmp::Ordering::Less => at(TENTHS - 1 - TENTHS * ask / total),
        std::cmp::Ordering::Equal => (at(TENTHS / 2 - 1) + at(TENTHS / 2)) * 0.5,
    }
}

impl Feature for Microprice {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match (&self.table, flow.quote()) {
            (Some(table), Some(touch)) if self.start.is_some_and(|start| start >= table.from) => {
                let spread = i64::from(touch.ask_px) - i64::from(touch.bid_px);
                adjustment(table, touch.bid_sz, touch.ask_sz, spread)
            }
            _ => f64::NAN,
        }
    }

    fn on_session_start(&mut self, start: i64) {
        self.start = Some(start);
    }

    fn on_roll(&mut self) {
        self.start = None;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::TOUCH);
    setup.flow.want_touch();
    Box::new(Microprice { table: setup.fitted.microprice.take(), start: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fitted::MICROPRICE_STATES;

    #[test]
    fn the_lookup_is_antisymmetric() {
        let mut table = MicropriceTable { from: 0, adjustment: [0.0; MICROPRICE_STATES] };
        for (k, x) in table.adjustment.iter_mut().enumerate() {
            *x = (k % 10) as f64 - 4.5; // −4.5 … 4.5
        }
        for bid in 1..60 {
            for ask in 1..60 {
                let (x, y) = (adjustment(&table, bid, ask, 1), adjustment(&table, ask, bid, 1));
                assert_eq!(x, -y, "{bid} {ask}");
            }
        }
        assert_eq!(adjustment(&table, 9, 1, 2), 4.5);
        assert_eq!(adjustment(&table, 1, 9, 3), -4.5);
        assert_eq!(adjustment(&table, 3, 2, 3), 1.5, "exactly six tenths lies in the seventh tenth");
        assert!(adjustment(&table, 3, 2, 4).is_nan() && adjustment(&table, 0, 2, 1).is_nan());
    }
}
