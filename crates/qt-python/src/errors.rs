//! Errors across the border: one way from what a crate reports to an exception of `quantumtrader.exceptions`.

use std::fmt::Display;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What to do about a stream that runs backwards.
pub const SORT: &str = "Sort the events by ts_recv and sequence";

/// The exception of this class with this message; those that derive from `DataError` also take a remedy.
pub fn exception(py: Python<'_>, class: &str, message: &impl Display, remedy: Option<&str>) -> PyErr {
    let made = py.import("quantumtrader.exceptions").and_then(|m| m.getattr(class)).and_then(|class| {
        let kwargs = PyDict::new(py);
        if let Some(remedy) = remedy {
            kwargs.set_item("remedy", remedy)?;
        }
        class.call((message.to_string(),), Some(&kwargs))
    });
    made.map_or_else(|e| e, PyErr::from_value)
}

impl Raised for qt_features::Error {
    fn raised(&self, py: Python<'_>) -> PyErr {
        let class = match self {
            Self::UnknownFeature { .. } => "UnknownFeatureError",
            Self::Unsorted { .. } => "UnsortedEventsError",
            Self::Jump { .. } => "DataError",
            _ => "ConfigError",
        };
        exception(py, class, self, self.remedy())
    }
}

impl Raised for qt_core::Error {
    fn raised(&self, py: Python<'_>) -> PyErr {
        let class = match self {
            Self::Io { source, .. } => return std::io::Error::new(source.kind(), self.to_string()).into(),
            Self::RingCapacity(_) => "ConfigError",
            Self::RingMismatch { .. } | Self::Journal { .. } => "DataFormatError",
            _ => "EngineError",
        };
        exception(py, class, self, None)
    }
}

impl Raised for qt_venue::Unsorted {
    fn raised(&self, py: Python<'_>) -> PyErr {
        exception(py, "UnsortedEventsError", self, Some(SORT))
    }
}

/// An error of a crate that has an exception.
pub trait Raised {
    /// The exception.
    fn raised(&self, py: Python<'_>) -> PyErr;
}
