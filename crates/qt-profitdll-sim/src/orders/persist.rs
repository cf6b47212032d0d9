//! The broker's side on disk: what a killed process finds again.
//!
//! The file is a magic and a sequence of records, `u32 length | u32 crc32 of the payload | payload`, little endian. A
//! record is written before the client is told what it says, so a client never knows more than the file. A record that
//! the end of the file cuts short is dropped when the file is opened; a damaged one before the end is an error.
//!
//! An order's record holds the order whole, its requests under way and the execution that changed it, so that one
//! record is one step. Positions are not stored: they are the sum of the executions.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::account::AccountKey;
use super::flight::{Action, Flight};
use super::order::{Fill, Order, Side, Type};
use super::status::{OrderStatus, Stage};

const MAGIC: &[u8; 8] = b"QTBRKR\0\x01";
/// No record is longer; a greater length is damage.
const LONGEST: usize = 1 << 20;

/// Where the market stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Market events seen since the market's beginning.
    pub events: i64,
    /// The broker's time, ns UTC.
    pub now: i64,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A process opened the file; its number.
    Session(i64),
    /// An order changed.
    Order {
        /// The order after the change.
        order: Box<Order>,
        /// Its requests under way.
        flights: Vec<Flight>,
        /// The execution that changed it.
        fill: Option<Fill>,
    },
    /// The market went on.
    Market,
}

/// The open file.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Opens or makes a file and reads what it holds.
    ///
    /// # Errors
    /// Text that names the file and, for damage, the byte.
    pub fn open(path: &Path) -> Result<(Self, Vec<(Mark, Record)>), String> {
        let failed = |what: &str, e: std::io::Error| format!("{what} {}: {e}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| failed("opening the state file", e))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| failed("reading the state file", e))?;
        let (records, valid) = decode(&bytes).map_err(|e| format!("state file {}: {e}", path.display()))?;
        let mut log = Self { file, path: path.into() };
        let end = SeekFrom::Start(valid as u64);
        let cut = log.file.set_len(valid as u64).and_then(|()| log.file.seek(end));
        cut.map_err(|e| failed("cutting the state file", e))?;
        if valid == 0 {
            log.write(MAGIC)?;
        }
        Ok((log, records))
    }

    /// A log that writes to this file.
    #[cfg(test)]
    pub(super) fn onto(path: &Path) -> Self {
        Self { file: OpenOptions::new().write(true).open(path).unwrap(), path: path.into() }
    }

    /// Appends a record.
    ///
    /// # Errors
    /// Text that names the file.
    pub fn append(&mut self, mark: Mark, record: &Record) -> Result<(), String> {
        self.write(&encode(mark, record))
    }

    /// Replaces the file by these records, whole or not at all. A killed process loses nothing that was written; a
    /// machine that loses power may.
    ///
    /// # Errors
    /// Text that names the file.
    pub fn rewrite<'a>(&mut self, records: impl Iterator<Item = &'a (Mark, Record)>) -> Result<(), String> {
        let failed = |e: std::io::Error| format!("rewriting the state file {}: {e}", self.path.display());
        let beside = self.path.with_extension("new");
        let mut bytes = MAGIC.to_vec();
        records.for_each(|(mark, record)| bytes.extend(encode(*mark, record)));
        let mut file = File::create(&beside).map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        std::fs::rename(&beside, &self.path).map_err(failed)?;
        self.file = file;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|e| format!("writing the state file {}: {e}", self.path.display()))
    }
}

/// The records of a file and how many of its bytes they take.
fn decode(bytes: &[u8]) -> Result<(Vec<(Mark, Record)>, usize), String> {
    if bytes.len() < MAGIC.len() {
        return if MAGIC.starts_with(bytes) { Ok((Vec::new(), 0)) } else { Err("not a state file".into()) };
    }
    if &bytes[..MAGIC.len()] != MAGIC {
        return Err("not a state file of this version".into());
    }
    let (mut records, mut at) = (Vec::new(), MAGIC.len());
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if length > LONGEST {
            return Err(format!("damaged at byte {at}: a record of {length} bytes"));
        }
        let Some(payload) = bytes.get(at + 8..at + 8 + length) else { break };
        if crc32fast::hash(payload) != crc {
            return Err(format!("damaged at byte {at}: the checksum of the record does not hold"));
        }
        let record = Reader { bytes: payload }
            .record()
            .ok_or_else(|| format!("damaged at byte {at}: the record makes no sense"))?;
        records.push(record);
        at += 8 + length;
    }
    Ok((records, at))
}

