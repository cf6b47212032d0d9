//! Errors of the vocabulary: what was being done, and with which value.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done, for example `opening ring`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A ring's capacity is no power of two, or too small or large.
    #[error("ring capacity is {0}, expected a power of two from 2 to 2^32")]
    RingCapacity(u64),
    /// The file is no ring of this version and record size.
    #[error("{path} is not a ring that can be used here: {what} is {found}, expected {expected}. \
             Delete the file, or create the ring elsewhere", path = path.display())]
    RingMismatch {
        /// The file.
        path: PathBuf,
        /// Which field of the header differs.
        what: &'static str,
        /// Its value in the file.
        found: u64,
        /// The value that is needed.
        expected: u64,
    },
    /// A journal, or a frame of it, is damaged.
    #[error("journal {path} is damaged at byte {at}: {what}. \
             Restore the file from a copy; what comes before that byte is whole", path = path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Where the header or the frame begins.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// Another producer holds the ring.
    #[error("ring {path} has a producer already; stop it, or open the ring as a reader", path = path.display())]
    RingBusy {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Whether waiting and trying again can help.
    #[must_use]
    pub fn is_recoverable(&self) -> bool {
        match self {
            Self::RingBusy { .. } => true,
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
            }
            _ => false,
        }
    }
}
