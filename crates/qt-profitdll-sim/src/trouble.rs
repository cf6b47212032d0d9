//! When scripted trouble begins and ends, by market time or by the number of events.

use crate::feed::{BRASILIA_NS, DAY_NS};
use crate::scenario::{Trouble, What, time_of_day};

/// Something the script says.
#[derive(Debug, Clone, PartialEq)]
pub enum Cue {
    /// It begins.
    Begin(What),
    /// It is over.
    End(What),
}

struct Waiting {
    at_ns: Option<i64>,
    event: Option<u64>,
    what: What,
}

struct Running {
    until_ns: Option<i64>,
    until_event: Option<u64>,
    what: What,
}

/// The troubles of a scenario.
#[derive(Default)]
pub struct Script {
    waiting: Vec<Waiting>,
    running: Vec<Running>,
}

impl Script {
    /// The script of these troubles.
    ///
    /// # Errors
    /// As [`time_of_day`].
    pub fn new(troubles: &[Trouble]) -> Result<Self, String> {
        let waiting = troubles.iter().map(|t| {
            let at_ns = t.at.as_deref().map(time_of_day).transpose()?;
            Ok(Waiting { at_ns, event: t.event, what: t.what.clone() })
        });
        Ok(Self { waiting: waiting.collect::<Result<_, String>>()?, running: Vec::new() })
    }

    /// What begins and ends before the next event, which arrives at `ts` (ns UTC) after `played` others.
    pub fn cues(&mut self, ts: i64, played: u64) -> Vec<Cue> {
        let mut cues = Vec::new();
        let over = |r: &mut Running| {
            r.until_ns.is_some_and(|t| ts >= t) || r.until_event.is_some_and(|n| played >= n)
        };
        cues.extend(self.running.extract_if(.., over).map(|r| Cue::End(r.what)));
        let time = (ts + BRASILIA_NS).rem_euclid(DAY_NS);
        let due = |w: &mut Waiting| match (w.at_ns, w.event) {
            (None, None) => true,
            (at, event) => at.is_some_and(|t| time >= t) || event.is_some_and(|n| played >= n),
        };
        for begun in self.waiting.extract_if(.., due) {
            if let Some((seconds, events)) = begun.what.length() {
                self.running.push(Running {
                    until_ns: seconds.map(|s| ts + (s * 1e9) as i64),
                    until_event: events.map(|n| played + n),
                    what: begun.what.clone(),
                });
            }
            cues.push(Cue::Begin(begun.what));
        }
        cues
    }

    /// The market is over: so is all trouble.
    pub fn end(&mut self) -> Vec<Cue> {
        self.running.drain(..).map(|r| Cue::End(r.what)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: Option<&str>, event: Option<u64>, what: What) -> Trouble {
        Trouble { at: at.map(Into::into), event, what }
    }

    #[test]
    fn trouble_comes_at_its_time_or_event_and_goes() {
        let open = qt_venue::generator::DEFAULT_OPEN_NS; // 09:00 in São Paulo
        let silent = What::Silent { seconds: Some(2.0), events: None };
        let drop = What::Disconnect { seconds: None, events: Some(3) };
        let mut script = Script::new(&[
            at(Some("09:00:01"), None, silent.clone()),
            at(None, Some(5), drop.clone()),
            at(None, None, What::Sentinel),
        ])
        .unwrap();
        assert_eq!(script.cues(open, 0), [Cue::Begin(What::Sentinel)]);
        assert_eq!(script.cues(open + 1_000_000_000, 4), [Cue::Begin(silent.clone())]);
        assert_eq!(script.cues(open + 2_000_000_000, 5), [Cue::Begin(drop.clone())]);
        assert_eq!(script.cues(open + 3_000_000_000, 6), [Cue::End(silent)]);
        assert_eq!(script.cues(open + 3_000_000_000, 8), [Cue::End(drop)]);
        assert_eq!(script.end(), []);
    }
}
