//! What a closed footprint says of its extremes: aggressors absorbed there, or none left.

use super::detection::{Detection, DetectorKind, Sink, evidence};
use super::settings::DetectorSettings;
use crate::footprint::Footprint;

/// Absorption of the bar form: heavy aggression at an extreme that price then left.
pub(super) fn absorption(f: &Footprint, s: &DetectorSettings, sink: &mut Sink) {
    let (top, bottom) = (i64::from(f.bar.high), i64::from(f.bar.low));
    let high = f.at(top).buy + f.at(top - 1).buy;
    let low = f.at(bottom).sell + f.at(bottom + 1).sell;
    for (side, (part, whole), contracts, px) in
        [(-1, f.absorbed_high(), high, f.bar.high), (1, f.absorbed_low(), low, f.bar.low)]
    {
        if part == 0 || (part as f64) < s.absorption_bar_min * whole as f64 {
            continue;
        }
        let ratio = part as f64 / whole as f64;
        sink.push(Detection {
            ts: f.bar.end,
            kind: DetectorKind::AbsorptionBar,
            side,
            score: (ratio / (2.0 * s.absorption_bar_min)).min(1.0),
            confidence: 0.7,
            px,
            evidence: evidence([
                ratio,
                contracts as f64,
                f.bar.volume as f64,
                f.height() as f64,
                f64::from(f.bar.close),
            ]),
        });
    }
}

/// Exhaustion: aggressors dried up on the way to an extreme.
pub(super) fn exhaustion(f: &Footprint, s: &DetectorSettings, sink: &mut Sink) {
    let (top, bottom) = (i64::from(f.bar.high), i64::from(f.bar.low));
    let high = (f.at(top).buy, f.at(top - 2).buy);
    let low = (f.at(bottom).sell, f.at(bottom + 2).sell);
    for (side, (last, inside), px) in [(-1, high, f.bar.high), (1, low, f.bar.low)] {
        if last == 0 || s.exhaustion_factor * last as f64 > inside as f64 {
            continue;
        }
        sink.push(Detection {
            ts: f.bar.end,
            kind: DetectorKind::Exhaustion,
            side,
            score: 1.0 - last as f64 / inside as f64,
            confidence: 0.5,
            px,
            evidence: evidence([last as f64, inside as f64, f.bar.volume as f64, f64::from(f.bar.close)]),
        });
    }
}
