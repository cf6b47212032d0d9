//! What an engine computes and when.

use qt_flow::RlpSign;
use qt_flow::detect::{DetectorKind, DetectorSettings};

use crate::clock::Clock;
use crate::error::Error;
use crate::fitted::Fitted;

/// What an engine computes and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Feature names, in column order.
    pub names: Vec<String>,
    /// Price of one tick, in points.
    pub tick_size: f64,
    /// Money per point and contract.
    pub point_value: f64,
    /// When rows are taken.
    pub clock: Clock,
    /// The clock as it was given, for messages.
    pub clock_text: String,
    /// Emit time-window features from the first event instead of after one full window.
    pub partial: bool,
    /// How RLP trades are signed.
    pub rlp: RlpSign,
    /// Scheduled length of the continuous session in seconds; `None` where it is not known.
    pub session_seconds: Option<f64>,
    /// What was fitted off the hot path.
    pub fitted: Fitted,
    /// Kinds of detections to collect.
    pub detect: Vec<DetectorKind>,
    /// Thresholds of the detectors, of those behind features too.
    pub detectors: DetectorSettings,
}

impl Config {
    /// Settings as texts, as they come from users; the length of the session is not known.
    ///
    /// # Errors
    /// [`Error::Config`] for a value that is not known or out of range.
    pub fn parse(
        names: Vec<String>,
        tick_size: f64,
        point_value: f64,
        clock: &str,
        warmup: &str,
        rlp_sign: &str,
    ) -> Result<Self, Error> {
        let partial = match warmup {
            "full" => false,
            "partial" => true,
            _ => {
                let text = format!("warmup \"{warmup}\" is not known; use \"full\" or \"partial\"");
                return Err(Error::Config(text));
            }
        };
        let rlp = match rlp_sign {
            "drop" => RlpSign::Drop,
            "quote" => RlpSign::Quote,
            _ => {
                let text = format!("rlp_sign \"{rlp_sign}\" is not known; use \"drop\" or \"quote\"");
                return Err(Error::Config(text));
            }
        };
        let clock_text = clock.to_string();
        let (clock, detect, detectors) = (clock.parse()?, Vec::new(), DetectorSettings::default());
        let session_seconds = None;
        Ok(Self {
            names,
            tick_size,
            point_value,
            clock,
            clock_text,
            partial,
            rlp,
            session_seconds,
            fitted: Fitted::default(),
            detect,
            detectors,
        })
    }

    /// The same with the scheduled length of the continuous session in seconds, which
    /// [`FeatureEngine::new`] checks.
    #[must_use]
    pub fn with_session_seconds(self, session_seconds: Option<f64>) -> Self {
        Self { session_seconds, ..self }
    }

    /// The same with what was fitted off the hot path, which [`FeatureEngine::new`] checks.
    #[must_use]
    pub fn with_fitted(self, fitted: Fitted) -> Self {
        Self { fitted, ..self }
    }

    /// The same, with detections of these kinds collected and these thresholds changed.
    ///
    /// # Errors
    /// [`Error::Config`] for a kind or threshold that is not known, a kind given twice, or a value out of range.
    pub fn detecting(mut self, kinds: &[String], settings: &[(String, f64)]) -> Result<Self, Error> {
        for name in kinds {
            let Some(kind) = DetectorKind::of(name) else {
                let known: Vec<_> = DetectorKind::ALL.iter().map(|k| k.name()).collect();
                let text = format!("detector \"{name}\" is not known; use {}", known.join(", "));
                return Err(Error::Config(text));
            };
            if self.detect.contains(&kind) {
                return Err(Error::Config(format!("detector \"{name}\" is given twice")));
            }
            self.detect.push(kind);
        }
        for (name, value) in settings {
            self.detectors.set(name, *value).map_err(Error::Config)?;
        }
        Ok(self)
    }
}
