//! The market's events in packets: generated sessions or a journal, read as they are needed.

use std::path::Path;

use qt_core::Event;
use qt_core::event::Kind;
use qt_core::instrument::PRODUCTS;
use qt_core::journal::Journal;
use qt_venue::generator::DEFAULT_OPEN_NS;
use qt_venue::{SessionSpec, generate_session};
use serde::Deserialize;

use crate::scenario::{Market, Source};

/// Nanoseconds of a day.
pub const DAY_NS: i64 = 86_400_000_000_000;
/// Brasília is three hours behind UTC, all year since 2019.
pub const BRASILIA_NS: i64 = -3 * 3_600_000_000_000;
/// A packet longer than this is played in pieces.
const MAX_PACKET: usize = 4_096;

/// An instrument of the market and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Ticker.
    pub ticker: String,
    /// Exchange letter.
    pub exchange: String,
    /// Points per tick.
    pub tick_size: f64,
    /// Money per point and contract.
    pub point_value: f64,
    /// Name of the product.
    pub name: String,
    /// First price of the market, in ticks: where the limits and the last close come from.
    pub start_px: i32,
}

/// An instrument of a journal.
#[derive(Deserialize)]
struct Listed {
    /// Value of the `instrument` field of its events.
    index: u16,
    symbol: String,
    tick_size: f64,
    point_value: f64,
}

/// What is needed of a journal's header.
#[derive(Deserialize)]
struct Header {
    record_size: usize,
    instruments: Vec<Listed>,
}

fn journal(path: &str) -> Result<Journal, String> {
    Journal::open(Path::new(path)).map_err(|e| e.to_string())
}

/// The instruments of a journal.
fn listed(path: &str) -> Result<Vec<Listed>, String> {
    let journal = journal(path)?;
    let header: Header = serde_json::from_str(journal.header())
        .map_err(|e| format!("journal {path}: its header makes no sense ({e})"))?;
    if header.record_size != size_of::<Event>() {
        return Err(format!("journal {path}: its records have {} bytes, not 64", header.record_size));
    }
    Ok(header.instruments)
}

/// The next frame of a journal; `None` at its end.
fn next_frame(journal: &mut Journal) -> Result<Option<Vec<Event>>, String> {
    let mut frame = Vec::new();
    Ok(journal.read_frame(&mut frame).map_err(|e| e.to_string())?.then_some(frame))
}

/// The specs of a scenario's market and the index that its events carry for each.
///
/// # Errors
/// Text that names the journal, or the ticker whose numbers are not known.
pub fn specs(market: &Market) -> Result<Vec<Spec>, String> {
    let spec = |ticker: &str, tick: Option<f64>, value: Option<f64>| {
        let product = PRODUCTS.iter().find(|p| ticker.starts_with(p.code));
        let number = |given: Option<f64>, known: Option<f64>, what: &str| {
            given.or(known).ok_or_else(|| format!("[market] {what} of {ticker:?} is not known; give it"))
        };
        let tick_size = number(market.tick_size.or(tick), product.map(|p| p.tick_size), "tick_size")?;
        let point_value =
            number(market.point_value.or(value), product.map(|p| p.point_value), "point_value")?;
        Ok(Spec {
            ticker: ticker.into(),
            exchange: market.exchange.clone(),
            tick_size,
            point_value,
            name: product.map_or(ticker, |p| p.name).into(),
            start_px: start_px(ticker),
        })
    };
    if market.source == Source::Generator {
        return tickers(market).iter().map(|t| spec(t, None, None)).collect();
    }
    let listed = listed(&market.path)?;
    let mut specs = Vec::new();
    for index in 0..listed.len() as u16 {
        let found = listed.iter().find(|l| l.index == index);
        let found = found.ok_or_else(|| format!("journal {}: no instrument {index}", market.path))?;
        let single = !market.ticker.is_empty() && listed.len() == 1;
        let ticker = if single { &market.ticker } else { &found.symbol };
        specs.push(spec(ticker, Some(found.tick_size), Some(found.point_value))?);
    }
    if let Some(first) = first_price(market)? {
        for spec in &mut specs {
            spec.start_px = first;
        }
    }
    Ok(specs)
}

fn tickers(market: &Market) -> Vec<String> {
    match (&market.tickers[..], market.ticker.as_str()) {
        ([], "") => vec!["WDOU25".into()],
        ([], ticker) => vec![ticker.into()],
        (several, _) => several.to_vec(),
    }
}

/// Where a generated session starts: about 5,400 points for the dollar, 133,500 for the index.
fn start_px(ticker: &str) -> i32 {
    if ticker.starts_with("WIN") || ticker.starts_with("IND") { 26_700 } else { 10_800 }
}

fn first_price(market: &Market) -> Result<Option<i32>, String> {
    let mut journal = journal(&market.path)?;
    while let Some(frame) = next_frame(&mut journal)? {
        let priced = |e: &&Event| e.kind == Kind::Trade as u8 && e.px > 0;
        if let Some(e) = frame.iter().find(priced) {
            return Ok(Some(e.px));
        }
    }
    Ok(None)
}

/// The session of one generated instrument, on a day counted back from the default one.
fn session(market: &Market, ticker: &str, index: usize, back: i64) -> Result<Vec<Event>, String> {
    let seed = market.seed.wrapping_add(index as u64).wrapping_add((back as u64) << 32);
    generate_session(&SessionSpec {
        seed,
        duration_ns: (market.duration_s * 1e9) as i64,
        max_events: market.max_events,
        start_px: start_px(ticker),
        open_ns: DEFAULT_OPEN_NS - back * DAY_NS,
        intensity: market.intensity,
        instrument: index as u16,
        ..SessionSpec::default()
    })
}

