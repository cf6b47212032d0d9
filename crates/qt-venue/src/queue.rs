//! How much displayed volume is ahead of a resting order of ours.

/// Which cancels are believed to come from ahead of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueModel {
    /// None: a cancel helps only as far as the displayed size forces it.
    Pessimistic,
    /// The share of the displayed size that is ahead of us.
    Proportional,
    /// Those of the orders that are: needs a feed by order id, pessimistic elsewhere.
    Exact,
}

impl QueueModel {
    /// The model with this name: `pessimistic`, `proportional` or `exact`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "pessimistic" => Some(Self::Pessimistic),
            "proportional" => Some(Self::Proportional),
            "exact" => Some(Self::Exact),
            _ => None,
        }
    }
}

/// A print and a fall of the level belong together when they are at most this far apart, in ns.
const MATCH_NS: i64 = 50_000_000;
/// Volume ahead when nothing is known: only a print through the price fills.
const UNKNOWN: i64 = i64::MAX;

/// Place of one resting order of ours.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// Displayed contracts ahead.
    ahead: i64,
    /// Displayed size of the level when it was last looked at.
    shown: Option<i64>,
    /// Printed at our price and not yet seen as a fall of the level.
    printed: i64,
    /// Taken off `ahead` as cancelled, though a print may still explain it.
    credit: i64,
    /// Time of the last change of `printed` or `credit`.
    touched: i64,
    /// Exact model: ids that came behind us at our price, in order.
    pub behind: Vec<i64>,
}

impl Queue {
    /// Behind all of what is displayed at the price; `None` when that is not known.
    pub fn new(shown: Option<i64>) -> Self {
        Self {
            ahead: shown.unwrap_or(UNKNOWN),
            shown,
            printed: 0,
            credit: 0,
            touched: i64::MIN,
            behind: Vec::new(),
        }
    }

    fn expire(&mut self, now: i64) {
        if now.saturating_sub(self.touched) > MATCH_NS {
            (self.printed, self.credit) = (0, 0);
        }
        self.touched = now;
    }

    /// `volume` printed at our price; returns what of it gets past the volume ahead, to us.
    pub fn on_print(&mut self, volume: i64, now: i64) -> i64 {
        if self.ahead == UNKNOWN {
            return 0;
        }
        self.expire(now);
        self.printed += volume;
        let explained = volume.min(self.credit);
        self.credit -= explained;
        let rest = volume - explained;
        let used = rest.min(self.ahead);
        self.ahead -= used;
        rest - used
    }

    /// The level was seen with this size (`None`: out of sight).
    pub fn on_shown(&mut self, size: Option<i64>, model: QueueModel, now: i64) {
        let (Some(size), before) = (size, self.shown) else {
            self.shown = None;
            return;
        };
        self.shown = Some(size);
        let fall = before.map_or(0, |b| b - size);
        if fall < 0 || (fall == 0 && self.ahead <= size) {
            return;
        }
        if self.ahead == UNKNOWN {
            self.ahead = size;
            return;
        }
        self.expire(now);
        let traded = fall.min(self.printed);
        self.printed -= traded;
        let mut ahead = self.ahead;
        if model == QueueModel::Proportional && fall > 0 {
            let base = size + fall - traded;
            if base > 0 {
                ahead -= ((i128::from(fall - traded) * i128::from(ahead)) / i128::from(base)) as i64;
            }
        }
        ahead = ahead.min(size);
        self.credit += self.ahead - ahead;
        self.ahead = ahead;
    }

    /// Exact model: `ahead` is what the orders ahead display now, executions of this packet included.
    pub fn on_orders(&mut self, ahead: i64, now: i64) {
        self.expire_exact(now);
        let before = self.shown.unwrap_or(ahead);
        self.shown = Some(ahead);
        // What fell is first what printed: those contracts have been taken off already.
        self.printed = (self.printed - (before - ahead).max(0)).max(0);
        self.ahead = (ahead - self.printed).max(0);
    }

    fn expire_exact(&mut self, now: i64) {
        if now.saturating_sub(self.touched) > MATCH_NS {
            self.printed = 0;
        }
        self.touched = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: QueueModel = QueueModel::Pessimistic;
    const SHARE: QueueModel = QueueModel::Proportional;

    #[test]
    fn prints_shrink_what_is_ahead_and_then_reach_us() {
        let mut q = Queue::new(Some(10));
        assert_eq!(q.on_print(4, 0), 0);
        q.on_shown(Some(6), P, 0);
        assert_eq!(q.ahead, 6);
        assert_eq!(q.on_print(9, 0), 3);
        assert_eq!(q.ahead, 0);
    }

    #[test]
    fn pessimistic_cancels_help_only_as_far_as_forced() {
        let mut q = Queue::new(Some(10));
        q.on_shown(Some(30), P, 0);
        q.on_shown(Some(15), P, 0);
        assert_eq!(q.ahead, 10);
        q.on_shown(Some(7), P, 0);
        assert_eq!(q.ahead, 7);
    }

    #[test]
    fn proportional_cancels_help_by_share() {
        let mut q = Queue::new(Some(10));
        q.on_shown(Some(30), SHARE, 0);
        q.on_shown(Some(15), SHARE, 0); // 15 of 30 cancelled, a third of them ahead
        assert_eq!(q.ahead, 5);
        let later = 100_000_000;
        assert_eq!(q.on_print(3, later), 0);
        q.on_shown(Some(12), SHARE, later); // explained by the print
        assert_eq!(q.ahead, 2);
    }

    #[test]
    fn a_fall_before_its_print_is_not_counted_twice() {
        let mut q = Queue::new(Some(10));
        q.on_shown(Some(4), P, 0);
        assert_eq!(q.on_print(6, 49_000_000), 0);
        assert_eq!(q.ahead, 4);
        assert_eq!(q.on_print(6, 60_000_000), 2);
        let mut late = Queue::new(Some(10));
        late.on_shown(Some(4), P, 0);
        assert_eq!(late.on_print(6, 51_000_000), 2);
    }

    #[test]
    fn unknown_volume_lets_nothing_through_until_it_is_shown() {
        let mut q = Queue::new(None);
        assert_eq!(q.on_print(1_000, 0), 0);
        q.on_shown(Some(8), P, 0);
        assert_eq!(q.on_print(9, 0), 1);
    }

    #[test]
    fn out_of_sight_keeps_the_place() {
        let mut q = Queue::new(Some(10));
        q.on_shown(None, SHARE, 0);
        q.on_shown(Some(50), SHARE, 0);
        assert_eq!(q.ahead, 10);
        q.on_shown(None, SHARE, 0);
        q.on_shown(Some(4), SHARE, 0);
        assert_eq!(q.ahead, 4);
    }
}
