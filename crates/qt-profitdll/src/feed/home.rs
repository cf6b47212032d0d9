//! Where the callbacks find the feed. The vendor passes no user data, so there is one place per string unit.
//!
//! A flag says whether somebody is inside. The library calls back on one thread, so nobody ever waits for it there;
//! it is for the rare call from outside (a new instrument, the end of the feed) and for a library that breaks its own
//! rule. Whoever is inside may rely on the feed staying where it is.
#![allow(unsafe_code)] // the feed behind the flag; each block says why it is sound

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use qt_core::clock::{Deadline, receive_time};

use super::state::{Core, State};
use crate::wide::Wide;

/// How long a call waits for another one to leave before it gives up.
const PATIENCE_NS: i64 = 1_000_000_000;

/// A string unit with a place for its feed.
pub trait Unit: Wide {
    /// The place.
    #[doc(hidden)]
    fn home() -> &'static Home<Self>;
}

/// Feeds made in this process.
static FEEDS: AtomicU64 = AtomicU64::new(0);

static TWO_BYTES: Home<u16> = Home::empty();
static FOUR_BYTES: Home<u32> = Home::empty();

impl Unit for u16 {
    fn home() -> &'static Home<Self> {
        &TWO_BYTES
    }
}

impl Unit for u32 {
    fn home() -> &'static Home<Self> {
        &FOUR_BYTES
    }
}

/// The place of one feed.
pub struct Home<W: Wide> {
    occupied: AtomicBool,
    /// Calls that gave up: the next one that gets in marks a gap.
    missed: AtomicU64,
    state: UnsafeCell<Option<Box<State<W>>>>,
}

// SAFETY: `state` is touched by the holder of `occupied` only.
unsafe impl<W: Wide> Sync for Home<W> {}

impl<W: Wide> Home<W> {
    const fn empty() -> Self {
        Self { occupied: AtomicBool::new(false), missed: AtomicU64::new(0), state: UnsafeCell::new(None) }
    }

    #[inline(always)]
    fn lock(&self) -> Option<Inside<'_, W>> {
        (!self.occupied.swap(true, Ordering::Acquire) || self.wait()).then(|| Inside(self))
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) -> bool {
        let patience = Deadline::after(PATIENCE_NS);
        while self.occupied.swap(true, Ordering::Acquire) {
            if patience.passed() {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    /// Moves a feed in and returns its number; `None` when there is one already.
    pub(super) fn move_in(&self, core: Core) -> Option<u64> {
        let mut inside = self.lock()?;
        if inside.state().is_some() {
            return None;
        }
        let id = FEEDS.fetch_add(1, Ordering::Relaxed);
        self.missed.store(0, Ordering::Relaxed);
        *inside.state() = Some(Box::new(State::new(id, core)));
        Some(id)
    }

    /// Moves the feed with this number out; callbacks find nothing from then on.
    pub(super) fn move_out(&self, id: u64) {
        let state = self.lock().and_then(|mut inside| inside.state().take_if(|s| s.id == id));
        drop(state);
    }

    /// Runs `act` on the feed with this number, from outside of callbacks; `None` when it is gone or stays occupied.
    pub(super) fn with<T>(&self, id: u64, act: impl FnOnce(&mut State<W>) -> T) -> Option<T> {
        self.lock()?.state().as_deref_mut().filter(|s| s.id == id).map(act)
    }
}

/// The right to touch the feed.
struct Inside<'a, W: Wide>(&'a Home<W>);

impl<W: Wide> Inside<'_, W> {
    #[inline(always)]
    fn state(&mut self) -> &mut Option<Box<State<W>>> {
        // SAFETY: `occupied` is ours until this value is dropped.
        unsafe { &mut *self.0.state.get() }
    }
}

impl<W: Wide> Drop for Inside<'_, W> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.occupied.store(false, Ordering::Release);
    }
}

/// Runs the body of a callback: stamps it, lets it in, and keeps panics from crossing the border.
#[inline(always)]
pub(super) fn enter<W: Unit>(act: impl FnOnce(&mut State<W>)) {
    let now = receive_time();
    let home = W::home();
    let Some(mut inside) = home.lock() else {
        home.missed.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let Some(state) = inside.state().as_deref_mut() else { return };
    state.core.arrive(now);
    if home.missed.load(Ordering::Relaxed) != 0 {
        state.missed(home.missed.swap(0, Ordering::Relaxed));
    }
    let body = AssertUnwindSafe(|| {
        #[cfg(test)]
        assert!(!std::mem::take(&mut state.sabotage), "a test asked for this");
        act(state);
    });
    if catch_unwind(body).is_err() {
        state.failed();
    }
}
