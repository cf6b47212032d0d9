//! Thresholds of the detectors, declared once with default, unit and range.

/// One threshold, as users see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// Value unless told otherwise.
    pub default: f64,
    /// Least value, inclusive.
    pub low: f64,
    /// Greatest value, inclusive.
    pub high: f64,
    /// Unit; empty for a pure number.
    pub unit: &'static str,
    /// Whether only whole numbers make sense.
    pub whole: bool,
    /// What it decides.
    pub doc: &'static str,
}

macro_rules! settings {
    ($($name:ident: $ty:ident = $default:literal in $low:literal..=$high:literal $unit:literal $doc:literal;)+) => {
        /// Thresholds of the detectors.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct DetectorSettings { $(#[doc = $doc] pub $name: $ty,)+ }

        impl Default for DetectorSettings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Every threshold, in the order in which they are declared.
        #[allow(clippy::cast_lossless, clippy::unnecessary_cast)]
        pub const PARAMETERS: &[Parameter] = &[
            $(Parameter {
                name: stringify!($name),
                default: { const X: $ty = $default; X as f64 },
                low: { const X: $ty = $low; X as f64 },
                high: { const X: $ty = $high; X as f64 },
                unit: $unit,
                whole: settings!(@whole $ty),
                doc: $doc,
            },)+
        ];

        impl DetectorSettings {
            /// The value of a threshold, `None` for a name that is none.
            #[allow(clippy::cast_lossless, clippy::unnecessary_cast)]
            pub fn get(&self, name: &str) -> Option<f64> {
                match name { $(stringify!($name) => Some(self.$name as f64),)+ _ => None }
            }

            #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
            fn put(&mut self, name: &str, value: f64) {
                match name { $(stringify!($name) => self.$name = value as $ty,)+ _ => {} }
            }
        }
    };
    (@whole i64) => { true };
    (@whole f64) => { false };
}

