//! Where the counters and slots of a ring live.

use super::Control;
use super::slot::{AtomicU64, Slot};

/// Counters and slots.
pub(super) enum Memory {
    /// In this process.
    Heap(Box<Control>, Box<[Slot]>),
    /// In a mapped file.
    #[cfg(not(loom))]
    File(super::file::Mapped),
}

impl Memory {
    pub(super) fn heap(capacity: u64) -> Self {
        let control = Control {
            head: AtomicU64::new(0),
            #[cfg(not(loom))]
            apart: [0; 15],
            claim: AtomicU64::new(0),
        };
        Self::Heap(Box::new(control), (0..capacity).map(|_| Slot::new()).collect())
    }

    #[inline(always)]
    pub(super) fn control(&self) -> &Control {
        match self {
            Self::Heap(control, _) => control,
            #[cfg(not(loom))]
            Self::File(file) => file.control(),
        }
    }

    /// A power of two of slots.
    #[inline(always)]
    pub(super) fn slots(&self) -> &[Slot] {
        match self {
            Self::Heap(_, slots) => slots,
            #[cfg(not(loom))]
            Self::File(file) => file.slots(),
        }
    }
}
