//! Depth and cost of the displayed book: features 91–110.

use crate::prelude::*;

crate::register![
    depth,
    book_imbalance,
    book_pressure,
    concentration,
    book_slope,
    depth_entropy,
    impact,
    liquidity_score,
    depth_replenish,
    liquidity_consumption,
    cancel_ratio,
    hidden_volume,
    iceberg,
];

/// Defaults of the features that mirror the book of ten levels.
const STATE: Spec = Spec { family: Family::Liquidity, inputs: &[Input::L2], ..Spec::BOOK };

/// Defaults of the features that compare what happened over a window, of either side.
const WINDOW: Spec = Spec {
    inputs: &[Input::T, Input::L2],
    range: POSITIVE,
    zero: Zero::Nan,
    reset: Reset::Session,
    swap_sides: Symmetry::Keeps,
    update: "U1",
    ..STATE
};

#[cfg(test)]
mod testing {
    //! Books and tapes for tests by hand.
    #![allow(clippy::unwrap_used)] // a test that cannot go on fails

    use qt_core::Event;
    use qt_core::event::{Level, Trade, action, flag};

    use crate::{Config, FeatureEngine};

    pub fn level(side: i8, px: i32, size: i32) -> Event {
        let action = if size == 0 { action::DELETE } else { action::EDIT };
        Level { side, px, size, action, ..Level::default() }.into()
    }

    pub fn trade(px: i32, size: i32, side: i8) -> Event {
        Trade { px, size, side, ..Trade::default() }.into()
    }

    /// A packet with these rows.
    pub fn book(bids: &[(i32, i32)], asks: &[(i32, i32)]) -> Vec<Event> {
        let bids = bids.iter().map(|&(px, size)| level(1, px, size));
        let mut out: Vec<Event> = bids.chain(asks.iter().map(|&(px, size)| level(-1, px, size))).collect();
        let last = out.len() - 1;
        for e in &mut out[..last] {
            e.flags |= flag::MORE;
        }
        out
    }

    /// Value of a feature after every packet; each comes with its time in ms.
    pub fn values(name: &str, packets: &[(i64, Vec<Event>)]) -> Vec<f64> {
        let config = Config::parse(vec![name.into()], 0.5, 10.0, "event", "partial", "drop").unwrap();
        let mut engine = FeatureEngine::new(config).unwrap();
        for (ms, packet) in packets {
            for e in packet {
                let ts = ms * 1_000_000;
                engine.update(&Event { ts_event: ts, ts_recv: ts, ..*e }).unwrap();
            }
        }
        engine.take().values
    }

    /// Value of a feature on one book.
    pub fn on_book(name: &str, bids: &[(i32, i32)], asks: &[(i32, i32)]) -> f64 {
        values(name, &[(0, book(bids, asks))])[0]
    }
}
