//! Scenario files: which market is played, how fast, what the login does, and what goes wrong when.
//!
//! Unknown keys are errors: a misspelt trouble that never happens would make its test pass.

use std::path::Path;

use serde::Deserialize;

/// A whole scenario.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What is played.
    pub market: Market,
    /// Which version of the library this is.
    pub profile: Profile,
    /// What the login does.
    pub login: Login,
    /// What happens to history requests.
    pub history: History,
    /// The delivery of callbacks.
    pub queue: Queue,
    /// What is watched in the client.
    pub strict: Strict,
    /// The broker's side; its own module reads it.
    pub orders: toml::Table,
    /// What goes wrong.
    pub trouble: Vec<Trouble>,
}

/// Where the events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Seeded synthetic sessions, one per ticker.
    #[default]
    Generator,
    /// A journal file.
    Journal,
}

/// How fast the market runs: `"lockstep"`, `"max"`, or a multiple of real time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Speed {
    /// Stands still until `QtSimStep`.
    #[default]
    Lockstep,
    /// As fast as the client takes it.
    Max,
    /// This many seconds of market time in a second.
    Times(f64),
}

impl TryFrom<toml::Value> for Speed {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let number = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
        match (value.as_str(), number) {
            (Some("lockstep"), _) => Ok(Self::Lockstep),
            (Some("max"), _) => Ok(Self::Max),
            (_, Some(times)) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err(format!("speed is {value:?}; expected \"lockstep\", \"max\" or a positive number")),
        }
    }
}

/// `[market]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Market {
    /// Where the events come from.
    pub source: Source,
    /// Journal file.
    pub path: String,
    /// Seed of the first generated session; the others follow it.
    pub seed: u64,
    /// How fast it runs.
    pub speed: Speed,
    /// Ticker of a single instrument; a journal brings its own names unless it is given.
    pub ticker: String,
    /// Tickers of several generated instruments.
    pub tickers: Vec<String>,
    /// Exchange letter.
    pub exchange: String,
    /// Points per tick; from the product table when it is not given.
    pub tick_size: Option<f64>,
    /// Money per point and contract; from the product table when it is not given.
    pub point_value: Option<f64>,
    /// Close of the day before, in points; from the start of the session when it is not given.
    pub previous_close: Option<f64>,
    /// Length of generated sessions in seconds of market time.
    pub duration_s: f64,
    /// Most events of one generated session; 0 for no limit.
    pub max_events: i64,
    /// Arrival rate of generated events in percent.
    pub intensity: i64,
    /// What `SubscribeAdjustHistory` tells.
    pub adjustments: Vec<Adjustment>,
    /// Pauses of the market are cut to this, in seconds of real time; what is cut passes at once.
    pub longest_pause_s: f64,
    /// False: outside trading hours. Login and history work, nothing trades, books are empty.
    pub open: bool,
}

/// `[[market.adjustments]]`: a corporate action or roll.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Its amount.
    pub value: f64,
    /// Its kind in words.
    #[serde(default)]
    pub kind: String,
    /// A note.
    #[serde(default)]
    pub note: String,
    /// `DD/MM/YYYY`.
    pub date: String,
    /// Whether it moves the price.
    #[serde(default)]
    pub affects_price: bool,
    /// Factor of V2.
    #[serde(default)]
    pub multiplier: f64,
}

impl Default for Market {
    fn default() -> Self {
        Self {
            source: Source::Generator,
            path: String::new(),
            seed: 7,
            speed: Speed::Lockstep,
            ticker: String::new(),
            tickers: Vec::new(),
            exchange: "F".into(),
            tick_size: None,
            point_value: None,
            previous_close: None,
            duration_s: 7_200.0,
            max_events: 200_000,
            intensity: 100,
            adjustments: Vec::new(),
            longest_pause_s: 2.0,
            open: true,
        }
    }
}

/// `[profile]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Version that the library behaves like: its last number decides.
    pub version: String,
    /// Offers per page of a full book, from .36 on; 0 sends one page.
    pub page_size: usize,
    /// Whether subscriptions survive a reconnection. The vendor does not say.
    pub keeps_subscriptions: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self { version: "4.0.0.41".into(), page_size: 100, keeps_subscriptions: true }
    }
}

impl Profile {
    /// The last number of the version.
    ///
    /// # Errors
    /// Text that names the version when it does not end in a number.
    pub fn build(&self) -> Result<u32, String> {
        let last = self.version.rsplit('.').next().unwrap_or_default();
        last.parse()
            .map_err(|_| format!("[profile] version is {:?}; expected one like \"4.0.0.41\"", self.version))
    }
}

/// How a login ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginResult {
    /// Everything connects.
    #[default]
    Ok,
    /// (0,1).
    InvalidLogin,
    /// (0,2).
    WrongPassword,
    /// (0,3).
    PasswordBlocked,
    /// (0,4).
    PasswordExpired,
    /// (0,200).
    Unknown,
    /// (3,1): the licence is not valid.
    InvalidActivation,
    /// Stays at (2,1).
    MarketStuck,
    /// Stays at (2,3).
    MarketNotLogged,
    /// The market connects, the broker does not: (1,3).
    BrokerDown,
    /// Initialise itself returns `NL_NO_LICENSE`.
    NoLicence,
    /// Initialise answers, and no state ever follows.
    Silent,
}

