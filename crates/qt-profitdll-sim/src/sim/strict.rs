//! What clients do wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Kinds of sin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sin {
    /// A request from inside a callback.
    RequestInCallback,
    /// `TranslateTrade` after its callback, or with a handle that never was one.
    TranslateOutsideCallback,
    /// Text of a callback handed back after the callback returned.
    PointerKept,
    /// A pointer freed that was never a blob.
    WrongFree,
    /// A blob freed twice.
    DoubleFree,
    /// A blob freed with another size.
    WrongFreeSize,
    /// A callback that took too long.
    SlowCallback,
    /// Both versions of a callback registered: everything comes twice.
    BothVersions,
    /// A setter before the login that was dropped.
    EarlySetter,
    /// Initialised again in the same process.
    Reinitialised,
    /// Blobs not freed when the session ended.
    Leak,
}

/// How often, and what the first time was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How often.
    pub count: u64,
    /// The first one.
    pub first: String,
}

/// Sins counted by kind.
pub struct Sins(Mutex<BTreeMap<Sin, Count>>);

impl Sins {
    /// None yet.
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Counts a sin.
    pub fn add(&self, sin: Sin, detail: impl FnOnce() -> String) {
        let mut sins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sins.entry(sin).or_insert_with(|| Count { count: 0, first: detail() }).count += 1;
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<Sin, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Absolution.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
