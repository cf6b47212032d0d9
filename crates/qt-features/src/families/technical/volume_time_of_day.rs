//! Volume against what is usual at this minute of the session.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 243,
    name: "rel_volume_tod",
    definition: "v/mean v of the same minute over the last 20 sessions before this one that had it; the minute is \
                 (bar start − session start) in whole minutes, 0 to 1439; bars that start in one minute of a session \
                 count together; other bars give NaN",
    window: Window::Sessions(20),
    range: POSITIVE,
    warmup: Warmup::Items(20),
    zero: Zero::Nan,
    swap_sides: Symmetry::Keeps,
    update: "U2",
    ..Spec::TECHNICAL
}];

const SESSIONS: usize = 20;
const MINUTES: usize = 1440;

/// One minute of the session.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The session that `volume` is of, counted from 1; 0 before the first one.
    session: u64,
    /// Volume of that session in this minute so far.
    volume: i64,
    /// Sessions before it that had this minute.
    seen: usize,
    /// Volumes of the last ones of them.
    past: [i64; SESSIONS],
    sum: i64,
}

impl Slot {
    /// Moves on to another session: the volume of the last one becomes history.
    fn begin(&mut self, session: u64) {
        if self.session > 0 {
            let oldest = &mut self.past[self.seen % SESSIONS];
            self.sum += self.volume - *oldest;
            *oldest = self.volume;
            self.seen += 1;
        }
        self.session = session;
        self.volume = 0;
    }

    /// Counts volume and compares what the minute has so far with its history.
    fn add(&mut self, volume: i64) -> f64 {
        self.volume += volume;
        if self.seen < SESSIONS { f64::NAN } else { ratio_or_nan(SESSIONS as i64 * self.volume, self.sum) }
    }
}

struct VolumeTimeOfDay {
    /// As many minutes as there were.
    slots: Vec<Slot>,
    /// The session in force, counted from 1; 0 before the first one.
    session: u64,
    start: i64,
    value: f64,
}

impl VolumeTimeOfDay {
    /// The minute in which a bar starts, if it is one of the session's.
    fn minute(&self, bar: &Bar) -> Option<usize> {
        let minute = bar.start.checked_sub(self.start)?.div_euclid(MINUTE);
        usize::try_from(minute).ok().filter(|m| self.session > 0 && *m < MINUTES)
    }
}

impl Feature for VolumeTimeOfDay {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.value
    }

    fn on_bar(&mut self, bar: &Bar) {
        let session = self.session;
        self.value = match self.minute(bar) {
            Some(minute) => {
                if self.slots.len() <= minute {
                    self.slots.resize(minute + 1, Slot::default());
                }
                let slot = &mut self.slots[minute];
                if slot.session != session {
                    slot.begin(session);
                }
                slot.add(bar.volume)
            }
            None => f64::NAN,
        };
    }

    fn on_session_start(&mut self, start: i64) {
        self.session += 1;
        self.start = start;
    }

    fn on_roll(&mut self) {
        self.slots.clear();
        self.session = 0;
        self.value = f64::NAN;
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BAR);
    setup.on_bars();
    let minutes = setup.session_seconds.map_or(0.0, |s| (s / 60.0).ceil()) as usize;
    let slots = Vec::with_capacity(minutes.min(MINUTES));
    Box::new(VolumeTimeOfDay { slots, session: 0, start: 0, value: f64::NAN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::ohlcv;

    #[test]
    fn by_hand() {
        let mut flow = Flow::default();
        let mut f = build(&SPECS[0], &mut Setup::new(&mut flow));
        let tell = |f: &mut Box<dyn Feature>, start: i64, volume: i64| {
            f.on_bar(&Bar { start, ..ohlcv(1, 1, 1, 1, volume) });
            f.value(&flow, 0)
        };
        for day in 0..21 {
            let open = day * 1_000_000 * SECOND + 7;
            f.on_session_start(open);
            assert!(tell(&mut f, open - 1, 9).is_nan(), "before the session");
            assert!(tell(&mut f, open + 1440 * MINUTE, 9).is_nan(), "after its last minute");
            let first = tell(&mut f, open + MINUTE - 1, 2 * day);
            assert_eq!(first.is_nan(), day < 20);
            if day % 2 == 0 {
                assert!(tell(&mut f, open + MINUTE, 1).is_nan(), "a minute of every other session");
            }
        }
        f.on_session_start(0);
        // Sessions 1 to 20 had 2, 4, …, 40: mean 21. The minute has 7, then 42 in all.
        assert_eq!(tell(&mut f, 0, 7), 7.0 / 21.0);
        assert_eq!(tell(&mut f, 30 * SECOND, 35), 2.0);
        f.on_roll();
        assert!(tell(&mut f, 0, 7).is_nan());
    }
}