/// `[login]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// How it ends.
    pub result: LoginResult,
    /// Pause before every state, in ms of real time.
    pub delay_ms: u64,
    /// User that must log in; anyone when it is empty.
    pub user: String,
    /// Password that must be given; any when it is empty.
    pub password: String,
}

/// `[history]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Business days before the session that a generator can serve.
    pub days: u32,
    /// Pause at 99 percent, in ms of real time.
    pub stall_ms: u64,
    /// Trades that come after 100 percent.
    pub after_100: usize,
    /// Sentinel records per request: zero date, price 0.
    pub sentinels: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { days: 5, stall_ms: 0, after_100: 0, sentinels: 0 }
    }
}

/// What happens when the client does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overflow {
    /// The market waits. Nothing is lost, everything is late.
    #[default]
    Block,
    /// What does not fit is lost; full books follow when there is room again.
    Drop,
}

/// `[queue]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Market events that wait at most.
    pub capacity: usize,
    /// Waiting events at which the market state becomes (2,6); below half of it, (2,4) again.
    pub high_water: usize,
    /// What happens at the capacity.
    pub overflow: Overflow,
}

impl Default for Queue {
    fn default() -> Self {
        Self { capacity: 65_536, high_water: 49_152, overflow: Overflow::Block }
    }
}

/// `[strict]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Strict {
    /// Sins are counted and answered as such.
    pub enabled: bool,
    /// A callback that takes longer is counted, in ms.
    pub slow_callback_ms: f64,
    /// Setters before the login are dropped, as some clients report of the vendor's library.
    pub drop_early_setters: bool,
}

impl Default for Strict {
    fn default() -> Self {
        Self { enabled: true, slow_callback_ms: 1.0, drop_early_setters: false }
    }
}

/// `[[trouble]]`: something that goes wrong, once.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct Trouble {
    /// Brasília time of day, `HH:MM:SS` or `HH:MM:SS.mmm`.
    pub at: Option<String>,
    /// Market events before it; neither of the two: before the first event.
    pub event: Option<u64>,
    /// What.
    pub what: What,
}

impl TryFrom<toml::Table> for Trouble {
    type Error = String;

    fn try_from(mut table: toml::Table) -> Result<Self, String> {
        let at = table.remove("at").map(|v| v.as_str().map(Into::into).ok_or("`at` is no text"));
        let event = table
            .remove("event")
            .map(|v| v.as_integer().and_then(|n| u64::try_from(n).ok()).ok_or("`event` is no count"));
        let what = table.try_into().map_err(|error| error.to_string())?;
        Ok(Self { at: at.transpose()?, event: event.transpose()?, what })
    }
}

/// Kinds of trouble. Lengths are in seconds of market time or in market events, whichever ends first; without
/// either, until the end.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// The market connection drops and comes back: (2,0), then (2,1) (2,2) (2,4) and full books. What is traded
    /// meanwhile is not told.
    Disconnect {
        /// Seconds.
        seconds: Option<f64>,
        /// Events.
        events: Option<u64>,
    },
    /// The broker drops and comes back: (1,3), then (1,4) (1,5).
    BrokerDown {
        /// Seconds.
        seconds: Option<f64>,
        /// Events.
        events: Option<u64>,
    },
    /// Connected, and nothing comes; all of it comes late.
    Silent {
        /// Seconds.
        seconds: Option<f64>,
        /// Events.
        events: Option<u64>,
    },
    /// Tickers are in another state for a while: an auction, a halt.
    TickerState {
        /// `auction`, `frozen`, `inhibited`, `closed`, `pre_closing` or `pre_opening`.
        state: ScriptedState,
        /// Seconds.
        seconds: Option<f64>,
        /// Events.
        events: Option<u64>,
    },
    /// The market state shows a saturated delivery, then (2,4) again.
    Saturation {
        /// 5 or 6.
        state: i32,
        /// Seconds.
        seconds: Option<f64>,
        /// Events.
        events: Option<u64>,
    },
    /// Health says frozen, then responsive.
    Frozen {
        /// Seconds.
        seconds: Option<f64>,
        /// Events.
        events: Option<u64>,
    },
    /// A known ticker becomes invalid.
    InvalidTicker {
        /// The ticker.
        ticker: String,
    },
    /// The last trade comes again, corrected to this size.
    TradeEdit {
        /// Contracts.
        size: i64,
    },
    /// A record with zero date and price 0.
    Sentinel,
    /// The next contract begins: books and day restart.
    Roll,
}

/// States that a scenario can put a ticker into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the vendor's names
pub enum ScriptedState {
    Auction,
    Frozen,
    Inhibited,
    Closed,
    PreClosing,
    PreOpening,
}

