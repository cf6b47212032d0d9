//! The broadcast ring: one producer, any number of readers, each with its own cursor.
//!
//! The producer never waits. A reader that was overtaken by a whole lap is told exactly how many records it
//! lost, and goes on with the oldest one that is still there. The ring lies in memory, or in a file mapped by
//! several processes.
//!
//! # Why it is sound
//!
//! Two counters and a power of two of slots, slot `i & mask` for record `i`. Every word of a slot is an atomic,
//! so a race is never undefined, only torn, and torn records are found and thrown away:
//!
//! ```text
//! producer: claim = i + 1; release fence; write the words of i; head = i + 1 (release)
//! reader:   c < head (acquire); read the words of c; acquire fence; c + capacity >= claim, else c was overwritten
//! ```
//!
//! If a reader saw a word of the record that overwrites `c`, its fence synchronises with the producer's fence
//! before that word, so it also sees the claim that preceded it, and drops the copy. `tests/loom_ring.rs` checks
//! every interleaving of a small ring.

#[cfg(not(loom))]
mod file;
mod memory;
mod slot;

use std::marker::PhantomData;
#[cfg(not(loom))]
use std::path::Path;

use crate::Error;
#[cfg(not(loom))]
use crate::event::Event;
use memory::Memory;
use slot::{AtomicU64, Ordering, Shared, Slot, fence};

/// Words of 64 bits per record. The model checker works on two.
pub const WORDS: usize = if cfg!(loom) { 2 } else { 8 };

/// Largest number of records read between two looks at the producer.
const BATCH: u64 = 1024;

/// A record of a fixed number of words.
pub trait Record: Copy {
    /// The record as words.
    fn to_words(self) -> [u64; WORDS];
    /// The record from words that [`Record::to_words`] made.
    fn from_words(words: [u64; WORDS]) -> Self;
}

impl Record for [u64; WORDS] {
    #[inline(always)]
    fn to_words(self) -> [u64; WORDS] {
        self
    }

    #[inline(always)]
    fn from_words(words: [u64; WORDS]) -> Self {
        words
    }
}

#[cfg(not(loom))]
#[allow(unsafe_code)]
impl Record for Event {
    #[inline(always)]
    fn to_words(self) -> [u64; WORDS] {
        // SAFETY: 64 bytes without padding (pinned by a test of the layout), so every byte is initialised.
        unsafe { std::mem::transmute(self) }
    }

    #[inline(always)]
    fn from_words(words: [u64; WORDS]) -> Self {
        // SAFETY: all fields are plain integers; every bit pattern is a valid event.
        unsafe { std::mem::transmute(words) }
    }
}

/// The writing end. There is one per ring, in one process.
pub struct Producer<T> {
    memory: Shared<Memory>,
    head: u64,
    /// What a producer before this one had claimed when it stopped; claims never go back.
    claimed: u64,
    record: PhantomData<fn(T)>,
}

impl<T: Record> Producer<T> {
    /// A ring of `capacity` records in this process' memory.
    ///
    /// # Errors
    ///
    /// [`Error::RingCapacity`] unless the capacity is a power of two from 2 to 2^32.
    pub fn in_memory(capacity: u64) -> Result<Self, Error> {
        check(capacity)?;
        Ok(Self::on(Memory::heap(capacity)))
    }

    /// A ring of `capacity` records in a file that other processes can open.
    ///
    /// The file is made with mode 0600. When it is there already and fits, the ring goes on where its last
    /// producer stopped, so readers survive a restart of the producer.
    ///
    /// # Errors
    ///
    /// [`Error::RingCapacity`]; [`Error::RingMismatch`] when the file is something else; [`Error::RingBusy`] when
    /// another producer holds it; [`Error::Io`].
    #[cfg(not(loom))]
    pub fn in_file(path: &Path, capacity: u64) -> Result<Self, Error> {
        check(capacity)?;
        Ok(Self::on(Memory::File(file::Mapped::create(path, capacity)?)))
    }

    fn on(memory: Memory) -> Self {
        // A producer that died inside a push has overwritten old records for new ones that it never published:
        // the old ones stay lost, the new ones are written again.
        let head = memory.control().head.load(Ordering::Acquire);
        let claimed = memory.control().claim.load(Ordering::Acquire);
        Self { memory: Shared::new(memory), head, claimed, record: PhantomData }
    }

