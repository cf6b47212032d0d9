//! Reads the recorder's journals; `quantumtrader.data.journal` writes them and says what they look like.
//!
//! A frame is there as a whole or not at all. What a killed writer left of its last frame is cut off; a frame that
//! does not add up, or that is followed by whole ones, is damage, and an error.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use crate::ring::Record;
use crate::{Error, Event};

/// First bytes of every journal.
pub const MAGIC: [u8; 8] = *b"QTJRNL\0\x01";
/// First bytes of every frame.
pub const FRAME: [u8; 4] = *b"FRAM";
/// Records of one frame; a greater count is damage.
pub const MAX_RECORDS: u32 = 1 << 20;

const MAX_HEADER: u32 = 1 << 20;
const PREFIX: usize = 16;
const RECORD: usize = size_of::<Event>();
const SCAN: usize = 1 << 16;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: BufReader<File>,
    path: PathBuf,
    header: String,
    /// Byte after the last whole frame.
    at: u64,
    torn: u64,
    bytes: Vec<u8>,
}

impl Journal {
    /// Opens a journal and reads its header.
    ///
    /// # Errors
    /// The file cannot be read, is no journal, ends inside its header, or has a damaged one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("opening journal", path))?;
        let mut journal = Self {
            file: BufReader::with_capacity(1 << 18, file),
            path: path.to_owned(),
            header: String::new(),
            at: 0,
            torn: 0,
            bytes: Vec::new(),
        };
        journal.fill(PREFIX)?;
        let known = journal.bytes.len().min(MAGIC.len());
        if journal.bytes[..known] != MAGIC[..known] {
            return Err(journal.damaged("this is no journal"));
        }
        if journal.bytes.len() < PREFIX {
            return Err(journal.damaged("it ends inside its header: nothing was recorded"));
        }
        let (length, crc) = (word(&journal.bytes, 8), word(&journal.bytes, 12));
        if length > MAX_HEADER {
            return Err(journal.damaged("its header is damaged"));
        }
        journal.fill(length as usize)?;
        if journal.bytes.len() < length as usize {
            return Err(journal.damaged("it ends inside its header: nothing was recorded"));
        }
        if crc32fast::hash(&journal.bytes) != crc {
            return Err(journal.damaged("its header is damaged"));
        }
        journal.header = String::from_utf8(std::mem::take(&mut journal.bytes))
            .map_err(|_| journal.damaged("its header is no text"))?;
        journal.at = PREFIX as u64 + u64::from(length);
        Ok(journal)
    }

    /// The header's JSON: `schema_version`, `record_size`, `instruments` (`index`, `symbol`, `tick_size`,
    /// `point_value`), `source`, `synthetic`, `created_ns`. Its checksum has been verified.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Byte after the last whole frame read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.at
    }

    /// Bytes of an unfinished frame at the end of the file; known once [`Journal::read_frame`] has said false.
    #[must_use]
    pub const fn torn(&self) -> u64 {
        self.torn
    }

    /// Appends the records of the next frame to `out`; false at the end of the file, be it torn. A journal that is
    /// being written can be asked again.
    ///
    /// # Errors
    /// The file cannot be read, or the frame is damaged: the error names the byte, and `out` is as it was.
    pub fn read_frame(&mut self, out: &mut Vec<Event>) -> Result<bool, Error> {
        let io = Error::io("reading journal", &self.path);
        let size = self.file.get_ref().metadata().map_err(io)?.len();
        self.seek(self.at)?;
        self.fill(PREFIX)?;
        if self.bytes.len() < PREFIX {
            self.torn = self.bytes.len() as u64;
            return Ok(false);
        }
        let prefix: [u8; PREFIX] = std::array::from_fn(|k| self.bytes[k]);
        let Some(records) = records(&prefix) else {
            return self.torn_or_damaged(size, false, "no frame begins there");
        };
        let length = (records * RECORD) as u64;
        if self.at + PREFIX as u64 + length > size {
            return self.torn_or_damaged(size, true, "it ends before its last event");
        }
        self.fill(length as usize)?;
        if !adds_up(&prefix, &self.bytes) {
            return self.torn_or_damaged(size, false, "its checksum is wrong");
        }
        out.extend(self.bytes.chunks_exact(RECORD).map(event));
        self.at += PREFIX as u64 + length;
        Ok(true)
    }

    /// Every event from here on.
    ///
    /// # Errors
    /// As [`Journal::read_frame`].
    pub fn read_all(&mut self) -> Result<Vec<Event>, Error> {
        let mut out = Vec::new();
        while self.read_frame(&mut out)? {}
        Ok(out)
    }

    /// A killed writer leaves the first bytes of a frame, or a file system zeros, and nothing after them.
    fn torn_or_damaged(&mut self, size: u64, short: bool, what: &'static str) -> Result<bool, Error> {
        if (short || self.only_zeros()?) && !self.frame_follows()? {
            self.torn = size - self.at;
            return Ok(false);
        }
        Err(self.damaged(what))
    }

    fn only_zeros(&mut self) -> Result<bool, Error> {
        self.seek(self.at)?;
        loop {
            self.fill(SCAN)?;
            if self.bytes.is_empty() {
                return Ok(true);
            }
            if self.bytes.iter().any(|&b| b != 0) {
                return Ok(false);
            }
        }
    }

    /// Whether a whole frame begins anywhere after this place.
    fn frame_follows(&mut self) -> Result<bool, Error> {
        let mut base = self.at + 1;
        loop {
            self.seek(base)?;
            self.fill(SCAN)?;
            let found: Vec<u64> = (self.bytes.windows(FRAME.len()).enumerate())
                .filter(|(_, window)| *window == FRAME)
                .map(|(k, _)| base + k as u64)
                .collect();
            let read = self.bytes.len();
            for at in found {
                if self.is_frame(at)? {
                    return Ok(true);
                }
            }
            if read < SCAN {
                return Ok(false);
            }
            base += (read - (FRAME.len() - 1)) as u64;
        }
    }

    fn is_frame(&mut self, at: u64) -> Result<bool, Error> {
        self.seek(at)?;
        self.fill(PREFIX)?;
        if self.bytes.len() < PREFIX {
            return Ok(false);
        }
        let prefix: [u8; PREFIX] = std::array::from_fn(|k| self.bytes[k]);
        let Some(records) = records(&prefix) else { return Ok(false) };
        self.fill(records * RECORD)?;
        Ok(self.bytes.len() == records * RECORD && adds_up(&prefix, &self.bytes))
    }

    fn seek(&mut self, to: u64) -> Result<(), Error> {
        let here = self.file.stream_position().map_err(Error::io("reading journal", &self.path))?;
        self.file.seek_relative(to as i64 - here as i64).map_err(Error::io("reading journal", &self.path))
    }

    /// Reads up to `n` bytes into `self.bytes`; fewer at the end of the file.
    fn fill(&mut self, n: usize) -> Result<(), Error> {
        self.bytes.clear();
        let mut source = self.file.by_ref().take(n as u64);
        source.read_to_end(&mut self.bytes).map_err(Error::io("reading journal", &self.path))?;
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::Journal { path: self.path.clone(), at: self.at, what }
    }
}

