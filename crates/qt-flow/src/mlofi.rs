//! Order-flow imbalance over the best five levels.

use crate::ofi::FlowRow;
use crate::touch::{NO_ASK, NO_BID, Touch, order_flow};
use crate::window::{WindowId, Windows};

/// Levels that the multi-level imbalance looks at.
pub const LEVELS: usize = 5;

/// Levels kept at most.
pub const DEPTH: usize = 10;

/// The best occupied levels of both sides, as one touch per level; as many as somebody asked for, the rest empty.
pub type Levels = [Touch; DEPTH];

/// Multi-level order-flow imbalance with the weights 0.5^(m−1), kept in sixteenths so that sums are exact.
#[derive(Debug, Clone, Default)]
pub struct Mlofi {
    flow: Windows<FlowRow>,
    reference: Option<[Touch; LEVELS]>,
}

impl Mlofi {
    /// Asks for the window `(t − ns, t]`.
    pub fn window(&mut self, ns: i64) -> WindowId {
        self.flow.add(ns)
    }

    /// Takes the levels after a packet.
    pub fn push(&mut self, ts: i64, levels: &Levels) {
        if let Some(was) = &self.reference {
            let mut sixteenths = 0;
            for (m, (was, is)) in was.iter().zip(levels).enumerate() {
                if was != is {
                    sixteenths += order_flow(was, is) << (LEVELS - 1 - m);
                }
            }
            if sixteenths != 0 {
                self.flow.push(FlowRow { ts, flow: sixteenths });
            }
        }
        self.reference = levels[..LEVELS].try_into().ok();
    }

    /// Takes a packet that gave one level of a side (0 bid, 1 ask) `by` contracts more and changed nothing else of the
    /// levels; there are levels to compare with.
    #[inline]
    pub fn resize(&mut self, ts: i64, side: usize, rank: usize, by: i64) {
        let Some(level) = self.reference.as_mut().and_then(|levels| levels.get_mut(rank)) else { return };
        // At the same price an order-flow event is the change of the size.
        let flow = if side == 0 {
            level.bid_sz += by;
            by
        } else {
            level.ask_sz += by;
            -by
        };
        self.flow.push(FlowRow { ts, flow: flow << (LEVELS - 1 - rank) });
    }

    /// Whether levels have been taken that the next ones are compared with.
    pub fn has_reference(&self) -> bool {
        self.reference.is_some()
    }

    /// The next levels only set the reference.
    pub fn forget_reference(&mut self) {
        self.reference = None;
    }

    /// Ends every window at `now`.
    pub fn advance(&mut self, now: i64) {
        self.flow.advance(now);
    }

    /// Σ_m w_m MLOFI_m / Σ w_m over a window: sixteenths over 31 sixteenths.
    pub fn value(&self, id: WindowId) -> f64 {
        self.flow.sums(id) as f64 / f64::from((1 << LEVELS) - 1)
    }

    /// Before this time [`Mlofi::advance`] has nothing to do.
    pub fn next_exit(&self) -> i64 {
        self.flow.next_exit()
    }

    /// Starts a session; the reference stays, as the book does.
    pub fn clear(&mut self) {
        self.flow.clear();
    }
}

/// Contracts on the bid and ask side of these levels.
pub fn depth(levels: &[Touch]) -> (i64, i64) {
    levels.iter().fold((0, 0), |(b, a), l| {
        debug_assert!(l.bid_px != NO_BID || l.bid_sz == 0);
        debug_assert!(l.ask_px != NO_ASK || l.ask_sz == 0);
        (b + l.bid_sz, a + l.ask_sz)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(bids: &[(i32, i64)], asks: &[(i32, i64)]) -> Levels {
        let mut out = Levels::default();
        for (level, &(px, size)) in out.iter_mut().zip(bids) {
            (level.bid_px, level.bid_sz) = (px, size);
        }
        for (level, &(px, size)) in out.iter_mut().zip(asks) {
            (level.ask_px, level.ask_sz) = (px, size);
        }
        out
    }

    #[test]
    fn weights_halve_per_level() {
        let mut m = Mlofi::default();
        let w = m.window(100);
        m.push(1, &levels(&[(10, 5), (9, 5)], &[(11, 5)]));
        m.push(2, &levels(&[(10, 8), (9, 7)], &[(11, 5), (13, 2)]));
        m.advance(2);
        // Level 1: +3. Level 2: bid +2, ask 13 appears with 2, which sells: −2. Weighted: 3·16 / 31.
        assert_eq!(m.value(w), 48.0 / 31.0);
        m.resize(2, 0, 1, -3);
        m.resize(2, 1, 0, -2);
        m.push(3, &levels(&[(10, 8), (9, 4)], &[(11, 3), (13, 2)]));
        m.advance(3);
        assert_eq!(m.value(w), (48.0 - 3.0 * 8.0 + 2.0 * 16.0) / 31.0);
        m.push(3, &levels(&[(10, 8), (9, 7)], &[(11, 5), (13, 2)]));
        m.forget_reference();
        m.push(3, &levels(&[(8, 1)], &[]));
        m.advance(3);
        assert_eq!(m.value(w), 48.0 / 31.0);
        assert_eq!(depth(&levels(&[(10, 8), (9, 7)], &[(11, 5)])), (15, 5));
    }
}
