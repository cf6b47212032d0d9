//! The tape: prints, their windows and the session's sums.

use qt_core::event::PX_NONE;

use crate::contents::{Contents, ContentsId};
use crate::window::{Row, Sums, WindowId, Windows};

/// A trade that counts as volume, with its aggressor side after the signing rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Print {
    /// Engine time, ns.
    pub ts: i64,
    /// Price in ticks.
    pub px: i32,
    /// Contracts, positive.
    pub size: i32,
    /// Broker of the aggressor, 0 unknown or unsigned.
    pub broker: i32,
    /// 1 buyer aggressor, −1 seller aggressor, 0 unsigned.
    pub side: i8,
}

/// Exact sums over prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TradeSums {
    /// Contracts bought by aggressors.
    pub buy: i64,
    /// Contracts sold by aggressors.
    pub sell: i64,
    /// Contracts traded, signed or not.
    pub volume: i64,
    /// Prints with a buyer aggressor.
    pub n_buy: i64,
    /// Prints with a seller aggressor.
    pub n_sell: i64,
    /// Prints, signed or not.
    pub n: i64,
}

impl TradeSums {
    /// Contracts bought less contracts sold.
    #[inline]
    pub const fn delta(&self) -> i64 {
        self.buy - self.sell
    }

    /// Contracts with a known aggressor.
    #[inline]
    pub const fn signed(&self) -> i64 {
        self.buy + self.sell
    }
}

impl Sums for TradeSums {
    #[inline]
    fn minus(&self, o: &Self) -> Self {
        Self {
            buy: self.buy - o.buy,
            sell: self.sell - o.sell,
            volume: self.volume - o.volume,
            n_buy: self.n_buy - o.n_buy,
            n_sell: self.n_sell - o.n_sell,
            n: self.n - o.n,
        }
    }
}

impl Row for Print {
    type Sums = TradeSums;
    type Small = (i32, i32, i16, i8);

    #[inline]
    fn ts(&self) -> i64 {
        self.ts
    }

    #[inline]
    fn add_to(&self, s: &mut TradeSums) {
        let size = i64::from(self.size);
        let (buys, sells) = (i64::from(self.side > 0), i64::from(self.side < 0));
        s.buy += size * buys;
        s.sell += size * sells;
        s.volume += size;
        s.n_buy += buys;
        s.n_sell += sells;
        s.n += 1;
    }

    #[inline]
    fn small(&self) -> Option<(i32, i32, i16, i8)> {
        Some((self.px, self.size, self.broker.try_into().ok()?, self.side))
    }

    #[inline]
    fn whole(ts: i64, (px, size, broker, side): (i32, i32, i16, i8)) -> Self {
        Self { ts, px, size, broker: broker.into(), side }
    }
}

/// The last `contracts` contracts of the session, the oldest print split.
#[derive(Debug, Clone)]
struct ContractWindow {
    contracts: i64,
    /// Position of the oldest print inside.
    cursor: u64,
    left: TradeSums,
}

/// The prints of the session.
#[derive(Debug, Clone)]
pub struct Tape {
    windows: Windows<Print>,
    by_contracts: Option<ContractWindow>,
    contents: Vec<Contents>,
    /// Earliest time at which a print may leave one of `contents`.
    contents_exit: i64,
    /// Price of the last print of the session, `PX_NONE` before it.
    pub last_px: i32,
    /// Sign of the last price change between prints of the session, 0 before one.
    pub tick: i8,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            windows: Windows::default(),
            by_contracts: None,
            contents: Vec::new(),
            contents_exit: i64::MAX,
            last_px: PX_NONE,
            tick: 0,
        }
    }
}

impl Tape {
    /// Asks for the window `(t − ns, t]`.
    pub fn window(&mut self, ns: i64) -> WindowId {
        self.windows.add(ns)
    }

    /// Asks for the window of the last `contracts` contracts; there is one such window.
    pub fn contract_window(&mut self, contracts: i64) {
        self.by_contracts =
            Some(ContractWindow { contracts, cursor: self.windows.head(), left: *self.windows.totals() });
        self.windows.keep_from(self.windows.head());
    }

    /// Asks for parts of the contents of the window `(t − ns, t]`; see [`part`](crate::contents::part).
    pub fn contents_window(&mut self, ns: i64, parts: u8) -> ContentsId {
        let known = self.contents.iter().position(|c| c.length() == ns);
        let k = known.unwrap_or_else(|| {
            self.contents.push(Contents::new(ns, self.windows.cursor()));
            self.contents.len() - 1
        });
        self.contents[k].want(parts);
        ContentsId(k)
    }

    /// Takes the sign of a price change into account; the caller signs the print afterwards.
    #[inline]
    pub fn see_price(&mut self, px: i32) {
        if self.last_px != PX_NONE && px != self.last_px {
            self.tick = if px > self.last_px { 1 } else { -1 };
        }
        self.last_px = px;
    }

    /// Adds a print.
    #[inline]
    pub fn push(&mut self, print: Print) {
        if print.ts >= self.contents_exit {
            self.expire_contents(print.ts); // first, so that the ring need not keep what leaves
        }
        self.windows.push(print);
        if let Some(w) = &mut self.by_contracts {
            while w.cursor < self.windows.head() {
                let oldest = self.windows.row(w.cursor);
                let inside = self.windows.totals().volume - w.left.volume;
                if inside - i64::from(oldest.size) < w.contracts {
                    break;
                }
                oldest.add_to(&mut w.left);
                w.cursor += 1;
            }
        }
        for c in &mut self.contents {
            c.push(&print);
            self.contents_exit = self.contents_exit.min(print.ts.saturating_add(c.length()));
        }
        self.hold();
    }

