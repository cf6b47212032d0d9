//! Large orders that are withdrawn unexecuted: candidates, and what each of them says alone.

use super::detection::{Detection, DetectorKind, Held, Sink, evidence};
use super::layering::Layering;
use super::matching::{Matching, Taken};
use super::settings::DetectorSettings;
use super::slots::{Places, SLOTS, Slots};
use crate::flow::Flow;
use crate::rows::RowChange;
use crate::tape::Print;
use crate::time::SECOND;
use crate::touch::{NO_ASK, NO_BID, Touch};

/// Candidates followed at most; a further one is left out and counted.
const MAX_CANDIDATES: usize = 128;

/// A row's usual size.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    size: f64,
    at: i64,
}

/// Sums over prints since the session began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Printed {
    pub buy: i64,
    pub sell: i64,
    pub volume: i64,
}

impl Printed {
    /// Share of the aggressors that would meet resting orders opposite to `side` in what was printed since `then`.
    fn pressure(&self, then: &Self, side: i8) -> f64 {
        let volume = self.volume - then.volume;
        let own = if side > 0 { self.buy - then.buy } else { self.sell - then.sell };
        if volume > 0 { own as f64 / volume as f64 } else { 0.0 }
    }
}

/// An addition that may be withdrawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub side: i8,
    pub px: i32,
    pub order_id: i64,
    pub broker: i32,
    pub began: i64,
    pub size: i64,
    pub usual: f64,
    pub printed: Printed,
    pub withdrawn: i64,
    /// When enough of it was withdrawn.
    pub ended: Option<i64>,
    /// Contracts of prints against its broker's orders on the other side.
    own: i64,
    /// The fact that began it.
    fact: u64,
}

impl Candidate {
    /// Counts a print against the orders of its broker on the other side.
    pub(super) fn on_print(&mut self, p: &Print, passive: i32) {
        if p.side == self.side && self.broker != 0 && passive == self.broker {
            self.own += i64::from(p.size);
        }
    }

    /// Share of the aggressors that would meet orders on the other side, its broker's alone where that is known, in
    /// what was printed since it was added; 0 if nothing was.
    pub(super) fn pressure(&self, printed: &Printed) -> f64 {
        match (self.broker, printed.volume - self.printed.volume) {
            (_, 0) => 0.0,
            (0, _) => printed.pressure(&self.printed, self.side),
            (_, volume) => self.own as f64 / volume as f64,
        }
    }

    fn due(&self, s: &DetectorSettings) -> i64 {
        self.ended.map_or(self.began + s.spoof_lifetime_ns, |t| t + s.spoof_after_ns)
    }

    fn judge(&mut self, t: i64, s: &DetectorSettings) {
        let enough = self.withdrawn as f64 >= s.spoof_withdrawn * self.size as f64;
        self.ended = if enough { self.ended.or(Some(t)) } else { None };
    }

    /// Whether what is taken away at `t` may still withdraw it.
    fn lives(&self, t: i64, s: &DetectorSettings) -> bool {
        t - self.began <= s.spoof_lifetime_ns
    }
}

/// Follows candidates, scores each when it has been withdrawn, and hands it on to [`Layering`].
#[derive(Debug, Clone, Default)]
pub struct Spoofing {
    usual: Slots<Usual>,
    printed: Printed,
    candidates: Vec<Candidate>,
    /// Where the candidates are.
    rows: Places,
    /// No candidate is due earlier.
    earliest: i64,
    /// Prints and row changes so far.
    facts: u64,
    matching: Matching,
    /// Candidates left out because there were too many.
    left_out: u64,
    /// Several of them together.
    pub layering: Layering,
    held: Held,
}

