//! Trades as the vendor tells them, and the day's aggregates.

use qt_core::Event;
use qt_core::event::{flag, side};

/// The vendor's trade types that a market of ours can print.
pub mod trade_type {
    /// Both sides from one participant.
    pub const CROSS: u8 = 1;
    /// The buyer was the aggressor.
    pub const BUYER: u8 = 2;
    /// The seller was the aggressor.
    pub const SELLER: u8 = 3;
    /// Printed in a call auction.
    pub const AUCTION: u8 = 4;
    /// Retail liquidity provider.
    pub const RLP: u8 = 13;
    /// Nothing is known about the sides.
    pub const UNKNOWN: u8 = 32;
}

/// One trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Print {
    /// Unique per instrument and day.
    pub number: u32,
    /// Exchange time, ns UTC; 0 in sentinel records.
    pub ts: i64,
    /// Price in ticks.
    pub px: i32,
    /// Contracts.
    pub size: i64,
    /// Buying broker, 0 unknown.
    pub buyer: i32,
    /// Selling broker, 0 unknown.
    pub seller: i32,
    /// A code of [`trade_type`].
    pub kind: u8,
    /// Corrects or cancels the trade with this number.
    pub edit: bool,
}

/// Gives every trade its number: the event's id where it fits, otherwise a count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers(u32);

impl Numbers {
    /// The print of a trade event.
    pub fn print(&mut self, e: &Event) -> Print {
        let own = u32::try_from(e.id).ok().filter(|&id| id > 0);
        let number = own.unwrap_or_else(|| {
            self.0 = self.0.wrapping_add(1);
            self.0
        });
        Print {
            number,
            ts: e.ts_event,
            px: e.px,
            size: e.size.into(),
            buyer: e.ref_a,
            seller: e.ref_b,
            kind: kind(e),
            edit: e.flags & (flag::EDITED | flag::CANCELLED) != 0,
        }
    }
}

fn kind(e: &Event) -> u8 {
    if e.has(flag::AUCTION) {
        trade_type::AUCTION
    } else if e.has(flag::CROSS) {
        trade_type::CROSS
    } else if e.has(flag::RLP) {
        trade_type::RLP
    } else {
        match e.side {
            side::BUY => trade_type::BUYER,
            side::SELL => trade_type::SELLER,
            _ => trade_type::UNKNOWN,
        }
    }
}

/// The day so far. Money is in ticks × contracts; whoever tells it multiplies by the value of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Daily {
    /// Time of the last trade, ns UTC.
    pub ts: i64,
    /// First, greatest, least and last price in ticks.
    pub ohlc: [i32; 4],
    /// Contracts and trades.
    pub total: [i64; 2],
    /// Contracts and trades with a buying aggressor.
    pub bought: [i64; 2],
    /// Contracts and trades with a selling aggressor.
    pub sold: [i64; 2],
    /// Ticks × contracts of all trades, of the bought, of the sold.
    pub turnover: [i64; 3],
}

impl Daily {
    /// Adds a trade. Corrections change nothing here.
    pub fn add(&mut self, print: &Print) {
        if print.edit || print.size <= 0 {
            return;
        }
        if self.total[1] == 0 {
            self.ohlc = [print.px; 4];
        }
        let [_, high, low, close] = &mut self.ohlc;
        (*high, *low, *close) = ((*high).max(print.px), (*low).min(print.px), print.px);
        self.ts = print.ts;
        let money = i64::from(print.px) * print.size;
        let count = |at: &mut [i64; 2]| {
            at[0] += print.size;
            at[1] += 1;
        };
        count(&mut self.total);
        self.turnover[0] += money;
        match print.kind {
            trade_type::BUYER => {
                count(&mut self.bought);
                self.turnover[1] += money;
            }
            trade_type::SELLER => {
                count(&mut self.sold);
                self.turnover[2] += money;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64, side: i8, flags: u16) -> Event {
        Event { id, side, flags, px: 100, size: 3, ..Event::default() }
    }

    #[test]
    fn numbers_are_ids_where_they_fit() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.print(&event(77, 1, 0)).number, 77);
        assert_eq!(numbers.print(&event(0, 1, 0)).number, 1);
        assert_eq!(numbers.print(&event(1 << 40, 1, 0)).number, 2);
    }

    #[test]
    fn types_say_who_was_the_aggressor() {
        let of = |side, flags| kind(&event(1, side, flags));
        assert_eq!([of(1, 0), of(-1, 0), of(0, 0)], [2, 3, 32]);
        assert_eq!([of(0, flag::AUCTION), of(0, flag::CROSS), of(0, flag::RLP)], [4, 1, 13]);
    }

    #[test]
    fn the_day_adds_up_and_edits_do_not_count() {
        let mut day = Daily::default();
        for (px, size, kind, edit) in
            [(100, 2, 2, false), (103, 1, 3, false), (99, 5, 4, false), (1, 9, 2, true)]
        {
            day.add(&Print { px, size, kind, edit, ..Print::default() });
        }
        assert_eq!(day.ohlc, [100, 103, 99, 99]);
        assert_eq!((day.total, day.bought, day.sold), ([8, 3], [2, 1], [1, 1]));
        assert_eq!(day.turnover, [200 + 103 + 495, 200, 103]);
    }
}