enum Reader {
    /// All sessions, merged.
    Events(std::vec::IntoIter<Event>),
    Journal(Journal, std::vec::IntoIter<Event>),
}

/// Packets of the market, in order.
pub struct Feed {
    reader: Reader,
    held: Option<Event>,
}

impl Feed {
    /// The market of a scenario, from its start; `back` business days earlier for generated ones.
    ///
    /// # Errors
    /// Text that names the journal or the setting that is wrong.
    pub fn open(market: &Market, back: i64) -> Result<Self, String> {
        let reader = if market.source == Source::Journal {
            Reader::Journal(journal(&market.path)?, Vec::new().into_iter())
        } else {
            let mut all = Vec::new();
            for (index, ticker) in tickers(market).iter().enumerate() {
                all.extend(session(market, ticker, index, back)?);
            }
            // A stable sort by arrival keeps every packet together: its records arrive at one time.
            all.sort_by_key(|e| e.ts_recv);
            Reader::Events(all.into_iter())
        };
        Ok(Self { reader, held: None })
    }

    fn next(&mut self) -> Result<Option<Event>, String> {
        if let Some(e) = self.held.take() {
            return Ok(Some(e));
        }
        match &mut self.reader {
            Reader::Events(events) => Ok(events.next()),
            Reader::Journal(journal, frame) => loop {
                if let Some(e) = frame.next() {
                    return Ok(Some(e));
                }
                match next_frame(journal)? {
                    Some(events) => *frame = events.into_iter(),
                    None => return Ok(None),
                }
            },
        }
    }

    /// The next packet; empty at the end.
    ///
    /// # Errors
    /// Text that says where the journal is corrupt.
    pub fn packet(&mut self) -> Result<Vec<Event>, String> {
        let mut packet: Vec<Event> = Vec::new();
        while let Some(e) = self.next()? {
            if packet.first().is_some_and(|first| first.instrument != e.instrument) {
                self.held = Some(e);
                break;
            }
            packet.push(e);
            if e.ends_packet() || packet.len() == MAX_PACKET {
                break;
            }
        }
        Ok(packet)
    }
}

/// Business days counted back from the day of a generated session.
#[must_use]
pub fn business_days_back(n: u32) -> Vec<i64> {
    let day = qt_core::calendar::Date::from_days((DEFAULT_OPEN_NS / DAY_NS) as i32);
    (1..).filter(|&back| day.plus(-back).weekday() < 5).take(n as usize).map(i64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_generated_markets_come_merged_in_whole_packets() {
        let market = Market {
            tickers: vec!["WDOU25".into(), "WINQ25".into()],
            max_events: 3_000,
            ..Market::default()
        };
        let specs = specs(&market).unwrap();
        assert_eq!((specs[0].tick_size, specs[1].point_value), (0.5, 0.2));
        let mut feed = Feed::open(&market, 0).unwrap();
        let (mut last, mut seen) = (0, [0; 2]);
        loop {
            let packet = feed.packet().unwrap();
            let Some(e) = packet.last() else { break };
            assert!(e.ends_packet() && packet.iter().all(|p| p.instrument == e.instrument));
            assert!(e.ts_recv >= last);
            last = e.ts_recv;
            seen[usize::from(e.instrument)] += packet.len();
        }
        assert!(seen[0] >= 3_000 && seen[1] >= 3_000, "{seen:?}");
    }

    /// The journal that the recorder's writer and its other readers are held to as well.
    #[test]
    fn a_recording_is_played_as_far_as_it_is_whole() {
        let golden = include_bytes!("../../../tests/golden/journal.qtj");
        let play = |name: &str, bytes: &[u8]| {
            let path = std::env::temp_dir().join(format!("qt-sim-{}-{name}.qtj", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            let path = path.to_str().unwrap().to_owned();
            let market = Market { source: Source::Journal, path: path.clone(), ..Market::default() };
            let played = specs(&market).and_then(|specs| {
                let (mut feed, mut played) = (Feed::open(&market, 0)?, 0);
                while let n @ 1.. = feed.packet()?.len() {
                    played += n;
                }
                Ok((specs.len(), played))
            });
            std::fs::remove_file(path).unwrap();
            played
        };
        let instruments = play("whole", golden).unwrap().0;
        assert_eq!(play("whole", golden), Ok((instruments, 3)));
        assert!(play("torn", &golden[..golden.len() - 1]).unwrap().1 < 3);
        let mut bad = golden.to_vec();
        bad[golden.len() - 1] ^= 1;
        assert!(play("bad", &bad).unwrap_err().contains("checksum"));
        assert!(play("short", b"QTJRNL").unwrap_err().contains("ends inside its header"));
        // A header of other records, with its checksum.
        let header = br#"{"record_size":32,"instruments":[]}"#;
        let mut other = qt_core::journal::MAGIC.to_vec();
        other.extend((header.len() as u32).to_le_bytes());
        other.extend(crc32fast::hash(header).to_le_bytes());
        other.extend(header);
        assert!(play("other", &other).unwrap_err().contains("32 bytes"));
    }

    #[test]
    fn unknown_products_need_numbers() {
        let market = Market { ticker: "ESZ5".into(), ..Market::default() };
        assert!(specs(&market).unwrap_err().contains("tick_size"));
        let market = Market { tick_size: Some(0.25), point_value: Some(50.0), ..market };
        assert_eq!(specs(&market).unwrap()[0].tick_size, 0.25);
    }

    #[test]
    fn history_days_are_business_days() {
        // The session is on Monday 2025-08-04: the days before it are Friday to Monday.
        assert_eq!(business_days_back(5), [3, 4, 5, 6, 7]);
    }
}