impl Spoofing {
    /// A print; what a hidden order gave was never displayed, so it explains no decrease.
    pub(super) fn on_print(&mut self, p: &Print, passive: i32, hidden: bool, s: &DetectorSettings) {
        let q = i64::from(p.size);
        self.printed.volume += q;
        self.printed.buy += q * i64::from(p.side > 0);
        self.printed.sell += q * i64::from(p.side < 0);
        if passive != 0 {
            self.layering.on_print(p, passive);
            for c in &mut self.candidates {
                c.on_print(p, passive);
            }
        }
        self.facts += 1;
        if p.side == 0 || hidden || !self.follows(-p.side, p.px) {
            return;
        }
        let taken = Taken {
            row: (-p.side, p.px),
            t: p.ts,
            fact: self.facts,
            broker: passive,
            candidate: 0,
            contracts: q,
        };
        let (candidates, earliest) = (&mut self.candidates, &mut self.earliest);
        self.matching.print(taken, s.spoof_match_ns, |fact, contracts| {
            if let Some(c) = candidates.iter_mut().find(|c| c.fact == fact) {
                c.withdrawn -= contracts;
                c.judge(p.ts, s);
                *earliest = c.due(s).min(*earliest);
            }
        });
    }

    pub(super) fn on_row(&mut self, t: i64, c: &RowChange, flow: &Flow, s: &DetectorSettings) {
        let distance = distance(c, flow.touch());
        let usual = self.usual(t, c, distance, s);
        let change = c.change();
        self.facts += 1;
        let mine =
            |x: &Candidate| (x.side, x.px) == (c.side, c.px) && (x.order_id == 0 || x.order_id == c.order_id);
        let own = self.rows.find(c.side, c.px, &self.candidates, mine);
        self.follow(t, c, own.filter(|k| self.candidates[*k].lives(t, s)), s);
        if own.is_some() {
            return;
        }
        let Some(usual) = usual else { return };
        if (change as f64) < s.layer_factor.min(s.spoof_factor) * usual || !is_near(c, distance, flow, s) {
            return;
        }
        if self.candidates.len() == MAX_CANDIDATES {
            self.left_out += 1;
            return;
        }
        self.earliest = self.earliest.min(t + s.spoof_lifetime_ns);
        self.rows.add(c.side, c.px, self.candidates.len());
        self.candidates.push(Candidate {
            side: c.side,
            px: c.px,
            order_id: c.order_id,
            broker: c.broker,
            began: t,
            size: change,
            usual,
            printed: self.printed,
            withdrawn: 0,
            ended: None,
            own: 0,
            fact: self.facts,
        });
    }

    /// Whether there is a candidate at this row.
    fn follows(&mut self, side: i8, px: i32) -> bool {
        self.rows.find(side, px, &self.candidates, |c| (c.side, c.px) == (side, px)).is_some()
    }

    /// Takes a change of a row, which may be that of a candidate.
    fn follow(&mut self, t: i64, c: &RowChange, own: Option<usize>, s: &DetectorSettings) {
        let change = c.change();
        let follows = change < 0 && self.follows(c.side, c.px);
        let mut own = own.map(|k| &mut self.candidates[k]);
        // More of its decreases may wait for a print than were withdrawn.
        let mut over = false;
        if follows {
            // By level, more may go than the candidate has.
            let left = own.as_ref().map_or(i64::MAX, |x| x.size - x.withdrawn);
            let taken = Taken {
                row: (c.side, c.px),
                t,
                fact: self.facts,
                broker: c.broker,
                candidate: own.as_ref().map_or(0, |x| x.fact),
                contracts: -change,
            };
            let gone = self.matching.decrease(taken, s.spoof_match_ns);
            over = gone > left;
            if let Some(x) = &mut own {
                x.withdrawn += gone.min(left);
            }
        } else if let Some(x) = own.as_mut().filter(|_| change > 0) {
            over = x.withdrawn > 0;
            x.withdrawn = (x.withdrawn - change).max(0);
        }
        if let Some(x) = own {
            if over {
                self.matching.limit(x.fact, x.withdrawn);
            }
            x.judge(t, s);
            self.earliest = self.earliest.min(x.due(s));
        }
    }

    /// Brings the row's usual size up to `t`; `None` when nothing was known of the row. Time in which the row shows
    /// nothing does not count. Rows so far from the touch that their slot may be a near row's are left out.
    fn usual(&mut self, t: i64, c: &RowChange, distance: Option<i64>, s: &DetectorSettings) -> Option<f64> {
        if distance.is_some_and(|d| d.abs() >= SLOTS as i64 / 2) {
            return None;
        }
        let known = self.usual.get(c.side, c.px).copied();
        let size = match known {
            // No time, no weight: the exponential would be 1.
            Some(u) if c.before > 0 && t > u.at => {
                let fade = 1.0 - (-((t - u.at) as f64) / (s.spoof_tau_s * SECOND as f64)).exp();
                u.size + (c.before as f64 - u.size) * fade
            }
            Some(u) => u.size,
            None if c.before > 0 => c.before as f64,
            None => c.after as f64,
        };
        self.usual.put(c.side, c.px, Usual { size, at: t });
        (known.is_some() || c.before > 0).then_some(size)
    }