settings! {
    sweep_gap_ns: i64 = 1_000_000 in 0..=1_000_000_000 "ns" "Longest pause between two prints of one parent order; it holds for every feature that reads parents.";
    sweep_min_levels: i64 = 3 in 2..=1_000 "rows" "Distinct rows that a sweep prints on.";
    sweep_min_qty: i64 = 0 in 0..=1_000_000_000 "contracts" "Volume of a sweep.";
    sweep_full_levels: i64 = 5 in 1..=1_000 "rows" "Rows at which the score of a sweep is 1.";
    sweep_hold_ns: i64 = 5_000_000_000 in 1..=3_600_000_000_000 "ns" "How long sweep_detected shows a sweep.";
    run_min_length: i64 = 5 in 2..=100_000 "prints" "Prints of a sweeping run.";
    run_min_speed: f64 = 5.0 in 0.0..=1_000_000.0 "trades/s" "Speed that a sweeping run exceeds.";
    native_window_ns: i64 = 5_000_000 in 0..=1_000_000_000 "ns" "How long after a trade an order record may be its consequence, and a new order id the same iceberg.";
    refill_window_ns: i64 = 300_000_000 in 1..=60_000_000_000 "ns" "How long after a trade a row may be refilled.";
    refill_tolerance: f64 = 0.2 in 0.0..=1.0 "" "Difference between the refilled size and that before the trade, as a share of the latter.";
    refill_min: i64 = 3 in 1..=1_000 "refills" "Refills of one row that make an iceberg.";
    refill_abandon_ns: i64 = 5_000_000_000 in 1..=3_600_000_000_000 "ns" "How long the touch may be elsewhere before a row is forgotten.";
    tape_window_ns: i64 = 30_000_000_000 in 1..=3_600_000_000_000 "ns" "Time in which the equal prints fall.";
    tape_min_prints: i64 = 5 in 2..=10_000 "prints" "Prints at one price with one side.";
    tape_max_mean: f64 = 20.0 in 1.0..=1_000_000.0 "contracts" "Greatest mean size of these prints.";
    tape_max_cv: f64 = 0.2 in 0.0..=10.0 "" "Greatest coefficient of variation of their sizes.";
    iceberg_hold_ns: i64 = 60_000_000_000 in 1..=3_600_000_000_000 "ns" "How long an iceberg is live after the last sign of it.";
    absorption_window_s: i64 = 10 in 1..=600 "s" "Time over which delta and the move of the mid are taken.";
    absorption_tau_s: f64 = 900.0 in 1.0..=86_400.0 "s" "Time constant of the usual delta.";
    absorption_factor: f64 = 3.0 in 0.0..=1_000.0 "" "Delta that is absorbed, in usual deltas.";
    absorption_max_move: f64 = 1.0 in 0.0..=1_000.0 "ticks" "Greatest move of the mid in the direction of delta.";
    absorption_bar_min: f64 = 2.0 in 0.1..=1_000.0 "mean rows" "Aggression at an extreme of a footprint that counts as absorbed.";
    exhaustion_factor: f64 = 3.0 in 1.0..=1_000.0 "" "How many times as much was taken two rows before the extreme of a footprint.";
    imbalance_min: i64 = 10 in 1..=1_000_000_000 "contracts" "Least volume of a footprint row with an imbalance.";
    imbalance_times: f64 = 3.0 in 1.0..=1_000.0 "" "How many times the volume diagonally opposite a row with an imbalance has.";
    imbalance_stacked: i64 = 3 in 1..=1_000 "rows" "Adjacent rows with an imbalance that price is said to follow.";
    spoof_factor: f64 = 5.0 in 1.0..=1_000.0 "" "Least size of a candidate, in usual sizes of its row.";
    spoof_full_factor: f64 = 10.0 in 1.0..=1_000.0 "" "Size at which the score no longer grows, in usual sizes.";
    spoof_tau_s: f64 = 300.0 in 1.0..=86_400.0 "s" "Time constant of a row's usual size.";
    spoof_max_distance: i64 = 5 in 0..=100 "levels" "Greatest distance of a candidate from the touch, in occupied levels.";
    spoof_lifetime_ns: i64 = 2_000_000_000 in 1..=600_000_000_000 "ns" "Time within which a candidate is withdrawn.";
    spoof_withdrawn: f64 = 0.9 in 0.01..=1.0 "" "Least share of a candidate that is withdrawn unexecuted.";
    spoof_after_ns: i64 = 500_000_000 in 0..=60_000_000_000 "ns" "How long after the withdrawal prints still count.";
    spoof_match_ns: i64 = 50_000_000 in 0..=1_000_000_000 "ns" "Distance in time within which a print explains a decrease of its row.";
    spoof_hold_ns: i64 = 10_000_000_000 in 1..=3_600_000_000_000 "ns" "How long spoof_score and layering_score show a score.";
    layer_factor: f64 = 2.0 in 1.0..=1_000.0 "" "Least size of a layer, in usual sizes of its row.";
    layer_min_rows: i64 = 3 in 2..=64 "rows" "Rows of a layering.";
    layer_full_rows: i64 = 5 in 1..=64 "rows" "Rows at which the score no longer grows.";
    layer_within_ns: i64 = 1_000_000_000 in 1..=60_000_000_000 "ns" "Time within which layers are added, and withdrawn.";
    ignition_history_s: i64 = 300 in 2..=3_600 "s" "Seconds before the onset that are usual.";
    ignition_deviations: f64 = 4.0 in 0.0..=100.0 "" "Standard deviations above the mean that volume and trade count of the onset exceed.";
    ignition_min_move: f64 = 3.0 in 0.5..=10_000.0 "ticks" "Least move of the mid in the second of the onset.";
    ignition_confirm_ns: i64 = 10_000_000_000 in 1..=600_000_000_000 "ns" "Time within which the move is given back.";
    ignition_give_back: f64 = 0.5 in 0.01..=1.0 "" "Share of the move that is given back.";
    ignition_hold_ns: i64 = 30_000_000_000 in 1..=3_600_000_000_000 "ns" "How long momentum_ignition shows a reversal.";
    stuffing_history_s: i64 = 300 in 2..=3_600 "s" "Seconds that are usual.";
    stuffing_deviations: f64 = 5.0 in 0.0..=100.0 "" "Standard deviations above the mean that make a burst of updates.";
    stuffing_undone_ns: i64 = 100_000_000 in 1..=10_000_000_000 "ns" "Time within which an update is undone.";
    stuffing_max_trades: f64 = 0.01 in 0.0..=1.0 "" "Trades per update below which a burst is stuffing.";
}

impl DetectorSettings {
    /// Changes one threshold.
    ///
    /// # Errors
    /// A text that names what is wrong: no such threshold, out of range, not whole.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), String> {
        let Some(p) = PARAMETERS.iter().find(|p| p.name == name) else {
            return Err(format!("detector setting \"{name}\" is not known"));
        };
        if !(p.low..=p.high).contains(&value) || p.whole && value.fract() != 0.0 {
            let number = if p.whole { "a whole number" } else { "a number" };
            let unit = if p.unit.is_empty() { String::new() } else { format!(" {}", p.unit) };
            return Err(format!("{name} is {value}; expected {number} from {} to {}{unit}", p.low, p.high));
        }
        self.put(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lie_in_their_ranges_and_can_be_set() {
        let mut s = DetectorSettings::default();
        for p in PARAMETERS {
            assert_eq!(s.get(p.name), Some(p.default), "{}", p.name);
            assert_eq!(s.set(p.name, p.default), Ok(()));
            assert!(s.set(p.name, p.high + 1.0).unwrap_err().contains(p.name));
        }
        assert_eq!(s, DetectorSettings::default());
        assert!(s.set("sweep_min_levels", 3.5).unwrap_err().contains("whole"));
        assert!(s.set("nothing", 1.0).is_err());
    }
}
