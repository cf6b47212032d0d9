//! Memory that the client must give back: every blob is known until it is freed, and for a while after.

#![allow(unsafe_code)] // hands out raw memory; each block says why it is sound

use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

/// Freed blobs that are kept, poisoned, so that a second free and a late read are seen.
const QUARANTINE: usize = 64;

/// How a client freed a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freed {
    /// As it should.
    Well,
    /// With a size that is not the one in the header.
    WrongSize,
    /// A second time.
    Twice,
    /// It was never ours.
    Unknown,
}

#[derive(Default)]
struct State {
    live: HashMap<usize, Box<[u8]>>,
    freed: VecDeque<Box<[u8]>>,
    handed: u64,
}

/// The registry.
pub struct Blobs(Mutex<Option<State>>);

impl Blobs {
    /// An empty registry.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
    }

    /// Gives bytes to the client.
    pub fn hand(&self, bytes: Vec<u8>) -> *mut c_void {
        self.with(|state| {
            state.handed += 1;
            let mut blob = bytes.into_boxed_slice();
            let pointer = blob.as_mut_ptr();
            state.live.insert(pointer as usize, blob);
            pointer.cast()
        })
    }

    /// Takes a blob back. The official examples pass the size in the header or what they parsed before the trailer.
    pub fn free(&self, pointer: *mut c_void, size: i32) -> Freed {
        self.with(|state| {
            let Some(mut blob) = state.live.remove(&(pointer as usize)) else {
                let twice = state.freed.iter().any(|b| std::ptr::eq(b.as_ptr(), pointer.cast()));
                return if twice { Freed::Twice } else { Freed::Unknown };
            };
            let (size, total) = (i64::from(size), blob.len() as i64);
            blob.fill(0xDD);
            state.freed.push_back(blob);
            if state.freed.len() > QUARANTINE {
                state.freed.pop_front();
            }
            if size == total || size == total - 4 { Freed::Well } else { Freed::WrongSize }
        })
    }

    /// Blobs that were handed out, blobs and bytes that were not freed.
    pub fn report(&self) -> (u64, usize, usize) {
        self.with(|s| (s.handed, s.live.len(), s.live.values().map(|b| b.len()).sum()))
    }

    /// Forgets everything; what was not freed is leaked to the client, who may still read it.
    pub fn reset(&self) {
        self.with(|state| {
            for blob in std::mem::take(state).live.into_values() {
                std::mem::forget(blob);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frees_are_judged() {
        let blobs = Blobs::new();
        let (a, b, c) = (blobs.hand(vec![1; 20]), blobs.hand(vec![2; 30]), blobs.hand(vec![3; 40]));
        assert_eq!(blobs.free(a, 20), Freed::Well);
        assert_eq!(blobs.free(a, 20), Freed::Twice);
        assert_eq!(blobs.free(b, 26), Freed::Well);
        assert_eq!(blobs.free(std::ptr::null_mut(), 0), Freed::Unknown);
        assert_eq!(blobs.report(), (3, 1, 40));
        assert_eq!(blobs.free(c, 7), Freed::WrongSize);
        assert_eq!(blobs.report(), (3, 0, 0));
    }
}