impl What {
    /// How long it lasts: seconds and events; `None` when it is over at once.
    #[must_use]
    pub const fn length(&self) -> Option<(Option<f64>, Option<u64>)> {
        match self {
            Self::Disconnect { seconds, events }
            | Self::BrokerDown { seconds, events }
            | Self::Silent { seconds, events }
            | Self::TickerState { seconds, events, .. }
            | Self::Saturation { seconds, events, .. }
            | Self::Frozen { seconds, events } => Some((*seconds, *events)),
            _ => None,
        }
    }
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// Text that says where the TOML is wrong, or which value is out of range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| format!("scenario: {error}"))?;
        scenario.profile.build()?;
        for trouble in &scenario.trouble {
            if let Some(at) = &trouble.at {
                time_of_day(at)?;
            }
            if let What::Saturation { state, .. } = trouble.what
                && !(5..=6).contains(&state)
            {
                return Err(format!("saturation: state is {state}; expected 5 or 6"));
            }
        }
        let pause = scenario.market.longest_pause_s;
        if !(0.0..=86_400.0).contains(&pause) {
            return Err(format!("[market] longest_pause_s is {pause}; expected 0 to 86400"));
        }
        let queue = &scenario.queue;
        if queue.capacity == 0 || queue.high_water > queue.capacity {
            return Err(format!(
                "[queue] capacity {} and high_water {}: expected 0 < high_water ≤ capacity",
                queue.capacity, queue.high_water
            ));
        }
        Ok(scenario)
    }

    /// The same scenario with its relative paths (`[market] path`, `[orders] state_file`) taken from a folder: the
    /// working directory of a client changes while it logs in.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        let whole = |path: &str| folder.join(path).to_string_lossy().into_owned();
        if !self.market.path.is_empty() {
            self.market.path = whole(&self.market.path);
        }
        if let Some(toml::Value::String(path)) = self.orders.get_mut("state_file") {
            *path = whole(path);
        }
        self
    }
}

/// Nanoseconds since midnight of `HH:MM:SS` or `HH:MM:SS.mmm`.
///
/// # Errors
/// Text with the value when it is no time of day.
pub fn time_of_day(text: &str) -> Result<i64, String> {
    let parse = || {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let mut parts = whole.split(':').map(|p| p.parse::<u32>().ok());
        let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
        let ms: u32 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        let valid = h < 24 && m < 60 && s < 60 && parts.next().is_none();
        valid.then(|| i64::from((h * 60 + m) * 60 + s) * 1_000_000_000 + i64::from(ms) * 1_000_000)
    };
    parse().ok_or_else(|| format!("time of day is {text:?}; expected HH:MM:SS or HH:MM:SS.mmm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scenario_is_read() {
        let text = r#"
            [market]
            source = "generator"
            seed = 3
            speed = 10
            tickers = ["WDOU25", "WINQ25"]
            [profile]
            version = "4.0.0.36"
            [login]
            result = "wrong_password"
            [orders]
            state_file = "x"
            [[trouble]]
            at = "09:05:00.250"
            kind = "disconnect"
            seconds = 5.0
            [[trouble]]
            event = 100
            kind = "ticker_state"
            state = "auction"
            events = 50
        "#;
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!(scenario.market.speed, Speed::Times(10.0));
        assert_eq!(scenario.profile.build(), Ok(36));
        assert_eq!(scenario.login.result, LoginResult::WrongPassword);
        assert_eq!(scenario.trouble[0].what, What::Disconnect { seconds: Some(5.0), events: None });
        assert_eq!(scenario.trouble[1].event, Some(100));
        assert_eq!(time_of_day("09:05:00.250"), Ok(((9 * 60 + 5) * 60 * 1_000 + 250) * 1_000_000));
    }

    #[test]
    fn relative_paths_are_those_of_a_folder() {
        let text = "[market]\npath = \"a.qtj\"\n[orders]\nstate_file = \"state/s\"\n";
        let scenario = Scenario::parse(text).unwrap().relative_to(Path::new("/there"));
        assert_eq!(scenario.market.path, "/there/a.qtj");
        assert_eq!(scenario.orders["state_file"].as_str(), Some("/there/state/s"));
        let absolute = "[market]\npath = \"/b.qtj\"\n";
        assert_eq!(Scenario::parse(absolute).unwrap().relative_to(Path::new("/there")).market.path, "/b.qtj");
        assert_eq!(Scenario::default().relative_to(Path::new("/there")).market.path, "");
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for text in [
            "[market]\nsped = 1",
            "[market]\nspeed = 0",
            "[profile]\nversion = \"new\"",
            "[[trouble]]\nkind = \"disconect\"",
            "[[trouble]]\nkind = \"roll\"\nat = \"9h\"",
            "[[trouble]]\nkind = \"silent\"\nsecond = 4",
            "[[trouble]]\nkind = \"silent\"\nevent = -4",
            "[[trouble]]\nkind = \"saturation\"\nstate = 4",
            "[queue]\ncapacity = 0",
        ] {
            assert!(Scenario::parse(text).is_err(), "{text}");
        }
    }
}
