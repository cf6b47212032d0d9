//! Errors: where in the model, and what is wrong there.

use std::fmt;

/// Where in a model's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// 1-based line of a LightGBM model.
    Line(usize),
    /// 0-based byte of an XGBoost model, which is one line.
    Byte(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// What can go wrong in this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no model, or one that cannot be evaluated exactly as its library would.
    #[error("model refused at {at}: {what}")]
    Refused {
        /// Where.
        at: Place,
        /// What is there, and what was expected.
        what: String,
    },
    /// The text is longer than any model that is meant.
    #[error("model refused: its text has {0} bytes, at most {max} are read", max = crate::forest::MAX_TEXT)]
    TooLong(usize),
    /// A row, or a batch of rows, does not have the model's features.
    #[error("{found} values given, the model has {features} features per row")]
    Width {
        /// Features of the model.
        features: usize,
        /// Values of the row, or of the whole batch.
        found: usize,
    },
    /// The place for the results does not fit the rows.
    #[error("room for {found} results, {expected} are due")]
    Results {
        /// Results of the rows given.
        expected: usize,
        /// Room.
        found: usize,
    },
}

impl Error {
    pub(crate) fn line(line: usize, what: impl Into<String>) -> Self {
        Self::Refused { at: Place::Line(line), what: what.into() }
    }

    pub(crate) fn byte(byte: usize, what: impl Into<String>) -> Self {
        Self::Refused { at: Place::Byte(byte), what: what.into() }
    }
}

/// Text of the model as a message may show it: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let start: String = text.chars().take(LONGEST).collect();
    let end = if start.len() < text.len() { "..." } else { "" };
    format!("`{}{end}`", start.escape_debug())
}
