//! Text for callbacks: it lives in one buffer that is never freed, and is poisoned when the callback returns.
//!
//! A client that keeps a pointer reads skulls instead of memory that is gone; one that hands such a pointer back to
//! the library is caught ([`Arena::is_stale`]).

#![allow(unsafe_code)] // text behind raw pointers; each block says why it is sound

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use qt_profitdll::Wide;

use super::W;

/// Units of the buffer.
const UNITS: usize = 1 << 17;
/// Units that one callback may use.
const FRAME: usize = 1 << 14;
/// What poisoned text reads as: ☠.
pub const POISON: u16 = 0x2620;

/// The buffer. Only the thread that delivers callbacks writes to it.
pub struct Arena {
    units: UnsafeCell<[W; UNITS]>,
    /// First unit of the running callback's text and the next free one.
    start: AtomicUsize,
    next: AtomicUsize,
}

// SAFETY: the units are written by one thread; the others compare addresses.
unsafe impl Sync for Arena {}

impl Arena {
    /// An empty arena.
    #[allow(clippy::large_stack_arrays)] // lives in a static
    pub const fn new() -> Self {
        Self { units: UnsafeCell::new([0; UNITS]), start: AtomicUsize::new(0), next: AtomicUsize::new(0) }
    }

    /// Begins the text of one callback. At most one frame at a time, on the delivering thread.
    pub fn frame(&self) -> Frame<'_> {
        let next = self.next.load(Ordering::Relaxed);
        let start = if next + FRAME > UNITS { 0 } else { next };
        self.start.store(start, Ordering::Relaxed);
        self.next.store(start, Ordering::Relaxed);
        Frame(self)
    }

    /// Whether this points to text of a callback that has returned.
    pub fn is_stale(&self, text: *const W) -> bool {
        let base = self.units.get() as usize;
        let Some(at) = (text as usize).checked_sub(base).map(|bytes| bytes / size_of::<W>()) else {
            return false;
        };
        let live = self.start.load(Ordering::Relaxed)..self.next.load(Ordering::Relaxed);
        at < UNITS && !live.contains(&at)
    }
}

/// Text of one callback; dropping it poisons the text.
pub struct Frame<'a>(&'a Arena);

impl Frame<'_> {
    /// A copy of wide text, its NUL included.
    pub fn wide(&self, text: &[W]) -> *const W {
        let at = self.0.next.load(Ordering::Relaxed);
        let room = (FRAME - (at - self.0.start.load(Ordering::Relaxed))).saturating_sub(1);
        let text = &text[..text.len().min(room)];
        self.0.next.store(at + text.len() + 1, Ordering::Relaxed);
        let units = self.0.units.get().cast::<W>();
        // SAFETY: a frame starts at most FRAME before the end of the buffer and uses at most FRAME units, and this
        // thread alone writes.
        unsafe {
            let target = units.add(at);
            target.copy_from_nonoverlapping(text.as_ptr(), text.len());
            target.add(text.len()).write(0);
            target
        }
    }

    /// Text, wide.
    pub fn text(&self, text: &str) -> *const W {
        let mut wide = W::encode(text);
        wide.pop();
        self.wide(&wide)
    }

    /// Text in ASCII, wide: dates.
    pub fn ascii(&self, text: &[u8]) -> *const W {
        let mut wide = [0; 32];
        let n = text.len().min(wide.len());
        for (unit, byte) in wide.iter_mut().zip(text) {
            *unit = W::from(*byte);
        }
        self.wide(&wide[..n])
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        let (start, next) = (self.0.start.load(Ordering::Relaxed), self.0.next.load(Ordering::Relaxed));
        let units = self.0.units.get().cast::<W>();
        for at in start..next {
            // SAFETY: inside the buffer; this thread alone writes. The NULs stay: a late reader must stop.
            unsafe {
                let unit = units.add(at);
                if unit.read() != 0 {
                    unit.write(W::from(POISON));
                }
            }
        }
        self.0.start.store(next, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_lives_as_long_as_its_frame() {
        let arena: Box<Arena> = Box::new(Arena::new());
        let frame = arena.frame();
        let text = frame.text("WDOU25");
        let date = frame.ascii(b"04/08/2025");
        // SAFETY: the frame is alive.
        let read = |p| unsafe { qt_profitdll::wide::text::<W>(p) };
        assert_eq!((read(text).as_str(), read(date).as_str()), ("WDOU25", "04/08/2025"));
        assert!(!arena.is_stale(text));
        drop(frame);
        assert!(arena.is_stale(text));
        assert_eq!(read(text), "☠☠☠☠☠☠");
        assert!(!arena.is_stale(std::ptr::null()));
        for _ in 0..100_000 {
            let frame = arena.frame();
            assert_eq!(read(frame.text("abc")), "abc");
        }
    }

    #[test]
    fn too_much_text_is_cut() {
        let arena: Box<Arena> = Box::new(Arena::new());
        let frame = arena.frame();
        let long = "x".repeat(FRAME);
        // SAFETY: the frame is alive.
        let n = |p| unsafe { qt_profitdll::wide::units::<W>(p, FRAME) }.len();
        assert_eq!(n(frame.text(&long)), FRAME - 1);
    }
}