    /// Appends one record.
    #[inline]
    pub fn push(&mut self, record: T) {
        let control = self.memory.control();
        let slots = self.memory.slots();
        control.claim.store(self.claimed.max(self.head + 1), Ordering::Relaxed);
        fence(Ordering::Release);
        write(slots, self.head, record);
        self.head += 1;
        control.head.store(self.head, Ordering::Release);
    }

    /// Appends records in order; readers see them in pieces of at most half the ring.
    pub fn push_many(&mut self, records: &[T]) {
        let control = self.memory.control();
        let slots = self.memory.slots();
        for piece in records.chunks(slots.len() / 2) {
            control.claim.store(self.claimed.max(self.head + piece.len() as u64), Ordering::Relaxed);
            fence(Ordering::Release);
            for &record in piece {
                write(slots, self.head, record);
                self.head += 1;
            }
            control.head.store(self.head, Ordering::Release);
        }
    }

    /// Records pushed since the ring was made.
    pub const fn pushed(&self) -> u64 {
        self.head
    }

    /// Number of records that the ring holds.
    pub fn capacity(&self) -> u64 {
        self.memory.slots().len() as u64
    }

    /// A reader that starts with the oldest record still held.
    pub fn reader(&self) -> Reader<T> {
        Reader::on(Shared::clone(&self.memory))
    }
}

#[inline(always)]
fn write<T: Record>(slots: &[Slot], index: u64, record: T) {
    let slot = &slots[index as usize & (slots.len() - 1)];
    for (word, value) in slot.0.iter().zip(record.to_words()) {
        word.store(value, Ordering::Relaxed);
    }
}

const fn check(capacity: u64) -> Result<(), Error> {
    if capacity.is_power_of_two() && capacity >= 2 && capacity <= 1 << 32 {
        Ok(())
    } else {
        Err(Error::RingCapacity(capacity))
    }
}

/// A reading end with a cursor of its own.
pub struct Reader<T> {
    memory: Shared<Memory>,
    cursor: u64,
    /// Lost and not told yet: no record has come since.
    lost: u64,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> Reader<T> {
    /// A reader of a ring that another process made; starts with the oldest record still held.
    ///
    /// # Errors
    ///
    /// [`Error::RingMismatch`] when the file is no ring of this version and record size; [`Error::Io`].
    #[cfg(not(loom))]
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::on(Shared::new(Memory::File(file::Mapped::open(path)?))))
    }

    fn on(memory: Shared<Memory>) -> Self {
        let mut reader = Self { memory, cursor: 0, lost: 0, record: PhantomData };
        reader.cursor = reader.oldest();
        reader
    }

    /// Another reader of the same ring; starts with the oldest record still held.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::on(Shared::clone(&self.memory))
    }

    /// Appends at most `max` records to `out` and returns how many were lost before the first of them.
    ///
    /// Does not wait: without a new record nothing is appended and 0 is returned; a loss is told with the record
    /// that comes after it, so that there is always a place to mark it.
    pub fn read(&mut self, max: usize, out: &mut Vec<T>) -> u64 {
        let first = out.len();
        let overrun = self.oldest().saturating_sub(self.cursor);
        self.lost += overrun;
        self.cursor += overrun;
        while out.len() - first < max {
            let head = self.memory.control().head.load(Ordering::Acquire);
            let left = (max - (out.len() - first)) as u64;
            let todo = head.saturating_sub(self.cursor).min(left).min(BATCH);
            if todo == 0 {
                break;
            }
            let at = out.len();
            let slots = self.memory.slots();
            out.extend((self.cursor..self.cursor + todo).map(|i| read::<T>(slots, i)));
            let overwritten = self.oldest().saturating_sub(self.cursor);
            if overwritten > 0 {
                // Overtaken while copying. Before the first record this is told now, else by the next call.
                if at == first {
                    self.lost += overwritten;
                    self.cursor += overwritten.max(todo);
                    out.drain(at..at + overwritten.min(todo) as usize);
                } else {
                    out.truncate(at);
                }
                break;
            }
            self.cursor += todo;
        }
        if out.len() == first { 0 } else { std::mem::take(&mut self.lost) }
    }

    /// Skips everything that is there; the next record read is the next one pushed.
    pub fn skip_to_end(&mut self) {
        self.cursor = self.cursor.max(self.memory.control().head.load(Ordering::Acquire));
        self.lost = 0;
    }

    /// Records that are there and not read yet, those lost by a lap included.
    pub fn behind(&self) -> u64 {
        self.memory.control().head.load(Ordering::Acquire).saturating_sub(self.cursor) + self.lost
    }

    /// Index of the next record to be read, counted since the ring was made; less than the oldest one after a lap.
    pub const fn position(&self) -> u64 {
        self.cursor
    }

    /// Number of records that the ring holds.
    pub fn capacity(&self) -> u64 {
        self.memory.slots().len() as u64
    }

    /// Index of the oldest record that is not being overwritten. Whatever was read before this call from that
    /// index on is whole.
    #[inline]
    fn oldest(&self) -> u64 {
        fence(Ordering::Acquire);
        self.memory.control().claim.load(Ordering::Relaxed).saturating_sub(self.memory.slots().len() as u64)
    }
}

