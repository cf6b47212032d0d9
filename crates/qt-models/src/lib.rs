//! Trained tree ensembles, read from the text that LightGBM and XGBoost write and evaluated here, bit for bit as
//! those libraries do.
//!
//! [`Forest::from_text`] reads a model and refuses what it does not know, with the line and what it is. One row costs
//! no allocation once a [`Scratch`] has been used. See [`Forest`] for how it is fast.

mod error;
mod forest;
mod json;
mod lightgbm;
mod objective;
mod pack;
mod tree;
mod walk;
mod xgboost;

pub use error::{Error, Place};
pub use forest::{Forest, Scratch};
