//! One record as atomic words, and the atomics that the model checker swaps for its own.

#[cfg(loom)]
pub(super) use loom::sync::{
    Arc as Shared,
    atomic::{AtomicU64, Ordering, fence},
};
#[cfg(not(loom))]
pub(super) use std::sync::{
    Arc as Shared,
    atomic::{AtomicU64, Ordering, fence},
};

use super::WORDS;

/// One record as atomic words.
#[repr(C, align(64))]
pub(super) struct Slot(pub(super) [AtomicU64; WORDS]);

impl Slot {
    /// Zeros.
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}