#[inline(always)]
fn read<T: Record>(slots: &[Slot], index: u64) -> T {
    let slot = &slots[index as usize & (slots.len() - 1)];
    T::from_words(std::array::from_fn(|w| slot.0[w].load(Ordering::Relaxed)))
}

/// The two counters, each on a line of its own.
#[repr(C)]
struct Control {
    /// Records published: everything before this index can be read.
    head: AtomicU64,
    #[cfg(not(loom))]
    apart: [u64; 15],
    /// Records whose writing has begun: everything `capacity` before this index is gone.
    claim: AtomicU64,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn numbered(range: std::ops::Range<u64>) -> Vec<[u64; WORDS]> {
        range.map(|i| [i; WORDS]).collect()
    }

    #[test]
    fn every_reader_sees_every_record_in_order() {
        let mut ring = Producer::in_memory(8).expect("capacity");
        let (mut a, mut b) = (ring.reader(), ring.reader());
        ring.push_many(&numbered(0..5));
        let mut out = Vec::new();
        assert_eq!((a.read(3, &mut out), out.clone()), (0, numbered(0..3)));
        assert_eq!((a.read(9, &mut out), out.clone()), (0, numbered(0..5)));
        assert_eq!((a.read(9, &mut out), out.len(), b.behind()), (0, 5, 5));
        ring.push([5; WORDS]);
        out.clear();
        assert_eq!((b.read(100, &mut out), out), (0, numbered(0..6)));
    }

    #[test]
    fn a_lap_is_counted_exactly() {
        let mut ring = Producer::in_memory(8).expect("capacity");
        let mut reader = ring.reader();
        ring.push_many(&numbered(0..3));
        let mut out = Vec::new();
        assert_eq!(reader.read(2, &mut out), 0);
        ring.push_many(&numbered(3..103));
        out.clear();
        assert_eq!(reader.behind(), 101);
        assert_eq!((reader.read(usize::MAX, &mut out), out), (93, numbered(95..103)));
        let mut late = ring.reader();
        let mut out = Vec::new();
        assert_eq!((late.read(100, &mut out), out.len()), (0, 8));
        assert_eq!((late.position(), late.position() + late.behind()), (103, ring.pushed()));
        late.skip_to_end();
        assert_eq!(late.behind(), 0);
    }

    #[test]
    fn a_loss_is_told_with_the_record_after_it() {
        let mut ring = Producer::in_memory(8).expect("capacity");
        let mut reader = ring.reader();
        ring.push_many(&numbered(0..20));
        let mut out = Vec::new();
        assert_eq!((reader.read(0, &mut out), out.len(), reader.behind()), (0, 0, 20));
        ring.push([20; WORDS]);
        assert_eq!((reader.read(1, &mut out), &out[..], reader.behind()), (13, &numbered(13..14)[..], 7));
        ring.push_many(&numbered(21..40));
        assert_eq!(reader.read(0, &mut out), 0);
        reader.skip_to_end();
        ring.push([40; WORDS]);
        assert_eq!((reader.read(9, &mut out), reader.behind()), (0, 0));
    }

    #[test]
    fn capacity_is_a_power_of_two() {
        for bad in [0, 1, 3, 1000, 1 << 33] {
            assert!(matches!(Producer::<Event>::in_memory(bad), Err(Error::RingCapacity(c)) if c == bad));
        }
    }

    #[test]
    fn events_survive_the_words() {
        let e =
            Event { ts_event: -5, px: i32::MIN, size_ask: 7, flags: 0xF0F0, side: -1, ..Event::default() };
        assert_eq!(Event::from_words(e.to_words()), e);
    }
}
