//! What can go wrong before a number is computed.

use thiserror::Error;

/// Error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A feature name that the catalogue does not have.
    #[error("no feature \"{name}\" in the catalogue{}", did_you_mean(.close))]
    UnknownFeature {
        /// The name asked for.
        name: String,
        /// Up to three catalogue names close to it.
        close: Vec<&'static str>,
    },
    /// Receive time or sequence runs backwards.
    #[error("{field} runs backwards at event {index}: {value} after {before}")]
    Unsorted {
        /// `ts_recv` or `sequence`.
        field: &'static str,
        /// Index in the array given.
        index: usize,
        /// Value of the event.
        value: i64,
        /// Value of the event before it.
        before: i64,
    },
    /// The time of an event lies so far ahead that filling the gap would make millions of rows or bars.
    #[error("event {index}: time jumps {seconds} s ahead, which makes {count} {what}")]
    Jump {
        /// Index in the array given.
        index: usize,
        /// Seconds from engine time to the event.
        seconds: i64,
        /// Rows or bars that the jump would make.
        count: i64,
        /// Which of them, and on which clock.
        what: String,
    },
    /// A setting is out of range.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// What to do about it, where the message does not say so.
    pub const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Unsorted { .. } => Some("Sort the events by ts_recv and sequence"),
            Self::Jump { .. } => Some("Check ts_event, or end the session with a CLOSED marker"),
            _ => None,
        }
    }
}

fn did_you_mean(close: &[&str]) -> String {
    match close {
        [] => String::new(),
        [only] => format!("; did you mean {only}?"),
        [head @ .., last] => format!("; did you mean {} or {last}?", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let e = Error::UnknownFeature { name: "x".into(), close: vec!["a", "b", "c"] };
        assert_eq!(e.to_string(), "no feature \"x\" in the catalogue; did you mean a, b or c?");
        let e = Error::Unsorted { field: "ts_recv", index: 3, value: 5, before: 9 };
        assert_eq!(e.to_string(), "ts_recv runs backwards at event 3: 5 after 9");
    }
}