fn encode(mark: Mark, record: &Record) -> Vec<u8> {
    let mut w = Writer(vec![0; 8]);
    w.record(mark, record);
    let mut bytes = w.0;
    let length = (bytes.len() - 8) as u32;
    let crc = crc32fast::hash(&bytes[8..]);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, v: u8) {
        self.0.push(v);
    }

    fn int(&mut self, v: i64) {
        self.0.extend(v.to_le_bytes());
    }

    fn float(&mut self, v: f64) {
        self.0.extend(v.to_le_bytes());
    }

    fn text(&mut self, v: &str) {
        self.int(v.len() as i64);
        self.0.extend(v.as_bytes());
    }

    fn record(&mut self, mark: Mark, record: &Record) {
        self.int(mark.events);
        self.int(mark.now);
        match record {
            Record::Session(number) => {
                self.u8(1);
                self.int(*number);
            }
            Record::Order { order, flights, fill } => {
                self.u8(2);
                self.order(order);
                self.int(flights.len() as i64);
                for f in flights {
                    self.flight(f);
                }
                self.u8(u8::from(fill.is_some()));
                if let Some(f) = fill {
                    for v in [f.id, f.order as i64, i64::from(f.px), f.size, f.ts] {
                        self.int(v);
                    }
                }
            }
            Record::Market => self.u8(3),
        }
    }

    fn order(&mut self, o: &Order) {
        for v in [o.key as i64, o.quantity, o.traded, o.traded_ticks, o.created_ns, o.updated_ns] {
            self.int(v);
        }
        for v in [o.closed_ns, o.event_id, i64::from(o.account.broker_id)] {
            self.int(v);
        }
        for v in [o.price, o.stop_price, o.average] {
            self.float(v);
        }
        for v in [o.side as u8, o.kind as u8, o.status as u8, o.settled as u8] {
            self.u8(v);
        }
        for v in [u8::from(o.triggered), u8::from(o.day_trade)] {
            self.u8(v);
        }
        for v in [&o.cl_ord_id, &o.account.account, &o.account.sub, &o.ticker, &o.exchange, &o.text] {
            self.text(v);
        }
    }

    fn flight(&mut self, f: &Flight) {
        self.int(f.due);
        self.u8(f.hop);
        self.u8(u8::from(f.mute));
        match f.action {
            Action::New => self.u8(0),
            Action::Cancel => self.u8(1),
            Action::Change { price, stop_price, quantity } => {
                self.u8(2);
                self.float(price);
                self.float(stop_price);
                self.int(quantity);
            }
        }
        match &f.refusal {
            None => self.u8(0),
            Some((stage, text)) => {
                self.u8(1 + *stage as u8);
                self.text(text);
            }
        }
    }
}

/// Reads a payload; `None` where it ends early or holds what no writer wrote.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let (head, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn int(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    fn float(&mut self) -> Option<f64> {
        self.take(8)?.try_into().ok().map(f64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.int()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn record(mut self) -> Option<(Mark, Record)> {
        let mark = Mark { events: self.int()?, now: self.int()? };
        let record = match self.u8()? {
            1 => Record::Session(self.int()?),
            2 => {
                let order = Box::new(self.order()?);
                let mut flights = Vec::new();
                for _ in 0..self.int()? {
                    flights.push(self.flight(order.key)?);
                }
                let fill = if self.flag()? { Some(self.fill()?) } else { None };
                Record::Order { order, flights, fill }
            }
            3 => Record::Market,
            _ => return None,
        };
        self.bytes.is_empty().then_some((mark, record))
    }

    fn fill(&mut self) -> Option<Fill> {
        Some(Fill {
            id: self.int()?,
            order: self.int()? as u64,
            px: i32::try_from(self.int()?).ok()?,
            size: self.int()?,
            ts: self.int()?,
        })
    }

    fn order(&mut self) -> Option<Order> {
        let mut int = || self.int();
        let (key, quantity, traded, traded_ticks) = (int()? as u64, int()?, int()?, int()?);
        let (created_ns, updated_ns, closed_ns, event_id) = (int()?, int()?, int()?, int()?);
        let broker_id = i32::try_from(int()?).ok()?;
        let (price, stop_price, average) = (self.float()?, self.float()?, self.float()?);
        let (side, kind) = (Side::from_code(self.u8()?)?, Type::from_code(self.u8()?)?);
        let (status, settled) = (OrderStatus::from_code(self.u8()?)?, OrderStatus::from_code(self.u8()?)?);
        let (triggered, day_trade) = (self.flag()?, self.flag()?);
        let cl_ord_id = self.text()?;
        let account = AccountKey { broker_id, account: self.text()?, sub: self.text()? };
        let (ticker, exchange, text) = (self.text()?, self.text()?, self.text()?);
        Some(Order {
            key,
            local_id: 0,
            cl_ord_id,
            account,
            ticker,
            exchange,
            side,
            kind,
            price,
            stop_price,
            quantity,
            traded,
            traded_ticks,
            average,
            status,
            settled,
            triggered,
            text,
            created_ns,
            updated_ns,
            closed_ns,
            event_id,
            day_trade,
        })
    }

    fn flight(&mut self, order: u64) -> Option<Flight> {
        let (due, hop, mute) = (self.int()?, self.u8()?, self.flag()?);
        let action = match self.u8()? {
            0 => Action::New,
            1 => Action::Cancel,
            2 => Action::Change { price: self.float()?, stop_price: self.float()?, quantity: self.int()? },
            _ => return None,
        };
        let refusal = match self.u8()? {
            0 => None,
            code => Some((stage(code - 1)?, self.text()?)),
        };
        Some(Flight { order, action, message_id: 0, hop, due, refusal, mute })
    }
}

