//! Sampling clocks: when a row is taken.

use std::str::FromStr;

use crate::error::Error;

/// When a row is taken while a session is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// After every packet.
    Event,
    /// At the points `start + k·step`, k ≥ 1, of the session that began at `start`; step in ns.
    Time(i64),
    /// At the end of the packet with every n-th print of the session.
    Trades(i64),
    /// At the end of every closed bar.
    Bar,
}

impl FromStr for Clock {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            Error::Config(format!(
                "clock \"{text}\" is not known; use \"event\", \"bar\", a time such as \"100ms\" or \"1s\", \
                 or a count such as \"50trades\""
            ))
        })
    }
}

fn parse(text: &str) -> Option<Clock> {
    match text {
        "event" => return Some(Clock::Event),
        "bar" => return Some(Clock::Bar),
        _ => {}
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let count: i64 = count.parse().ok().filter(|n| *n > 0)?;
    let ns: i64 = match unit {
        "trades" => return Some(Clock::Trades(count)),
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    count.checked_mul(ns).map(Clock::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let clock = |t: &str| t.parse::<Clock>().ok();
        assert_eq!(clock("event"), Some(Clock::Event));
        assert_eq!(clock("bar"), Some(Clock::Bar));
        assert_eq!(clock("100ms"), Some(Clock::Time(100_000_000)));
        assert_eq!(clock("5m"), Some(Clock::Time(300_000_000_000)));
        assert_eq!(clock("50trades"), Some(Clock::Trades(50)));
        for bad in ["", "0s", "0trades", "s", "1 s", "-1s", "1.5s", "99999999999h", "1day"] {
            assert_eq!(clock(bad), None, "{bad}");
        }
    }
}
