//! History requests: past trades, read again from the source and served in chunks between live events.

use std::sync::{Arc, Mutex};

use qt_core::Event;
use qt_core::event::Kind;

use super::world::Subscription;
use crate::feed::{DAY_NS, Feed, business_days_back};
use crate::market::Print;
use crate::market::tape::Numbers;
use crate::scenario::{Scenario, Source};

/// Trades served before live events get their turn.
pub const CHUNK: usize = 1_000;

/// A running request.
pub struct Request {
    /// Whom to tell.
    pub asset: Subscription,
    /// Trades not yet served.
    pub left: std::vec::IntoIter<Print>,
    /// All of them.
    pub total: usize,
    /// Served so far.
    pub served: usize,
    /// Greatest progress told.
    pub progress: i32,
    /// Trades kept back until 100 was told.
    pub after_100: usize,
    /// The stall at 99 is over, or there is none.
    pub stalled: bool,
    /// Released when the request ends: one at a time.
    pub running: Arc<Mutex<Vec<usize>>>,
}

/// Trades of an instrument in `[start, end)`, ns UTC, none of them later than `now`.
///
/// # Errors
/// Text that says why the source cannot be read.
pub fn trades(
    scenario: &Scenario,
    instrument: usize,
    start: i64,
    end: i64,
    now: i64,
) -> Result<Vec<Print>, String> {
    let mut out = Vec::new();
    let mut days = business_days_back(scenario.history.days);
    days.reverse();
    if scenario.market.source == Source::Journal {
        days.clear();
    }
    let session = qt_venue::generator::DEFAULT_OPEN_NS;
    for back in days.into_iter().chain([0]) {
        let open = session - back * DAY_NS;
        let generated = scenario.market.source == Source::Generator;
        if generated && (end <= open - DAY_NS / 2 || start >= open + DAY_NS / 2) {
            continue;
        }
        let mut feed = Feed::open(&scenario.market, back)?;
        let mut numbers = Numbers::default();
        loop {
            let packet = feed.packet()?;
            if packet.is_empty() {
                break;
            }
            let own = |e: &&Event| e.kind == Kind::Trade as u8 && usize::from(e.instrument) == instrument;
            for event in packet.iter().filter(own) {
                let print = numbers.print(event);
                if print.ts >= start && print.ts < end && print.ts <= now {
                    out.push(print);
                }
            }
        }
    }
    for i in 0..scenario.history.sentinels.min(out.len()) {
        let at = i * out.len() / scenario.history.sentinels;
        out.insert(at, Print::default());
    }
    Ok(out)
}
