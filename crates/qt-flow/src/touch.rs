//! The touch: best bid and ask, and what changes of it mean for order flow.

use qt_core::book;
use qt_core::event::PX_NONE;

/// Best price and size of both sides, as evaluated after a packet.
///
/// A missing bid has the price −∞ ([`NO_BID`]), a missing ask +∞ ([`NO_ASK`]), both with size 0: with these the
/// formulas of order flow need no special case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// Best bid in ticks, or [`NO_BID`].
    pub bid_px: i32,
    /// Best ask in ticks, or [`NO_ASK`].
    pub ask_px: i32,
    /// Contracts at the best bid.
    pub bid_sz: i64,
    /// Contracts at the best ask.
    pub ask_sz: i64,
}

/// Price of a missing bid.
pub const NO_BID: i32 = i32::MIN;
/// Price of a missing ask.
pub const NO_ASK: i32 = i32::MAX;

impl Default for Touch {
    fn default() -> Self {
        Self { bid_px: NO_BID, ask_px: NO_ASK, bid_sz: 0, ask_sz: 0 }
    }
}

impl From<book::Touch> for Touch {
    #[inline(always)]
    fn from(t: book::Touch) -> Self {
        Self {
            bid_px: t.bid_px, // `PX_NONE` is the least price
            ask_px: if t.ask_px == PX_NONE { NO_ASK } else { t.ask_px },
            bid_sz: t.bid_sz,
            ask_sz: t.ask_sz,
        }
    }
}

impl Touch {
    /// Both sides are there.
    #[inline(always)]
    pub const fn two_sided(&self) -> bool {
        self.bid_px != NO_BID && self.ask_px != NO_ASK
    }

    /// The bid is not above or at the ask.
    #[inline(always)]
    pub const fn uncrossed(&self) -> bool {
        // The sentinels make this true for a missing side.
        self.bid_px < self.ask_px
    }

    /// Every side that is there shows its size. Some sources quote prices without sizes.
    #[inline(always)]
    pub const fn sized(&self) -> bool {
        (self.bid_sz > 0 || self.bid_px == NO_BID) && (self.ask_sz > 0 || self.ask_px == NO_ASK)
    }

    /// Ask less bid in ticks.
    #[inline(always)]
    pub const fn spread(&self) -> i64 {
        self.ask_px as i64 - self.bid_px as i64
    }

    /// Twice the mid in ticks.
    #[inline(always)]
    pub const fn mid2(&self) -> i64 {
        self.bid_px as i64 + self.ask_px as i64
    }
}

/// Order-flow event e_n of Cont, Kukanov and Stoikov (2014, *The Price Impact of Order Book Events*): what one
/// update of the touch added to buying pressure less selling pressure, in contracts.
#[inline(always)]
pub const fn order_flow(was: &Touch, is: &Touch) -> i64 {
    let bid = is.bid_sz * (is.bid_px >= was.bid_px) as i64 - was.bid_sz * (is.bid_px <= was.bid_px) as i64;
    let ask = is.ask_sz * (is.ask_px <= was.ask_px) as i64 - was.ask_sz * (is.ask_px >= was.ask_px) as i64;
    bid - ask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(bid_px: i32, bid_sz: i64, ask_px: i32, ask_sz: i64) -> Touch {
        Touch { bid_px, ask_px, bid_sz, ask_sz }
    }

    #[test]
    fn order_flow_by_hand() {
        let was = touch(100, 10, 101, 20);
        assert_eq!(order_flow(&was, &touch(100, 14, 101, 20)), 4, "bid added");
        assert_eq!(order_flow(&was, &touch(100, 10, 101, 15)), 5, "ask taken");
        assert_eq!(order_flow(&was, &touch(99, 30, 101, 20)), -10, "bid gone");
        assert_eq!(order_flow(&was, &touch(101, 3, 102, 8)), 3 + 20, "bid and ask up");
        assert_eq!(order_flow(&was, &touch(NO_BID, 0, 101, 20)), -10, "bid side empty");
        assert_eq!(order_flow(&touch(100, 10, NO_ASK, 0), &was), -20, "ask side filled");
    }

    #[test]
    fn swapped_sides_with_negated_prices_flip_the_sign() {
        let (was, is) = (touch(100, 10, 102, 20), touch(101, 7, 102, 25));
        let mirror = |t: Touch| touch(-t.ask_px, t.ask_sz, -t.bid_px, t.bid_sz);
        assert_eq!(order_flow(&mirror(was), &mirror(is)), -order_flow(&was, &is));
    }

    #[test]
    fn sizes_may_be_unknown() {
        assert!(!touch(100, 0, 101, 0).sized());
        assert!(!touch(100, -3, 101, 5).sized(), "no size is negative");
        assert!(touch(NO_BID, 0, 101, 3).sized());
        assert!(Touch::default().uncrossed() && !Touch::default().two_sided());
    }
}
