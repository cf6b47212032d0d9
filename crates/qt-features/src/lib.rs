//! Features: the catalogue, the state machines behind it, and the engine that samples them.
//!
//! A feature is one file in [`families`] and one line in its family's list; the catalogue, the reference page,
//! the bindings and the tests find it there.

pub mod aliases;
pub mod catalogue;
pub mod clock;
pub mod costs;
pub mod engine;
pub mod error;
pub mod families;
pub mod feature;
pub mod fitted;
pub mod generate;
pub mod held;
pub mod indicators;
pub mod portuguese;
pub mod prelude;
pub mod reference_page;
pub mod rolling;
pub mod spec;

pub use clock::Clock;
pub use engine::{Config, FeatureEngine, Samples};
pub use error::Error;
pub use fitted::{Fitted, MicropriceTable, VpinBucket};
pub use qt_flow::detect::{Detection, DetectorKind, DetectorSettings, EVIDENCE};
