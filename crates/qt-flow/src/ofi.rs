//! Windows over the order-flow events of the touch.

use crate::touch::{Touch, order_flow};
use crate::window::{Row, Sums, WindowId, Windows};

/// Signed contracts at one time.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowRow {
    /// Engine time, ns.
    pub ts: i64,
    /// Sum of e_n at that time.
    pub flow: i64,
}

impl Sums for i64 {
    #[inline]
    fn minus(&self, other: &Self) -> Self {
        self - other
    }
}

impl Row for FlowRow {
    type Sums = i64;
    type Small = i32;

    #[inline]
    fn ts(&self) -> i64 {
        self.ts
    }

    #[inline]
    fn add_to(&self, sum: &mut i64) {
        *sum += self.flow;
    }

    #[inline]
    fn merge(&mut self, later: &Self) -> bool {
        self.flow += later.flow;
        true
    }

    #[inline]
    fn small(&self) -> Option<i32> {
        self.flow.try_into().ok()
    }

    #[inline]
    fn whole(ts: i64, flow: i32) -> Self {
        Self { ts, flow: flow.into() }
    }
}

/// Depth shown by the touch updates of one time.
#[derive(Debug, Clone, Copy, Default)]
pub struct DepthRow {
    ts: i64,
    sums: DepthSums,
}

/// Sums over touch updates.
#[derive(Debug, Clone, Copy, Default)]
pub struct DepthSums {
    /// Bid plus ask contracts.
    pub depth: i64,
    /// Updates.
    pub n: i64,
}

impl Sums for DepthSums {
    fn minus(&self, o: &Self) -> Self {
        Self { depth: self.depth - o.depth, n: self.n - o.n }
    }
}

impl Row for DepthRow {
    type Sums = DepthSums;
    type Small = (u32, u16);

    fn ts(&self) -> i64 {
        self.ts
    }

    fn add_to(&self, s: &mut DepthSums) {
        s.depth += self.sums.depth;
        s.n += self.sums.n;
    }

    fn merge(&mut self, later: &Self) -> bool {
        later.add_to(&mut self.sums);
        true
    }

    #[inline]
    fn small(&self) -> Option<(u32, u16)> {
        Some((self.sums.depth.try_into().ok()?, self.sums.n.try_into().ok()?))
    }

    #[inline]
    fn whole(ts: i64, (depth, n): (u32, u16)) -> Self {
        Self { ts, sums: DepthSums { depth: depth.into(), n: n.into() } }
    }
}

/// Sum of the last n values.
#[derive(Debug, Clone)]
struct LastN {
    ring: Box<[i64]>,
    next: usize,
    seen: usize,
    sum: i64,
}

impl LastN {
    fn push(&mut self, value: i64) {
        self.sum += value - self.ring[self.next];
        self.ring[self.next] = value;
        self.next = if self.next + 1 == self.ring.len() { 0 } else { self.next + 1 };
        self.seen += 1;
    }
}

/// Order-flow imbalance of the touch: time windows, the last updates, and the depth they showed.
#[derive(Debug, Clone, Default)]
pub struct Ofi {
    flow: Windows<FlowRow>,
    depth: Windows<DepthRow>,
    last: Option<LastN>,
}

impl Ofi {
    /// Asks for Σ e_n over `(t − ns, t]`.
    pub fn window(&mut self, ns: i64) -> WindowId {
        self.flow.add(ns)
    }

    /// Asks for the depth shown over `(t − ns, t]`.
    pub fn depth_window(&mut self, ns: i64) -> WindowId {
        self.depth.add(ns)
    }

    /// Asks for Σ e_n over the last `n` updates; there is one such window.
    pub fn last_updates(&mut self, n: usize) {
        self.last = Some(LastN { ring: vec![0; n].into_boxed_slice(), next: 0, seen: 0, sum: 0 });
    }

    /// Takes an update of the touch.
    #[inline]
    pub fn push(&mut self, ts: i64, was: &Touch, is: &Touch) {
        let flow = order_flow(was, is);
        if !self.flow.is_idle() {
            self.flow.push(FlowRow { ts, flow });
        }
        if !self.depth.is_idle() {
            self.depth.push(DepthRow { ts, sums: DepthSums { depth: is.bid_sz + is.ask_sz, n: 1 } });
        }
        if let Some(last) = &mut self.last {
            last.push(flow);
        }
    }

    /// Ends every time window at `now`.
    #[inline]
    pub fn advance(&mut self, now: i64) {
        self.flow.advance(now);
        self.depth.advance(now);
    }

    /// Before this time [`Ofi::advance`] has nothing to do.
    #[inline(always)]
    pub fn next_exit(&self) -> i64 {
        self.flow.next_exit().min(self.depth.next_exit())
    }

    /// Σ e_n over a time window.
    #[inline]
    pub fn sum(&self, id: WindowId) -> i64 {
        self.flow.sums(id)
    }

    /// Depth over a time window.
    #[inline]
    pub fn depth(&self, id: WindowId) -> DepthSums {
        self.depth.sums(id)
    }

    /// Σ e_n over the last updates; `None` before so many in the session.
    pub fn last_sum(&self) -> Option<i64> {
        self.last.as_ref().filter(|l| l.seen >= l.ring.len()).map(|l| l.sum)
    }

    /// Starts a session.
    pub fn clear(&mut self) {
        self.flow.clear();
        self.depth.clear();
        if let Some(l) = &mut self.last {
            l.ring.fill(0);
            (l.next, l.seen, l.sum) = (0, 0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_last_updates() {
        let mut ofi = Ofi::default();
        let (w, d) = (ofi.window(10), ofi.depth_window(10));
        ofi.last_updates(2);
        let touch = |bid_sz| Touch { bid_px: 100, ask_px: 101, bid_sz, ask_sz: 5 };
        for (ts, was, is) in [(1, 10, 14), (1, 14, 13), (6, 13, 20)] {
            ofi.push(ts, &touch(was), &touch(is));
        }
        ofi.advance(10);
        assert_eq!((ofi.sum(w), ofi.last_sum()), (10, Some(6)));
        assert_eq!((ofi.depth(d).depth, ofi.depth(d).n), (19 + 18 + 25, 3));
        ofi.advance(11);
        assert_eq!((ofi.sum(w), ofi.depth(d).n), (7, 1));
        ofi.clear();
        assert_eq!((ofi.sum(w), ofi.last_sum()), (0, None));
    }
}
