//! Gap between two sessions of one contract.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 169,
    name: "gap_open",
    definition: "ln(session O/previous session C): open of the session's first bar against the close of the last bar \
                 of the last session that had one, both of one contract; from the close of that first bar on",
    window: Window::Sessions(1),
    warmup: Warmup::Items(1),
    update: "U2",
    ..Spec::TECHNICAL
}];

#[derive(Clone)]
struct Gap {
    in_session: bool,
    /// The session has had no bar yet.
    awaits_bar: bool,
    /// Close of the last bar of a session.
    close: Option<i32>,
    value: f64,
}

impl Rule for Gap {
    fn close(&mut self, bar: &Bar) -> f64 {
        if !self.in_session {
            return f64::NAN; // bars that come before the first session belong to none
        }
        let before = self.close.replace(bar.close);
        if std::mem::take(&mut self.awaits_bar) {
            self.value = before.map_or(f64::NAN, |close| log_ratio(bar.open, close));
        }
        self.value
    }

    fn session(&mut self, _start: i64, held: f64) -> f64 {
        self.in_session = true;
        self.awaits_bar = true;
        held
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    held(Gap { in_session: false, awaits_bar: false, close: None, value: f64::NAN }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::ohlcv;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        f.on_bar(&ohlcv(1, 9, 1, 9, 1)); // of no session
        f.on_session_start(0);
        f.on_bar(&ohlcv(100, 100, 100, 100, 1));
        f.on_bar(&ohlcv(100, 110, 100, 110, 1));
        f.on_session_start(0);
        f.on_session_start(0); // one without a bar
        assert!(f.value(&flow, 0).is_nan());
        f.on_bar(&ohlcv(121, 130, 120, 125, 1));
        assert_eq!(f.value(&flow, 0), 1.1f64.ln());
        f.on_bar(&ohlcv(1, 1, 1, 1, 1));
        assert_eq!(f.value(&flow, 0), 1.1f64.ln());
        f.on_roll();
        f.on_session_start(0);
        f.on_bar(&ohlcv(7, 7, 7, 7, 1));
        assert!(f.value(&flow, 0).is_nan());
    }
}
