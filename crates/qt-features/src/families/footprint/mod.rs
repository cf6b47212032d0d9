//! Footprint: features 71–90.

crate::register![
    delta,
    bar_profile,
    imbalance,
    absorption,
    absorption_live,
    exhaustion,
    unfinished,
    divergence,
    signals,
];

use qt_flow::detect::DetectorSettings;

use crate::prelude::*;

/// What a footprint gives under the thresholds in force.
type Formula = fn(&Footprint, &DetectorSettings) -> f64;

/// A number of one footprint: computed when it closes, held until the next one does.
struct Held {
    formula: Formula,
    value: f64,
}

impl Feature for Held {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_footprint(&mut self, footprint: &Footprint, flow: &Flow) {
        self.value = (self.formula)(footprint, flow.detector_settings());
    }

    fn on_roll(&mut self) {
        self.value = f64::NAN;
    }
}

/// Makes a feature of the last closed footprint.
fn held(setup: &mut Setup<'_>, formula: Formula) -> Box<dyn Feature> {
    setup.changes_with(cause::FOOTPRINT);
    setup.on_footprints();
    Box::new(Held { formula, value: f64::NAN })
}

/// 1 where something holds, 0 elsewhere.
fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// −1 for a call on sellers, +1 for one on buyers, 0 for neither or both.
fn sign(up: bool, down: bool) -> f64 {
    f64::from(i8::from(up) - i8::from(down))
}

/// Footprints drawn by hand, for the tests of the features.
#[cfg(test)]
mod drawn {
    use qt_flow::footprint::Footprints;

    use super::*;

    /// A footprint of rows (price, bought, sold), opened at the first row's price and closed at `close`, which has to be
    /// one of the rows. A price may come twice; what was bought of a row comes before what was sold.
    pub fn footprint(rows: &[(i32, i32, i32)], close: i32) -> Footprint {
        let mut drawn = Footprints::default();
        let mut last = None;
        let prints = rows.iter().flat_map(|&(px, buy, sell)| [(px, buy, 1), (px, sell, -1)]);
        for (px, size, side) in prints.filter(|(_, size, _)| *size > 0) {
            let print = Print { px, size, side, ..Print::default() };
            // The first print at the closing price is kept for last.
            if px == close && last.is_none() {
                last = Some(print);
            } else {
                drawn.push(&print, 0);
            }
        }
        drawn.push(&last.unwrap(), 0);
        drawn.close();
        drawn.last().unwrap().clone()
    }

    /// Five minutes at 100 without a print.
    pub fn empty() -> Footprint {
        let mut drawn = Footprints::default();
        drawn.push(&Print { px: 100, size: 1, ..Print::default() }, 0);
        drawn.close();
        drawn.close();
        drawn.last().unwrap().clone()
    }

    /// The same with buyers for sellers and prices negated.
    pub fn mirrored(rows: &[(i32, i32, i32)]) -> Vec<(i32, i32, i32)> {
        rows.iter().map(|&(px, buy, sell)| (-px, sell, buy)).collect()
    }

    /// The value of a catalogue entry after one footprint.
    pub fn value(name: &str, footprint: &Footprint) -> f64 {
        let (spec, entry) = crate::catalogue::find(name).unwrap();
        let mut flow = Flow::default();
        let mut feature = (entry.build)(spec, &mut Setup::new(&mut flow));
        assert!(feature.value(&flow, 0).is_nan(), "a value before the first footprint");
        feature.on_footprint(footprint, &flow);
        let value = feature.value(&flow, 0);
        feature.on_roll();
        assert!(feature.value(&flow, 0).is_nan(), "a value after a roll");
        value
    }
}
