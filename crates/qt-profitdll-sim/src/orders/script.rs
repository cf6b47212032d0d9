//! Settings of the broker's side and the trouble that a scenario asks for.

use std::path::PathBuf;

use qt_venue::QueueModel;

use super::account::{Account, AccountKey, Announce};
use super::status::Stage;

/// What kind of request a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// A new order, zeroing included.
    Send,
    /// A change.
    Change,
    /// A cancel, one of a cancel-all included.
    Cancel,
}

/// Trouble for the requests that match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Kind of request; any when absent.
    pub request: Option<Request>,
    /// Ticker; any when empty.
    pub ticker: String,
    /// Only the n-th that matches, counted from 1; all when 0.
    pub nth: u64,
    /// Refuse at this stage, with this text.
    pub reject: Option<(Stage, String)>,
    /// Wait this much longer before the first hop, ns.
    pub delay_ns: i64,
    /// Lose every answer and the updates that come of the request itself.
    pub mute: bool,
    /// Deliver each update of the order this many times more.
    pub duplicate: u32,
    /// Deliver the repetitions (without any: the update itself) this much later, ns: stale when the order went on.
    pub late_ns: i64,
}

/// A position that exists before the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// Whose.
    pub account: AccountKey,
    /// In what.
    pub ticker: String,
    /// Signed contracts.
    pub quantity: i64,
    /// Average price in points.
    pub price: f64,
}

/// Settings of the broker's side.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// From one hop to the next; a new order takes five to its answer, ns.
    pub hop_ns: i64,
    /// Which cancels of others come from ahead of us in a queue.
    pub queue: QueueModel,
    /// Trading password; any non-empty one when `None`.
    pub password: Option<String>,
    /// Accounts of the user.
    pub accounts: Vec<Account>,
    /// How accounts are announced.
    pub announce: Announce,
    /// From the connection of the broker to the first announcement, and from portion to portion, ns.
    pub announce_ns: i64,
    /// Contracts per reported execution at most; 0 for no limit.
    pub max_fill: i64,
    /// New orders per local day.
    pub per_day: usize,
    /// New orders in 60 s.
    pub per_minute: usize,
    /// From asking for order history to having it, ns.
    pub history_ns: i64,
    /// Build of the library that is imitated: 41 for 4.0.0.41.
    pub build: u32,
    /// Where the broker's side is kept; in memory only when `None`.
    pub state_file: Option<PathBuf>,
    /// Market events between two notes of the market's position in the state file.
    pub mark_events: i64,
    /// Trouble.
    pub rules: Vec<Rule>,
    /// Positions before the session.
    pub carried: Vec<Carried>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hop_ns: 400_000,
            queue: QueueModel::Pessimistic,
            password: None,
            accounts: vec![Account::owner(15003, "Corretora Simulada", "1001", "Titular Simulado")],
            announce: Announce::Whole,
            announce_ns: 0,
            max_fill: 0,
            per_day: 10_000,
            per_minute: 200,
            history_ns: 0,
            build: 41,
            state_file: None,
            mark_events: 1_000,
            rules: Vec::new(),
            carried: Vec::new(),
        }
    }
}

impl Settings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Text with the name of the setting, its value and what is expected.
    pub fn check(&self) -> Result<(), String> {
        let times = [
            ("hop_ns", self.hop_ns),
            ("announce_ns", self.announce_ns),
            ("history_ns", self.history_ns),
            ("max_fill", self.max_fill),
        ];
        if let Some((name, value)) = times.into_iter().find(|t| t.1 < 0) {
            return Err(format!("orders: {name} is {value}; expected 0 or more"));
        }
        if self.mark_events < 1 {
            return Err(format!("orders: mark_events is {}; expected a positive number", self.mark_events));
        }
        if let Some(rule) = self.rules.iter().find(|r| r.delay_ns < 0 || r.late_ns < 0) {
            return Err(format!("orders: a rule delays by {} and {} ns", rule.delay_ns, rule.late_ns));
        }
        Ok(())
    }
}

/// The rules with what they have counted.
#[derive(Debug)]
pub struct Script {
    rules: Vec<Rule>,
    seen: Vec<u64>,
}

impl Script {
    /// Rules that have seen nothing.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { seen: vec![0; rules.len()], rules }
    }

    /// Trouble for this request: of all rules that match, each kind of trouble from the first that has it.
    pub fn trouble(&mut self, request: Request, ticker: &str) -> Rule {
        let mut all = Rule::default();
        for (rule, seen) in self.rules.iter().zip(&mut self.seen) {
            if rule.request.is_some_and(|r| r != request)
                || !(rule.ticker.is_empty() || rule.ticker == ticker)
            {
                continue;
            }
            *seen += 1;
            if rule.nth != 0 && rule.nth != *seen {
                continue;
            }
            all.reject = all.reject.or_else(|| rule.reject.clone());
            all.mute |= rule.mute;
            all.delay_ns = all.delay_ns.max(rule.delay_ns);
            all.duplicate = all.duplicate.max(rule.duplicate);
            all.late_ns = all.late_ns.max(rule.late_ns);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count_what_they_match() {
        let reject = |request, nth| Rule {
            request,
            nth,
            ticker: "WDOU25".into(),
            reject: Some((Stage::Broker, "no".into())),
            ..Rule::default()
        };
        let mute = Rule { mute: true, ..Rule::default() };
        let mut script = Script::new(vec![reject(Some(Request::Send), 2), mute]);
        let refused = |t: &Rule| t.reject.is_some();
        assert!(!refused(&script.trouble(Request::Send, "WDOU25")));
        assert!(!refused(&script.trouble(Request::Cancel, "WDOU25")));
        assert!(!refused(&script.trouble(Request::Send, "WINQ25")));
        let second = script.trouble(Request::Send, "WDOU25");
        assert!(refused(&second) && second.mute);
        assert!(!refused(&script.trouble(Request::Send, "WDOU25")));
    }
}
