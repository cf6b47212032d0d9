//! `[orders]` of a scenario, as `docs/concepts/simulated-broker.md` shows it. Every key is optional, unknown ones are
//! errors.

use qt_venue::QueueModel;
use serde::Deserialize;

use super::account::{Account, AccountKey, AccountKind, Announce};
use super::script::{Carried, Request, Rule, Settings};
use super::status::Stage;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Table {
    latency_ms: Option<f64>,
    queue: Option<String>,
    password: Option<String>,
    max_fill: Option<i64>,
    per_day: Option<usize>,
    per_minute: Option<usize>,
    announce: Option<String>,
    announce_ms: f64,
    history_ms: f64,
    state_file: Option<String>,
    mark_events: Option<i64>,
    accounts: Vec<AccountTable>,
    positions: Vec<PositionTable>,
    rules: Vec<RuleTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountTable {
    #[serde(default = "broker_id")]
    broker_id: i32,
    #[serde(default = "broker_name")]
    broker: String,
    account: String,
    #[serde(default = "owner")]
    owner: String,
    #[serde(default)]
    subs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionTable {
    #[serde(default = "broker_id")]
    broker_id: i32,
    account: String,
    #[serde(default)]
    sub: String,
    ticker: String,
    quantity: i64,
    price: f64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RuleTable {
    request: Option<String>,
    ticker: String,
    nth: u64,
    reject: Option<String>,
    text: Option<String>,
    delay_ms: f64,
    mute: bool,
    duplicate: u32,
    late_ms: f64,
}

fn broker_id() -> i32 {
    15003
}

fn broker_name() -> String {
    "Corretora Simulada".into()
}

fn owner() -> String {
    "Titular Simulado".into()
}

fn ns(ms: f64, name: &str) -> Result<i64, String> {
    if ms.is_finite() && (0.0..=1e12).contains(&ms) {
        Ok((ms * 1e6) as i64)
    } else {
        Err(format!("[orders] {name} is {ms}; expected 0 or more"))
    }
}

fn named<T>(name: &str, what: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("[orders] {what} {name:?} is not known"))
}

impl Settings {
    /// Reads `[orders]`. Without a latency of its own a scenario has 2 ms, in lockstep none: there, time passes only when
    /// the client steps the market, and one that waits for an answer would wait forever.
    ///
    /// # Errors
    /// Text that names the key and what is expected.
    pub fn read(table: &toml::Table, lockstep: bool, build: u32) -> Result<Self, String> {
        let t: Table = table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| format!("[orders] {}", error.message()))?;
        let new = Self::default();
        let latency_ms = t.latency_ms.unwrap_or(if lockstep { 0.0 } else { 2.0 });
        let queue = match &t.queue {
            Some(name) => named(name, "queue", QueueModel::from_name(name))?,
            None => new.queue,
        };
        let announce = match t.announce.as_deref() {
            None | Some("whole") => Announce::Whole,
            Some("partial") => Announce::Partial,
            Some(other) => return named(other, "announce", None),
        };
        let accounts = if t.accounts.is_empty() {
            new.accounts
        } else {
            t.accounts.iter().flat_map(AccountTable::family).collect()
        };
        let settings = Self {
            hop_ns: ns(latency_ms, "latency_ms")? / 5,
            queue,
            password: t.password,
            accounts,
            announce,
            announce_ns: ns(t.announce_ms, "announce_ms")?,
            max_fill: t.max_fill.unwrap_or(new.max_fill),
            per_day: t.per_day.unwrap_or(new.per_day),
            per_minute: t.per_minute.unwrap_or(new.per_minute),
            history_ns: ns(t.history_ms, "history_ms")?,
            build,
            state_file: t.state_file.map(Into::into),
            mark_events: t.mark_events.unwrap_or(new.mark_events),
            rules: t.rules.into_iter().map(RuleTable::rule).collect::<Result<_, _>>()?,
            carried: t.positions.into_iter().map(PositionTable::carried).collect(),
        };
        settings.check()?;
        Ok(settings)
    }
}

impl AccountTable {
    /// The account and its sub-accounts.
    fn family(&self) -> Vec<Account> {
        let mut all = vec![Account::owner(self.broker_id, &self.broker, &self.account, &self.owner)];
        for sub in &self.subs {
            all[0].kind = AccountKind::Master;
            let key = all[0].key.with_sub(sub);
            all.push(Account { key, sub_owner: sub.clone(), kind: AccountKind::Sub, ..all[0].clone() });
        }
        all
    }
}

impl PositionTable {
    fn carried(self) -> Carried {
        Carried {
            account: AccountKey::new(self.broker_id, &self.account).with_sub(&self.sub),
            ticker: self.ticker,
            quantity: self.quantity,
            price: self.price,
        }
    }
}

impl RuleTable {
    fn rule(self) -> Result<Rule, String> {
        let request = match self.request.as_deref() {
            None => None,
            Some("send") => Some(Request::Send),
            Some("change") => Some(Request::Change),
            Some("cancel") => Some(Request::Cancel),
            Some(other) => return named(other, "request", None),
        };
        let reject = match self.reject {
            None => None,
            Some(name) => {
                let stage = named(&name, "stage", Stage::from_name(&name))?;
                Some((stage, self.text.unwrap_or_else(|| "Ordem rejeitada".into())))
            }
        };
        Ok(Rule {
            request,
            ticker: self.ticker,
            nth: self.nth,
            reject,
            delay_ns: ns(self.delay_ms, "delay_ms")?,
            mute: self.mute,
            duplicate: self.duplicate,
            late_ns: ns(self.late_ms, "late_ms")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        Settings::read(&toml::from_str(text).unwrap(), false, 41)
    }

    #[test]
    fn the_documented_example_is_read() {
        let example: String = include_str!("../../../../docs/concepts/simulated-broker.md")
            .lines()
            .skip_while(|l| !l.contains("```toml"))
            .skip(2)
            .take_while(|l| !l.contains("```"))
            .map(|l| l.replace("[orders.", "[") + "\n")
            .collect();
        let s = read(&example).unwrap();
        assert_eq!((s.hop_ns, s.password.as_deref(), s.accounts.len()), (400_000, Some("assinatura"), 3));
        assert_eq!(s.accounts[0].kind, AccountKind::Master);
        assert_eq!((s.carried[0].quantity, s.carried[0].price), (-2, 5400.0));
        assert_eq!(s.rules[0].reject, Some((Stage::Risk, "Limite operacional".into())));
        assert_eq!((s.rules[0].delay_ns, s.rules[0].late_ns, s.rules[0].nth), (50_000_000, 20_000_000, 1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("latency = 1", "latency"),
            ("latency_ms = -1", "latency_ms"),
            ("queue = \"fifo\"", "fifo"),
            ("[[rules]]\nreject = \"moon\"", "moon"),
            ("[[rules]]\nrequest = \"buy\"", "buy"),
            ("mark_events = 0", "mark_events"),
        ] {
            assert!(read(text).unwrap_err().contains(named), "{text}");
        }
        assert_eq!(Settings::read(&toml::Table::new(), true, 31).unwrap().hop_ns, 0);
    }
}
