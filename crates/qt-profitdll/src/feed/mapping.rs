//! What the vendor's numbers mean in our vocabulary: pure functions.

use qt_core::event::{PX_NONE, flag, phase, side};

use crate::codes::{ticker_state, trade_type};

/// Prices that are nearer than this to a tick, in ticks, are on it: room for the last bits of a double, no more.
const ON_TICK: f64 = 1e-6;

/// 1.5 times 2^52: added and taken away again it leaves the nearest integer, ties to even.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Price in ticks; `None` between two ticks, for what is no number, and for what does not fit. Takes the ticks per
/// point, because a division would be a tenth of a callback.
#[inline(always)]
pub(super) fn ticks(price: f64, ticks_per_point: f64) -> Option<i32> {
    let exact = price * ticks_per_point;
    let px = (exact + ROUND) - ROUND;
    let fits = (exact - px).abs() <= ON_TICK && px.abs() < -f64::from(PX_NONE);
    fits.then_some(px as i32)
}

/// Contracts, when the record can hold them.
#[inline(always)]
pub(super) fn contracts(qty: i64) -> Option<i32> {
    i32::try_from(qty).ok().filter(|&size| size > 0)
}

/// Aggressor and flags of a trade type.
#[inline(always)]
pub(super) const fn aggressor(code: u8) -> (i8, u16) {
    match code {
        trade_type::AGGRESSOR_BUYER => (side::BUY, 0),
        trade_type::AGGRESSOR_SELLER => (side::SELL, 0),
        trade_type::CROSS_TRADE => (side::NONE, flag::CROSS),
        trade_type::AUCTION => (side::NONE, flag::AUCTION),
        trade_type::RLP => (side::NONE, flag::RLP),
        _ => (side::NONE, 0),
    }
}

/// Side of a book: 0 buys, 1 sells.
#[inline(always)]
pub(super) const fn book_side(code: i32) -> Option<i8> {
    match code {
        0 => Some(side::BUY),
        1 => Some(side::SELL),
        _ => None,
    }
}

/// Phase that a ticker state begins: `OPEN` for 0, be it the first time or again; `None` for states that are not
/// documented.
pub(super) const fn ticker_phase(state: i32) -> Option<u8> {
    match state {
        ticker_state::OPEN => Some(phase::OPEN),
        ticker_state::FROZEN | ticker_state::INHIBITED => Some(phase::HALT),
        ticker_state::AUCTION | ticker_state::PRE_CLOSING | ticker_state::PRE_OPENING => Some(phase::AUCTION),
        ticker_state::CLOSED => Some(phase::CLOSED),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_on_the_grid_or_nowhere() {
        assert_eq!(ticks(5432.5, 1.0 / 0.5), Some(10_865));
        assert_eq!(ticks(137_005.0, 1.0 / 5.0), Some(27_401));
        assert_eq!(ticks(10.37, 1.0 / 0.01), Some(1_037));
        assert_eq!(ticks(-2.5, 1.0 / 0.5), Some(-5));
        assert_eq!(ticks(0.0, 1.0 / 0.5), Some(0));
        for off in
            [5_432.25, 5_432.500_01, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 1_073_741_824.0]
        {
            assert_eq!(ticks(off, 1.0 / 0.5), None, "{off}");
        }
        assert_eq!(ticks(-1_073_741_824.0, 1.0 / 0.5), None);
        assert_eq!(ticks(1_073_741_823.5, 1.0 / 0.5), Some(i32::MAX));
    }

    #[test]
    fn sizes_fit_or_are_none() {
        assert_eq!([0, -1, i64::MAX, 1 << 31].map(contracts), [None; 4]);
        assert_eq!([1, i64::from(i32::MAX)].map(contracts), [Some(1), Some(i32::MAX)]);
    }
}