    /// Tells the ring what is read besides its windows.
    #[inline]
    fn hold(&mut self) {
        let contracts = self.by_contracts.as_ref().map(|w| w.cursor);
        if let Some(oldest) = self.contents.iter().map(Contents::first).chain(contracts).min() {
            self.windows.keep_from(oldest);
        }
    }

    fn expire_contents(&mut self, now: i64) {
        self.contents_exit = i64::MAX;
        for c in &mut self.contents {
            self.contents_exit = self.contents_exit.min(c.expire(&self.windows, now));
        }
        self.hold();
    }

    /// Ends every time window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        self.windows.advance(now);
        if now >= self.contents_exit {
            self.expire_contents(now);
        }
    }

    /// Before this time [`Tape::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.windows.next_exit().min(self.contents_exit)
    }

    /// Contents of a time window.
    #[inline]
    pub fn contents(&self, id: ContentsId) -> &Contents {
        &self.contents[id.0]
    }

    /// Sums over a time window.
    #[inline]
    pub fn sums(&self, id: WindowId) -> TradeSums {
        self.windows.sums(id)
    }

    /// Sums over the session.
    #[inline]
    pub fn session(&self) -> &TradeSums {
        self.windows.totals()
    }

    /// Last print at or before the start of the window, in this session.
    #[inline]
    pub fn before(&self, id: WindowId) -> Option<Print> {
        self.windows.last_left(id)
    }

    /// `(bought, sold)` within the last contracts; `None` before so many traded in the session.
    pub fn contract_sums(&self) -> Option<(i64, i64)> {
        let w = self.by_contracts.as_ref()?;
        let inside = self.windows.totals().minus(&w.left);
        let excess = inside.volume - w.contracts;
        if excess < 0 {
            return None;
        }
        let side = if excess > 0 { self.windows.row(w.cursor).side } else { 0 };
        Some((inside.buy - excess * i64::from(side > 0), inside.sell - excess * i64::from(side < 0)))
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.windows.clear();
        if let Some(w) = &mut self.by_contracts {
            w.cursor = 0;
            w.left = TradeSums::default();
        }
        for c in &mut self.contents {
            c.clear();
        }
        self.contents_exit = i64::MAX;
        self.last_px = PX_NONE;
        self.tick = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::part;

    fn print(ts: i64, size: i32, side: i8) -> Print {
        Print { ts, px: 100, size, side, ..Print::default() }
    }

    #[test]
    fn sums_sign_and_count() {
        let mut tape = Tape::default();
        let id = tape.window(10);
        for p in [print(1, 5, 1), print(2, 3, -1), print(3, 9, 0)] {
            tape.push(p);
        }
        tape.advance(3);
        let s = tape.sums(id);
        assert_eq!((s.buy, s.sell, s.volume, s.n_buy, s.n_sell, s.n), (5, 3, 17, 1, 1, 3));
        tape.advance(12);
        assert_eq!(tape.sums(id).volume, 9);
        assert_eq!(tape.session().volume, 17);
        assert_eq!(tape.before(id).map(|p| p.ts), Some(2));
    }

    #[test]
    fn the_oldest_print_of_a_contract_window_is_split() {
        let mut tape = Tape::default();
        tape.contract_window(10);
        tape.push(print(1, 6, 1));
        assert_eq!(tape.contract_sums(), None);
        tape.push(print(2, 7, -1)); // 3 of the 6 bought are still inside
        assert_eq!(tape.contract_sums(), Some((3, 7)));
        tape.push(print(3, 3, 0)); // the bought ones are out
        assert_eq!(tape.contract_sums(), Some((0, 7)));
        tape.push(print(4, 40, 1)); // one print larger than the window
        assert_eq!(tape.contract_sums(), Some((10, 0)));
    }

    #[test]
    fn contents_share_the_ring_with_the_windows() {
        let mut tape = Tape::default();
        tape.contract_window(3);
        let short = tape.contents_window(10, part::POWERS | part::SIZES);
        assert_eq!(tape.contents_window(10, part::BROKERS), short);
        let long = tape.contents_window(2_000, part::CLASSES);
        // More than the ring holds at first, so that it grows and wraps.
        for ts in 0..9_000 {
            tape.push(Print { ts, px: 1, size: 1 + (ts % 60) as i32, broker: 1 + (ts % 2) as i32, side: -1 });
        }
        tape.advance(9_003);
        // 8,994 to 8,999: sizes 55 to 60
        let c = tape.contents(short);
        assert_eq!(
            (c.sizes.len(), c.sizes.select(0), c.sizes.select(5), c.brokers.volume()),
            (6, 55, 60, 345)
        );
        assert_eq!(c.classes.count, [0; 5]);
        let c = tape.contents(long).classes;
        assert_eq!(c.count.iter().sum::<i64>(), 1_996);
        assert_eq!(c.net[1], -c.volume[1]);
        assert_eq!(tape.next_exit(), 9_004);
        tape.clear();
        assert!(tape.contents(short).sizes.is_empty());
        assert_eq!(tape.next_exit(), i64::MAX);
    }

    #[test]
    fn ticks_keep_the_sign_of_the_last_change() {
        let mut tape = Tape::default();
        let signs: Vec<i8> = [10, 10, 11, 11, 9]
            .iter()
            .map(|&px| {
                tape.see_price(px);
                tape.tick
            })
            .collect();
        assert_eq!(signs, [0, 0, 1, 1, -1]);
    }
}