/// How many records follow a frame's first bytes; `None` when they are not those of a frame.
fn records(prefix: &[u8; PREFIX]) -> Option<usize> {
    let count = word(prefix, 4);
    (prefix[..4] == FRAME && word(prefix, 12) == 0 && count <= MAX_RECORDS).then_some(count as usize)
}

fn adds_up(prefix: &[u8; PREFIX], payload: &[u8]) -> bool {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&prefix[4..8]);
    crc.update(payload);
    crc.finalize() == word(prefix, 8)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|k| bytes[at + k]))
}

fn event(bytes: &[u8]) -> Event {
    Event::from_words(std::array::from_fn(|w| u64::from_le_bytes(std::array::from_fn(|k| bytes[w * 8 + k]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Kind, side};
    use proptest::prelude::*;

    const HEADER: &str = r#"{"schema_version": 1, "record_size": 64}"#;

    fn frame(events: &[Event]) -> Vec<u8> {
        let payload: Vec<u8> = events.iter().flat_map(|e| e.to_words()).flat_map(u64::to_le_bytes).collect();
        let count = (events.len() as u32).to_le_bytes();
        let crc = crc32fast::hash(&[&count[..], &payload].concat());
        [&FRAME[..], &count, &crc.to_le_bytes(), &[0; 4], &payload].concat()
    }

    /// A journal with frames of 2, 1 and 3 events, the events, and where each frame ends.
    fn journal() -> (Vec<u8>, Vec<Event>, Vec<usize>) {
        let events: Vec<_> = (1..=6)
            .map(|i| Event {
                sequence: i,
                ts_event: -i << 40,
                px: -5,
                side: side::SELL,
                kind: Kind::Trade as u8,
                ..Event::default()
            })
            .collect();
        let crc = crc32fast::hash(HEADER.as_bytes()).to_le_bytes();
        let mut out = [&MAGIC[..], &(HEADER.len() as u32).to_le_bytes(), &crc, HEADER.as_bytes()].concat();
        let mut ends = vec![out.len()];
        for part in [&events[..2], &events[2..3], &events[3..]] {
            out.extend(frame(part));
            ends.push(out.len());
        }
        (out, events, ends)
    }

    fn read(bytes: &[u8]) -> (Vec<Event>, Option<Error>, u64) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("qt-journal-{}-{n}.qtj", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let mut out = Vec::new();
        let (mut error, mut torn) = (None, 0);
        match Journal::open(&path) {
            Ok(mut journal) => loop {
                match journal.read_frame(&mut out) {
                    Ok(true) => {}
                    Ok(false) => {
                        torn = journal.torn();
                        break;
                    }
                    Err(e) => {
                        error = Some(e);
                        break;
                    }
                }
            },
            Err(e) => error = Some(e),
        }
        std::fs::remove_file(&path).unwrap();
        (out, error, torn)
    }

    #[test]
    fn events_and_header_come_back() {
        let (bytes, events, _) = journal();
        let (read, error, torn) = read(&bytes);
        assert!(error.is_none());
        assert_eq!((read, torn), (events, 0));
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_cut_at_every_byte_leaves_the_whole_frames_before_it() {
        let (bytes, events, ends) = journal();
        for cut in 0..=bytes.len() {
            let (read, error, torn) = read(&bytes[..cut]);
            if cut < ends[0] {
                assert!(error.unwrap().to_string().contains("ends inside its header"), "{cut}");
                continue;
            }
            let whole = ends[1..].iter().filter(|&&end| end <= cut).count();
            assert!(error.is_none(), "{cut}: {error:?}");
            assert_eq!(read, events[..[0, 2, 3, 6][whole]], "{cut}");
            assert_eq!(torn, (cut - ends[whole]) as u64);
        }
    }

    #[test]
    fn damage_at_any_byte_is_an_error_or_a_tear_never_other_events() {
        let (bytes, events, ends) = journal();
        for at in ends[0]..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x41;
            let whole = ends[1..].iter().filter(|&&end| end <= at).count();
            let (read, error, _) = read(&bad);
            assert_eq!(read, events[..[0, 2, 3][whole]], "{at}");
            match error {
                Some(Error::Journal { at: byte, .. }) => assert_eq!(byte, ends[whole] as u64),
                other => assert!(other.is_none() && whole == 2, "{at}: {other:?}"),
            }
        }
    }

    /// The same file that the Python writer is held to.
    #[test]
    fn what_python_writes_is_read() {
        let bytes = include_bytes!("../../../tests/golden/journal.qtj");
        let (events, error, torn) = read(bytes);
        assert!(error.is_none());
        assert_eq!((events.len(), torn), (3, 0));
        let last = Event {
            ts_event: 1_755_270_000_000_000_002,
            ts_recv: 1_755_270_000_000_000_102,
            sequence: 3,
            id: -7,
            px: -10_801,
            px_ask: i32::MIN,
            size: i32::MAX,
            size_ask: 4,
            ref_a: 5,
            ref_b: -1,
            instrument: 65_535,
            flags: 2_048,
            kind: 4,
            action: 2,
            side: -1,
            reserved: 0,
        };
        assert_eq!(events[2], last);
    }

    #[test]
    fn zeros_at_the_end_are_a_tear() {
        let (mut bytes, events, _) = journal();
        bytes.extend([0; 100]);
        let (read, error, torn) = read(&bytes);
        assert!(error.is_none());
        assert_eq!((read, torn), (events, 100));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (good, events, ends) = journal();
            prop_assert!(read(&bytes).1.is_some());
            let read = read(&[&good[..ends[1]], &bytes].concat()).0;
            prop_assert_eq!(&read[..], &events[..2]);
        }
    }
}