    /// Time after which something is due.
    pub(super) fn due(&mut self, s: &DetectorSettings) -> i64 {
        self.earliest = self.candidates.iter().map(|c| c.due(s)).min().unwrap_or(i64::MAX);
        self.earliest
    }

    /// A time before which nothing is due, as of the last look.
    pub(super) fn earliest(&self) -> i64 {
        self.earliest
    }

    /// The time `due` has passed.
    pub(super) fn pass(&mut self, due: i64, s: &DetectorSettings, sink: &mut Sink) {
        while let Some(k) = self.candidates.iter().position(|c| c.due(s) <= due) {
            let c = self.candidates.remove(k);
            self.rows.remove(c.side, c.px);
            if let Some(ended) = c.ended {
                self.score(due + 1, &c, ended, s, sink);
            }
        }
    }

    fn score(&mut self, ts: i64, c: &Candidate, ended: i64, s: &DetectorSettings, sink: &mut Sink) {
        let size = c.size as f64;
        if size >= s.spoof_factor * c.usual {
            let pressure = c.pressure(&self.printed);
            let share = c.withdrawn as f64 / size;
            let score = (size / (s.spoof_full_factor * c.usual)).min(1.0) * share * pressure;
            self.held.set(ts, score * f64::from(c.side));
            sink.push(Detection {
                ts,
                kind: DetectorKind::Spoofing,
                side: c.side,
                score,
                confidence: confidence(c),
                px: c.px,
                evidence: evidence([
                    size,
                    c.usual,
                    share,
                    pressure,
                    (ended - c.began) as f64,
                    c.order_id as f64,
                ]),
            });
        }
        if size >= s.layer_factor * c.usual {
            self.layering.add(ts, c, ended, &self.printed, s, sink);
        }
    }

    /// Signed score of the last withdrawn candidate while it is held, else 0.
    pub fn signal(&self, t: i64, hold: i64) -> f64 {
        self.held.live(t, hold).unwrap_or(0.0)
    }

    /// What was dropped because there was too much of it.
    pub(super) fn dropped(&self) -> u64 {
        self.left_out + self.matching.dropped + self.layering.dropped
    }

    /// What was displayed is void.
    pub(super) fn void(&mut self) {
        self.usual.clear();
        self.matching.clear();
        self.candidates.clear();
        self.rows.clear();
        self.layering.void();
    }

    pub(super) fn clear(&mut self) {
        self.void();
        self.layering.clear();
        (self.printed, self.held) = (Printed::default(), Held::default());
    }
}

/// Whether a row is so few occupied levels behind the touch of its side as a candidate may be.
fn is_near(c: &RowChange, distance: Option<i64>, flow: &Flow, s: &DetectorSettings) -> bool {
    // The touch is a level: a row behind it has one before it. And no more than there are ticks.
    let least = i64::from(c.order_id == 0);
    let Some(ticks) = distance.filter(|d| *d >= least) else { return false };
    let most = s.spoof_max_distance;
    ticks <= most || flow.levels_before(c.side, c.px, most as usize + 1) as i64 <= most
}

/// Ticks behind the touch of its side.
fn distance(c: &RowChange, touch: Option<&Touch>) -> Option<i64> {
    let touch = touch?;
    let (best, none) = if c.side > 0 { (touch.bid_px, NO_BID) } else { (touch.ask_px, NO_ASK) };
    (best != none).then(|| (i64::from(best) - i64::from(c.px)) * i64::from(c.side))
}

/// Whose order it was decides what can be known: one broker's, one order's, or a row's.
pub(super) fn confidence(c: &Candidate) -> f64 {
    match (c.order_id, c.broker) {
        (0, 0) => 0.5,
        (_, 0) => 0.8,
        _ => 1.0,
    }
}
