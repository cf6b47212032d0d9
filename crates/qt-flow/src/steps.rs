//! The time integral of a whole number that holds from one change to the next.

use crate::window::{Row, Sums, WindowId, Windows};

/// No value: that time does not count.
const NONE: i64 = i64::MIN;

/// A value that is in force from `ts` on.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    ts: i64,
    value: i64,
}

/// Value × time in units × ns, and the time for which there was a value, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Area {
    /// Σ value × duration.
    pub area: i128,
    /// Σ duration.
    pub time: i64,
}

/// What has been gathered up to the last of some steps, and that step.
#[derive(Debug, Clone, Copy)]
struct Gathered {
    last: Step,
    area: Area,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { last: Step { ts: 0, value: NONE }, area: Area::default() }
    }
}

impl Gathered {
    /// What has been gathered by `t`, no earlier than the last step.
    #[inline]
    fn until(&self, t: i64) -> Area {
        let Step { ts, value } = self.last;
        if value == NONE {
            return self.area;
        }
        let span = t - ts;
        Area { area: self.area.area + i128::from(value) * i128::from(span), time: self.area.time + span }
    }
}

impl Sums for Gathered {
    /// Not asked for: the integral over a window is that up to its end less that up to its beginning.
    fn minus(&self, _: &Self) -> Self {
        *self
    }
}

impl Row for Step {
    type Sums = Gathered;
    type Small = i32;

    #[inline]
    fn ts(&self) -> i64 {
        self.ts
    }

    #[inline]
    fn add_to(&self, sums: &mut Gathered) {
        *sums = Gathered { last: *self, area: sums.until(self.ts) };
    }

    #[inline]
    fn merge(&mut self, later: &Self) -> bool {
        self.value = later.value;
        true
    }

    #[inline]
    fn small(&self) -> Option<i32> {
        if self.value == NONE {
            return Some(i32::MIN);
        }
        self.value.try_into().ok().filter(|value| *value != i32::MIN)
    }

    #[inline]
    fn whole(ts: i64, value: i32) -> Self {
        Self { ts, value: if value == i32::MIN { NONE } else { value.into() } }
    }
}

/// A step function of time and its integral over a trailing window, exact.
#[derive(Debug, Clone)]
pub struct Steps {
    changes: Windows<Step>,
    window: WindowId,
    length: i64,
}

impl Steps {
    /// No value so far; the window is `(t − ns, t]`.
    pub fn new(ns: i64) -> Self {
        let mut changes = Windows::default();
        let window = changes.add(ns);
        Self { changes, window, length: ns }
    }

    /// Sets the value from `ts` on; it is more than the least number there is.
    #[inline]
    pub fn set(&mut self, ts: i64, value: Option<i64>) {
        let value = value.unwrap_or(NONE);
        if value != self.changes.totals().last.value {
            self.changes.push(Step { ts, value });
        }
    }

    /// No value any more, and nothing gathered.
    pub fn clear(&mut self) {
        self.changes.clear();
    }

    /// Begins again at `ts`; the value stays in force.
    pub fn restart(&mut self, ts: i64) {
        let value = self.changes.totals().last.value;
        self.changes.clear();
        self.changes.push(Step { ts, value });
    }

    /// The integral over the window that ends at `t`, no further back than the last restart.
    #[inline]
    pub fn area(&mut self, t: i64) -> Area {
        self.changes.advance(t);
        let end = self.changes.totals().until(t);
        if self.changes.first(self.window) == 0 {
            return end;
        }
        let begin = self.changes.left(self.window).until(t - self.length);
        Area { area: end.area - begin.area, time: end.time - begin.time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integral_by_hand() {
        let mut s = Steps::new(10);
        let area = |s: &mut Steps, t| {
            let a = s.area(t);
            (a.area, a.time)
        };
        s.set(100, Some(7));
        s.restart(100);
        assert_eq!(area(&mut s, 100), (0, 0));
        assert_eq!(area(&mut s, 103), (21, 3));
        s.set(104, Some(2));
        s.set(104, Some(3)); // no time passed at 2
        s.set(106, None);
        assert_eq!(area(&mut s, 108), (4 * 7 + 2 * 3, 6));
        s.set(109, Some(1));
        assert_eq!(area(&mut s, 110), (28 + 6 + 1, 7), "the window begins at 100");
        assert_eq!(area(&mut s, 112), (14 + 6 + 3, 7), "two of seven have left");
        assert_eq!(area(&mut s, 117), (8, 8), "the window begins at 107, while there was no value");
        assert_eq!(area(&mut s, 130), (10, 10));
        s.restart(131);
        assert_eq!(area(&mut s, 133), (2, 2), "the value is still in force");
    }
}
