//! Volume that limit orders add near the touch.

use crate::mlofi::{self, Levels};
use crate::ofi::FlowRow;
use crate::window::{WindowId, Windows};

/// An increase of displayed size by one record of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Increase {
    /// 1 bid, −1 ask.
    pub side: i8,
    /// Price in ticks.
    pub px: i32,
    /// Contracts added.
    pub size: i64,
}

/// Contracts added at the best five levels; which levels are the best is known when the packet has ended.
#[derive(Debug, Clone, Default)]
pub struct Added {
    added: Windows<FlowRow>,
    packet: Vec<Increase>,
}

impl Added {
    /// Asks for the window `(t − ns, t]`.
    pub fn window(&mut self, ns: i64) -> WindowId {
        self.packet.reserve(64);
        self.added.add(ns)
    }

    /// Whether nobody asked for it.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.added.is_idle()
    }

    /// Takes an increase inside the packet.
    #[inline]
    pub fn note(&mut self, increase: Increase) {
        self.packet.push(increase);
    }

    /// Ends the packet: increases count at rows that are among the best five afterwards; `shown` says whether all of
    /// them are or none, where that is known. `None` for the levels discards them.
    pub fn end_packet(&mut self, ts: i64, levels: Option<&Levels>, shown: Option<bool>) {
        if let Some(levels) = levels.filter(|_| shown != Some(false)) {
            let shown = |i: &Increase| {
                shown.unwrap_or_else(|| match i.side {
                    1 => levels[..mlofi::LEVELS].iter().any(|l| l.bid_px == i.px),
                    _ => levels[..mlofi::LEVELS].iter().any(|l| l.ask_px == i.px),
                })
            };
            let flow: i64 = self.packet.iter().filter(|i| shown(i)).map(|i| i.size).sum();
            if flow != 0 {
                self.added.push(FlowRow { ts, flow });
            }
        }
        self.packet.clear();
    }

    /// How many increases the packet has brought so far.
    #[inline]
    pub fn count(&self) -> usize {
        self.packet.len()
    }

    /// Whether the packet has increased anything so far.
    pub fn pending(&self) -> bool {
        !self.packet.is_empty()
    }

    /// Ends every window at `now`.
    pub fn advance(&mut self, now: i64) {
        self.added.advance(now);
    }

    /// Contracts added over a window.
    pub fn sum(&self, id: WindowId) -> i64 {
        self.added.sums(id)
    }

    /// Before this time [`Added::advance`] has nothing to do.
    pub fn next_exit(&self) -> i64 {
        self.added.next_exit()
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.added.clear();
        self.packet.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_best_levels_count() {
        let mut a = Added::default();
        let w = a.window(10);
        let levels = |bids: &[i32], asks: &[i32]| {
            let mut out = Levels::default();
            for (l, px) in out.iter_mut().zip(bids) {
                l.bid_px = *px;
            }
            for (l, px) in out.iter_mut().zip(asks) {
                l.ask_px = *px;
            }
            out
        };
        for (side, px, size) in [(1, 100, 4), (1, 94, 8), (-1, 103, 16), (-1, 107, 32), (1, 98, 64)] {
            a.note(Increase { side, px, size });
        }
        // Bid 94 and ask 107 lie deeper; bid 98 was removed again in the same packet.
        a.end_packet(1, Some(&levels(&[100, 99, 97, 96, 95], &[101, 102, 103, 104, 105])), None);
        a.advance(1);
        assert_eq!(a.sum(w), 4 + 16);
        a.note(Increase { side: 1, px: 1, size: 1 });
        a.end_packet(2, None, None); // the touch was not good
        a.note(Increase { side: 1, px: 1, size: 2 });
        a.end_packet(3, Some(&levels(&[1], &[])), None);
        a.advance(3);
        assert_eq!(a.sum(w), 22);
    }
}
