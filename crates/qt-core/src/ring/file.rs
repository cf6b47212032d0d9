//! A ring in a file that several processes map.
//!
//! Layout, little endian: magic (8 bytes), version (u64), record size (u64), capacity (u64), zeros to byte 256;
//! `head` at 256, `claim` at 384, zeros to byte 4096; then the slots. The magic is written last, so a reader never
//! takes a file that is still being made for a ring.
#![allow(unsafe_code, clippy::cast_ptr_alignment)] // a map begins at a page

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapRaw;

use super::slot::Slot;
use super::{Control, WORDS, check};
use crate::Error;

/// `QTRING` and two zero bytes.
const MAGIC: u64 = u64::from_le_bytes(*b"QTRING\0\0");
const VERSION: u64 = 1;
const RECORD: u64 = WORDS as u64 * 8;
const CONTROL_AT: usize = 256;
const SLOTS_AT: usize = 4096;

/// A mapped ring file.
pub(super) struct Mapped {
    map: MmapRaw,
    capacity: usize,
    /// The lock of the producer lasts as long as its file is open.
    _file: File,
}

impl Mapped {
    /// Makes the file, or takes over one that fits, as its only producer.
    pub(super) fn create(path: &Path, capacity: u64) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        private(&mut options);
        let (file, made) = match options.clone().create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                (options.open(path).map_err(Error::io("opening ring", path))?, false)
            }
            Err(e) => return Err(Error::io("creating ring", path)(e)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::RingBusy { path: path.to_owned() }),
            Err(TryLockError::Error(e)) => return Err(Error::io("locking ring", path)(e)),
        }
        if !made {
            let ring = Self::map(file, path)?;
            expect(path, "its capacity", ring.capacity as u64, capacity)?;
            return Ok(ring);
        }
        let bytes = SLOTS_AT as u64 + capacity * RECORD;
        file.set_len(bytes).map_err(Error::io("sizing ring", path))?;
        let map = MmapRaw::map_raw(&file).map_err(Error::io("mapping ring", path))?;
        let ring = Self { map, capacity: capacity as usize, _file: file };
        for (at, value) in [(1, VERSION), (2, RECORD), (3, capacity)] {
            ring.header(at).store(value, Ordering::Relaxed);
        }
        ring.header(0).store(MAGIC, Ordering::Release);
        Ok(ring)
    }

    /// Opens a ring to read it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // Mapped for writing as well: atomic loads are only specified on writable memory.
        let file =
            OpenOptions::new().read(true).write(true).open(path).map_err(Error::io("opening ring", path))?;
        Self::map(file, path)
    }

    fn map(file: File, path: &Path) -> Result<Self, Error> {
        let bytes = file.metadata().map_err(Error::io("reading the size of ring", path))?.len();
        if bytes < SLOTS_AT as u64 {
            expect(path, "its size in bytes", bytes, SLOTS_AT as u64)?;
        }
        let map = MmapRaw::map_raw(&file).map_err(Error::io("mapping ring", path))?;
        let mut ring = Self { map, capacity: 0, _file: file };
        expect(path, "its magic number", ring.header(0).load(Ordering::Acquire), MAGIC)?;
        expect(path, "its version", ring.header(1).load(Ordering::Relaxed), VERSION)?;
        expect(path, "its record size", ring.header(2).load(Ordering::Relaxed), RECORD)?;
        let capacity = ring.header(3).load(Ordering::Relaxed);
        check(capacity)?;
        expect(path, "its size in bytes", bytes, SLOTS_AT as u64 + capacity * RECORD)?;
        ring.capacity = capacity as usize;
        Ok(ring)
    }

    #[inline(always)]
    pub(super) fn control(&self) -> &Control {
        // SAFETY: the map is page aligned and at least SLOTS_AT long; Control is made of atomics and plain
        // integers that nobody writes, and lives as long as the map.
        unsafe { &*self.map.as_ptr().add(CONTROL_AT).cast::<Control>() }
    }

    #[inline(always)]
    pub(super) fn slots(&self) -> &[Slot] {
        // SAFETY: the length of the file was checked against the capacity, SLOTS_AT is a multiple of the
        // alignment, and slots are made of atomics only. Whoever truncates the file while it is mapped ends the
        // processes that use it with a bus error; the file is private to its owner.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(SLOTS_AT).cast::<Slot>(), self.capacity) }
    }

    /// Word `at` of the header.
    fn header(&self, at: usize) -> &AtomicU64 {
        debug_assert!(at < 4);
        // SAFETY: as for `control`; `at` stays inside the first 32 bytes.
        unsafe { &*self.map.as_ptr().cast::<AtomicU64>().add(at) }
    }
}

fn expect(path: &Path, what: &'static str, found: u64, expected: u64) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::RingMismatch { path: path.to_owned(), what, found, expected })
}

/// The ring carries orders and positions: nobody else reads it.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::super::{Producer, Reader};
    use super::*;
    use crate::Event;

    fn scratch(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("qt-ring-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn a_restarted_producer_goes_on_where_the_last_one_stopped() {
        let path = scratch("restart");
        let mut ring = Producer::<Event>::in_file(&path, 8).expect("create");
        ring.push(Event { sequence: 1, ..Event::default() });
        let mut reader = Reader::<Event>::open(&path).expect("open");
        assert!(matches!(Producer::<Event>::in_file(&path, 8), Err(Error::RingBusy { .. })));
        drop(ring);
        assert!(matches!(
            Producer::<Event>::in_file(&path, 16),
            Err(Error::RingMismatch { what: "its capacity", found: 8, expected: 16, .. })
        ));
        let mut ring = Producer::<Event>::in_file(&path, 8).expect("take over");
        ring.push(Event { sequence: 2, ..Event::default() });
        let mut out = Vec::new();
        assert_eq!(reader.read(9, &mut out), 0);
        assert_eq!(out.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1, 2]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::remove_file(&path).expect("remove");
    }

    #[test]
    fn files_that_are_no_ring_are_refused() {
        let path = scratch("refused");
        let open = || match Reader::<Event>::open(&path) {
            Err(e) => e.to_string(),
            Ok(_) => "opened".to_owned(),
        };
        assert!(open().contains("opening ring"), "{}", open());
        std::fs::write(&path, b"short").expect("write");
        assert!(open().contains("its size in bytes is 5, expected 4096"), "{}", open());
        std::fs::write(&path, vec![0; 8192]).expect("write");
        assert!(open().contains("its magic number is 0"), "{}", open());
        let mut header = vec![0; 4096 + 4 * 64];
        for (at, value) in [MAGIC, 2, 64, 4].into_iter().enumerate() {
            header[at * 8..at * 8 + 8].copy_from_slice(&value.to_le_bytes());
        }
        std::fs::write(&path, &header).expect("write");
        assert!(open().contains("its version is 2, expected 1"), "{}", open());
        header[8] = 1;
        std::fs::write(&path, &header[..header.len() - 1]).expect("write");
        assert!(open().contains("its size in bytes is 4351, expected 4352"), "{}", open());
        std::fs::write(&path, &header).expect("write");
        assert_eq!(open(), "opened");
        std::fs::remove_file(&path).expect("remove");
    }
}
