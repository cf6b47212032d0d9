//! Volume that was executed at a row beyond what the row displayed.

use qt_flow::ofi::FlowRow;
use qt_flow::window::Windows;

use super::WINDOW;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 108,
    name: "hidden_volume_ratio_5m",
    definition: "Σ max(0, volume of a parent order at a row − size displayed there on the passive side just before its first print at the row) / V; each print counts what it adds to its row's excess, at its own time; rows that no valid book showed count 0; parents as in sweep detection, gap 1 ms",
    window: Window::Time(5 * MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Zero,
    source: "Hautsch-Huang 2012",
    ..WINDOW
}];

/// A row that the open parent has printed at.
struct Walked {
    px: i32,
    /// Contracts displayed before its first print there.
    shown: Option<i64>,
    volume: i64,
}

impl Walked {
    /// Volume beyond what was displayed.
    fn excess(&self) -> i64 {
        self.shown.map_or(0, |shown| (self.volume - shown).max(0))
    }
}

struct HiddenVolume {
    traded: WindowId,
    hidden: Windows<FlowRow>,
    window: WindowId,
    walked: Vec<Walked>,
}

impl Feature for HiddenVolume {
    fn value(&mut self, flow: &Flow, t: i64) -> f64 {
        if flow.good_levels().is_none() {
            return f64::NAN;
        }
        self.hidden.advance(t);
        ratio_or_zero(self.hidden.sums(self.window), flow.tape.sums(self.traded).volume)
    }

    fn on_print(&mut self, print: &Print, flow: &Flow) {
        let Some(parent) = flow.parents.open() else { return };
        if parent.prints == 1 {
            self.walked.clear();
        }
        let known = self.walked.iter().rposition(|row| row.px == print.px);
        let index = known.unwrap_or_else(|| {
            let shown = flow.size_at(-print.side, print.px);
            self.walked.push(Walked { px: print.px, shown, volume: 0 });
            self.walked.len() - 1
        });
        let row = &mut self.walked[index];
        let before = row.excess();
        row.volume += i64::from(print.size);
        let flow = row.excess() - before;
        if flow > 0 {
            self.hidden.push(FlowRow { ts: print.ts, flow });
        }
    }

    fn on_session(&mut self) {
        self.hidden.clear();
        self.walked.clear();
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    // What leaves this window does so together with its print.
    setup.changes_with(cause::PRINT | cause::BOOK | cause::EXIT);
    setup.on_prints();
    setup.flow.want_levels();
    let traded = setup.flow.tape.window(spec.window_ns());
    let mut hidden = Windows::default();
    let window = hidden.add(spec.window_ns());
    Box::new(HiddenVolume { traded, hidden, window, walked: Vec::with_capacity(64) })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{book, level, trade, values};

    #[test]
    fn by_hand() {
        let packets = [
            (0, book(&[(100, 9)], &[(101, 5), (102, 4)])),
            (10, vec![trade(101, 3, 1)]),
            (10, vec![level(-1, 101, 2)]), // the row refills or not: what counts was shown before the parent
            (10, vec![trade(101, 4, 1)]),  // 7 of 5: 2 hidden
            (10, vec![trade(102, 4, 1)]),
            (11, vec![trade(101, 1, 1)]),  // the parent goes on: 3 hidden
            (13, vec![trade(101, 5, 1)]),  // another one: 5 of 2, 3 more
            (13, vec![trade(99, 8, -1)]),  // a row that shows nothing: all 8
            (13, vec![trade(100, 9, 0)]),  // unsigned: volume only
            (300_011, vec![level(1, 98, 1)]), // the first parent is out
        ];
        let got = values("hidden_volume_ratio_5m", &packets);
        let expected = [0.0, 0.0, 0.0, 2.0 / 7.0, 2.0 / 11.0, 3.0 / 12.0, 6.0 / 17.0, 14.0 / 25.0, 14.0 / 34.0, 11.0 / 22.0];
        assert_eq!(got, expected);
    }
}
