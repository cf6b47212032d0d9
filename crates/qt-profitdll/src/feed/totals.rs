//! Totals of the day, which come with every trade: the newest ones of each instrument, handed over without a lock.
//!
//! The writer is on the market's path and never waits. It counts up before and after it writes; a reader that saw the
//! count move in between looks again, and after some attempts leaves the totals for the next time.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use super::messages::{Message, Value};
use super::session::date_value;
use super::stamp::Date;

const NUMBERS: usize = 10;
const COUNTS: usize = 7;
/// Receive time, whether there is a date, the date; then the values.
const HEAD: usize = 3;
const WORDS: usize = HEAD + NUMBERS + COUNTS;
/// Looks at totals that are being written, before they are left for the next time.
const ATTEMPTS: usize = 64;

/// The newest totals of one instrument.
pub(super) struct Totals {
    ticker: Arc<str>,
    exchange: Arc<str>,
    /// Odd while somebody writes; 0 before the first.
    version: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Totals {
    pub(super) fn new(ticker: Arc<str>, exchange: Arc<str>) -> Self {
        Self { ticker, exchange, version: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }

    /// Writes totals over the ones before. There is one writer at a time.
    pub(super) fn put(&self, now: i64, date: Date, numbers: [f64; NUMBERS], counts: [i32; COUNTS]) {
        let (dated, ts) = match date {
            Date::At(ts) => (1, ts),
            _ => (0, 0),
        };
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let head = [now as u64, dated, ts as u64];
        let values = head.into_iter().chain(numbers.map(f64::to_bits)).chain(counts.map(|n| n as u64));
        for (word, value) in self.words.iter().zip(values) {
            word.store(value, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    /// The totals and their version, unless that is `seen` or somebody keeps writing.
    fn newer(&self, seen: u64) -> Option<(u64, Message)> {
        for _ in 0..ATTEMPTS {
            let version = self.version.load(Ordering::Acquire);
            if version == seen {
                return None;
            }
            let words: [u64; WORDS] = std::array::from_fn(|k| self.words[k].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version {
                return Some((version, self.message(&words)));
            }
            std::hint::spin_loop();
        }
        None
    }

    fn message(&self, words: &[u64; WORDS]) -> Message {
        let date = if words[1] == 1 { Date::At(words[2] as i64) } else { Date::Absent };
        let (numbers, counts) = words[HEAD..].split_at(NUMBERS);
        let mut values = Vec::with_capacity(WORDS);
        values.extend([
            Value::Kept(self.ticker.clone()),
            Value::Kept(self.exchange.clone()),
            date_value(date),
        ]);
        values.extend(numbers.iter().map(|&bits| Value::Float(f64::from_bits(bits))));
        values.extend(counts.iter().map(|&n| Value::Int(n as i64)));
        Message { kind: "daily", ts_recv: words[0] as i64, values }
    }
}

/// The totals of every instrument, each with the version that was taken last.
#[derive(Default)]
pub(super) struct Slots(Mutex<Vec<(Arc<Totals>, u64)>>);

impl Slots {
    /// Adds an instrument; never from a callback.
    pub(super) fn add(&self, totals: Arc<Totals>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((totals, 0));
    }

    /// Appends the totals that are new since the last call, in the order in which instruments were added.
    pub(super) fn take(&self, out: &mut Vec<Message>) {
        for (totals, seen) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if let Some((version, message)) = totals.newer(*seen) {
                *seen = version;
                out.push(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(totals: &Totals, n: i32) {
        totals.put(i64::from(n), Date::At(i64::from(n)), [f64::from(n); NUMBERS], [n; COUNTS]);
    }

    /// The number that every value of a message is made of.
    fn whole(message: &Message) -> i64 {
        let n = message.ts_recv;
        let mut expected = vec![Value::Kept("A".into()), Value::Kept("F".into()), Value::Int(n)];
        expected.extend(vec![Value::Float(n as f64); NUMBERS]);
        expected.extend(vec![Value::Int(n); COUNTS]);
        assert_eq!(message.values, expected);
        n
    }

    fn slots() -> (Slots, Arc<Totals>) {
        let (slots, totals) = (Slots::default(), Arc::new(Totals::new("A".into(), "F".into())));
        slots.add(totals.clone());
        (slots, totals)
    }

    #[test]
    fn only_the_newest_are_taken_and_once() {
        let (slots, totals) = slots();
        let mut out = Vec::new();
        slots.take(&mut out);
        assert_eq!(out, []);
        (-3..=-1).for_each(|n| put(&totals, n));
        slots.take(&mut out);
        slots.take(&mut out);
        assert_eq!(out.iter().map(whole).collect::<Vec<_>>(), [-1]);
        totals.put(7, Date::Unreadable, [f64::NAN; NUMBERS], [0; COUNTS]);
        slots.take(&mut out);
        assert_eq!((out.len(), &out[1].values[2]), (2, &Value::Missing));
    }

    #[test]
    fn a_writer_that_stands_still_keeps_nobody_waiting() {
        let (slots, totals) = slots();
        put(&totals, 1);
        let version = totals.version.fetch_add(1, Ordering::Relaxed);
        let mut out = Vec::new();
        slots.take(&mut out);
        assert_eq!(out, []);
        totals.version.store(version + 2, Ordering::Relaxed);
        slots.take(&mut out);
        assert_eq!(out.iter().map(whole).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn totals_are_never_torn() {
        const LAST: i32 = 200_000;
        let (slots, totals) = slots();
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=LAST).for_each(|n| put(&totals, n)));
            let (mut out, mut last) = (Vec::new(), 0);
            while last < i64::from(LAST) {
                slots.take(&mut out);
                for message in out.drain(..) {
                    let n = whole(&message);
                    assert!(n > last);
                    last = n;
                }
            }
        });
    }
}