fn stage(code: u8) -> Option<Stage> {
    [Stage::Proxy, Stage::Mercury, Stage::Gateway, Stage::Risk, Stage::Broker, Stage::Market]
        .into_iter()
        .find(|s| *s as u8 == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            key: 7,
            local_id: 0,
            cl_ord_id: "SIM.7".into(),
            account: AccountKey { broker_id: 15003, account: "1001".into(), sub: "S1".into() },
            ticker: "WDOU25".into(),
            exchange: "F".into(),
            side: Side::Sell,
            kind: Type::StopLimit,
            price: 5400.5,
            stop_price: 5401.0,
            quantity: 9,
            traded: 4,
            traded_ticks: 43_204,
            average: 5400.5,
            status: OrderStatus::PartiallyFilled,
            settled: OrderStatus::New,
            triggered: true,
            text: "ação".into(),
            created_ns: 1,
            updated_ns: 2,
            closed_ns: 0,
            event_id: 3,
            day_trade: true,
        }
    }

    fn records() -> Vec<(Mark, Record)> {
        let flight = |action, refusal| Flight {
            order: 7,
            action,
            message_id: 0,
            hop: 3,
            due: -5,
            refusal,
            mute: true,
        };
        let flights = vec![
            flight(Action::New, None),
            flight(Action::Cancel, Some((Stage::Market, "não".into()))),
            flight(
                Action::Change { price: 1.5, stop_price: -1.0, quantity: 3 },
                Some((Stage::Proxy, String::new())),
            ),
        ];
        let fill = Some(Fill { id: 1, order: 7, px: -3, size: 4, ts: 9 });
        let record = |order, flights, fill| Record::Order { order: Box::new(order), flights, fill };
        [
            Record::Session(1),
            record(order(), flights, None),
            Record::Market,
            record(order(), Vec::new(), fill),
        ]
        .into_iter()
        .enumerate()
        .map(|(i, r)| (Mark { events: i as i64, now: 100 + i as i64 }, r))
        .collect()
    }

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("qt-broker-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_file_torn_at_any_byte_gives_the_records_before_and_goes_on() {
        let folder = folder("torn");
        let path = folder.join("state");
        let (mut log, none) = Log::open(&path).unwrap();
        assert!(none.is_empty());
        let mut ends = vec![MAGIC.len()];
        for (mark, record) in records() {
            log.append(mark, &record).unwrap();
            ends.push(std::fs::metadata(&path).unwrap().len() as usize);
        }
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut log, got) = Log::open(&path).unwrap();
            let complete = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
            assert_eq!(got, records()[..complete], "cut at {cut}");
            log.append(Mark::default(), &Record::Market).unwrap();
            let (_, again) = Log::open(&path).unwrap();
            assert_eq!(again.len(), complete + 1, "cut at {cut}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_flipped_bit_before_the_end_is_an_error_that_names_the_byte() {
        let folder = folder("flip");
        let path = folder.join("state");
        let (mut log, _) = Log::open(&path).unwrap();
        for (mark, record) in records() {
            log.append(mark, &record).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        for at in 16..whole.len() - 200 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            if let Ok((_, got)) = Log::open(&path) {
                // A length that grew past the end of the file looks like a torn tail: it loses records, never invents.
                assert_eq!(got, records()[..got.len()]);
                assert!(got.len() < records().len());
            }
        }
        std::fs::write(&path, b"something else").unwrap();
        assert!(Log::open(&path).unwrap_err().contains("not a state file"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn rewriting_replaces_the_file_and_appends_to_the_new_one() {
        let folder = folder("rewrite");
        let path = folder.join("state");
        let (mut log, _) = Log::open(&path).unwrap();
        for (mark, record) in records() {
            log.append(mark, &record).unwrap();
        }
        log.rewrite(records()[3..].iter()).unwrap();
        log.append(Mark::default(), &Record::Market).unwrap();
        let (_, got) = Log::open(&path).unwrap();
        assert_eq!(got.len(), 2);
        assert_eq!(got[0], records()[3]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
