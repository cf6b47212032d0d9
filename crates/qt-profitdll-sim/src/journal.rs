//! Reads the recorder's journals, frame by frame.
//!
//! A torn last frame is cut off, as the recorder does after a kill; a corrupt one is an error.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use qt_core::Event;
use serde::Deserialize;

const MAGIC: &[u8; 8] = b"QTJRNL\0\x01";
const FRAME: u32 = 0x4D41_5246;
const RECORD: usize = 64;
/// Records in one frame at most: a corrupt length must not ask for all memory.
const MAX_FRAME: usize = 1 << 20;

/// An instrument of a journal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Listed {
    /// Value of the `instrument` field of its events.
    pub index: u16,
    /// Ticker.
    pub symbol: String,
    /// Points per tick.
    pub tick_size: f64,
    /// Money per point and contract.
    pub point_value: f64,
}

#[derive(Deserialize)]
struct Header {
    record_size: usize,
    instruments: Vec<Listed>,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: BufReader<File>,
    path: PathBuf,
    /// Position of the next byte.
    at: u64,
    instruments: Vec<Listed>,
}

impl Journal {
    /// Opens a journal and reads its header.
    ///
    /// # Errors
    /// Text with the file, the position and what is wrong there.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| format!("opening journal {}: {e}", path.display()))?;
        let mut journal = Self {
            file: BufReader::with_capacity(1 << 20, file),
            path: path.into(),
            at: 0,
            instruments: Vec::new(),
        };
        let start = journal.read(16)?.ok_or_else(|| journal.wrong("no header"))?;
        if &start[..8] != MAGIC {
            return Err(journal.wrong("this is no journal"));
        }
        let length = word(&start, 8) as usize;
        if length > 1 << 24 {
            return Err(journal.wrong("the header is too long"));
        }
        let header = journal.read(length)?.ok_or_else(|| journal.wrong("the header is cut off"))?;
        if crc32(&[&header]) != word(&start, 12) {
            return Err(journal.wrong("the header is corrupt"));
        }
        let header: Header = serde_json::from_slice(&header)
            .map_err(|error| journal.wrong(&format!("the header makes no sense ({error})")))?;
        if header.record_size != RECORD {
            return Err(journal.wrong("its records have another size"));
        }
        journal.instruments = header.instruments;
        Ok(journal)
    }

    /// Instruments in the header.
    #[must_use]
    pub fn instruments(&self) -> &[Listed] {
        &self.instruments
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn next_frame(&mut self) -> Result<Option<Vec<Event>>, String> {
        let Some(head) = self.read(16)? else { return Ok(None) };
        let count = word(&head, 4) as usize;
        if word(&head, 0) != FRAME || word(&head, 12) != 0 || count > MAX_FRAME {
            return Err(self.wrong("a frame is corrupt"));
        }
        let Some(payload) = self.read(count * RECORD)? else { return Ok(None) };
        if crc32(&[&head[4..8], &payload]) != word(&head, 8) {
            return Err(self.wrong("a frame is corrupt"));
        }
        Ok(Some(payload.chunks_exact(RECORD).map(event).collect()))
    }

    /// Reads exactly `n` bytes; `None` when the file ends before.
    fn read(&mut self, n: usize) -> Result<Option<Vec<u8>>, String> {
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(n as u64).read_to_end(&mut bytes);
        read.map_err(|e| format!("reading journal {} at byte {}: {e}", self.path.display(), self.at))?;
        self.at += bytes.len() as u64;
        Ok((bytes.len() == n).then_some(bytes))
    }

    fn wrong(&self, what: &str) -> String {
        format!("journal {} before byte {}: {what}", self.path.display(), self.at)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn event(b: &[u8]) -> Event {
    let long = |at: usize| i64::from(word(b, at + 4) as i32) << 32 | i64::from(word(b, at));
    let int = |at: usize| word(b, at) as i32;
    Event {
        ts_event: long(0),
        ts_recv: long(8),
        sequence: long(16),
        id: long(24),
        px: int(32),
        px_ask: int(36),
        size: int(40),
        size_ask: int(44),
        ref_a: int(48),
        ref_b: int(52),
        instrument: u16::from_le_bytes([b[56], b[57]]),
        flags: u16::from_le_bytes([b[58], b[59]]),
        kind: b[60],
        action: b[61],
        side: b[62] as i8,
        reserved: b[63],
    }
}

/// CRC-32 of zlib over the parts in turn.
#[must_use]
pub fn crc32(parts: &[&[u8]]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut c, mut bit) = (i as u32, 0);
            while bit < 8 {
                c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
                bit += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    let step = |crc: u32, &byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    !parts.iter().flat_map(|p| p.iter()).fold(u32::MAX, step)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use qt_core::event::{Kind, side};

    /// A journal of these events in frames of three.
    pub(crate) fn written(events: &[Event], symbol: &str) -> Vec<u8> {
        let header = format!(
            r#"{{"schema_version": 1, "record_size": 64, "source": "test", "synthetic": true, "created_ns": 1,
                "instruments": [{{"index": 0, "symbol": "{symbol}", "tick_size": 0.5, "point_value": 10.0}}]}}"#
        );
        let mut out = MAGIC.to_vec();
        out.extend((header.len() as u32).to_le_bytes());
        out.extend(crc32(&[header.as_bytes()]).to_le_bytes());
        out.extend(header.as_bytes());
        for frame in events.chunks(3) {
            let payload: Vec<u8> = frame.iter().flat_map(bytes).collect();
            let count = (frame.len() as u32).to_le_bytes();
            out.extend(FRAME.to_le_bytes());
            out.extend(count);
            out.extend(crc32(&[&count, &payload]).to_le_bytes());
            out.extend(0_u32.to_le_bytes());
            out.extend(payload);
        }
        out
    }

    fn bytes(e: &Event) -> Vec<u8> {
        let mut out = Vec::new();
        for long in [e.ts_event, e.ts_recv, e.sequence, e.id] {
            out.extend(long.to_le_bytes());
        }
        for int in [e.px, e.px_ask, e.size, e.size_ask, e.ref_a, e.ref_b] {
            out.extend(int.to_le_bytes());
        }
        out.extend(e.instrument.to_le_bytes());
        out.extend(e.flags.to_le_bytes());
        out.extend([e.kind, e.action, e.side as u8, e.reserved]);
        out
    }

    fn read(bytes: &[u8], name: &str) -> Result<Vec<Event>, String> {
        let path = std::env::temp_dir().join(format!("qt-sim-{}-{name}.qtj", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let result = (|| {
            let mut journal = Journal::open(&path)?;
            assert_eq!(journal.instruments()[0].symbol, "WDOU25");
            let mut events = Vec::new();
            while let Some(frame) = journal.next_frame()? {
                events.extend(frame);
            }
            Ok(events)
        })();
        std::fs::remove_file(&path).unwrap();
        result
    }

    #[test]
    fn frames_round_trip_torn_ones_end_and_corrupt_ones_fail() {
        assert_eq!(crc32(&[b"123456789"]), 0xCBF4_3926);
        let events: Vec<_> = (1..=7)
            .map(|i| Event {
                sequence: i,
                ts_event: -i << 40,
                px: -5,
                side: side::SELL,
                kind: Kind::Trade as u8,
                ..Event::default()
            })
            .collect();
        let good = written(&events, "WDOU25");
        assert_eq!(read(&good, "good"), Ok(events.clone()));
        assert_eq!(read(&good[..good.len() - 1], "torn"), Ok(events[..6].to_vec()));
        let mut bad = good.clone();
        let last = bad.len() - 1;
        bad[last] ^= 1;
        assert!(read(&bad, "bad").unwrap_err().contains("corrupt"));
        assert!(read(b"QTJRNL", "short").unwrap_err().contains("no header"));
    }
}
