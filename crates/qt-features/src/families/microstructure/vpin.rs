//! Volume-synchronised probability of informed trading.

use crate::fitted::VpinBucket;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 131,
        name: "vpin_50",
        family: Family::Microstructure,
        definition: "mean |B−S|/V* of the last 50 closed volume buckets; V* = ⌊mean volume of the 5 sessions before/50⌋, at least 1, or as given (for sessions that start at or after the end of the data it was fitted to, NaN before); prints are split across buckets, unsigned ones count in V only; the open bucket is dropped at a session start",
        window: Window::Buckets(50),
        range: (0.0, 1.0),
        warmup: Warmup::Items(50),
        reset: Reset::Roll,
        swap_sides: Symmetry::Keeps,
        scale_sizes: Symmetry::Open,
        update: "U9",
        source: "Easley-López de Prado-O'Hara 2012",
        ..Spec::ORDER_FLOW
    },
    Spec {
        number: 132,
        name: "vpin_bvc_50",
        family: Family::Microstructure,
        definition: "the same with bars in place of prints: of a bar's volume the share Φ(ΔC/σ) was bought, σ = population sd of the last 60 ΔC; a bar before 60 of them fills no bucket, σ = 0 gives one half",
        inputs: &[Input::B],
        window: Window::Buckets(50),
        range: (0.0, 1.0),
        warmup: Warmup::Items(50),
        reset: Reset::Roll,
        swap_sides: Symmetry::Open,
        scale_sizes: Symmetry::Open,
        update: "U9",
        source: "Easley-López de Prado-O'Hara 2012",
        ..Spec::ORDER_FLOW
    },
];

/// Closed buckets that the mean is taken over.
const BUCKETS: usize = 50;
/// Sessions whose volume makes the size of a bucket.
const SESSIONS: usize = 5;
/// Changes of the close that the deviation is taken over.
const CHANGES: usize = 60;

/// Volume of the sessions before, and the bucket size it gives.
#[derive(Clone, Default)]
struct BucketSize {
    configured: Option<VpinBucket>,
    sessions: Last<i64, SESSIONS>,
    /// Volume of the session so far.
    volume: i64,
}

impl BucketSize {
    /// A session starts: the size of its buckets, where it is known. Sessions without volume do not count.
    fn session(&mut self, start: i64) -> Option<i64> {
        let volume = std::mem::take(&mut self.volume);
        if volume > 0 {
            self.sessions.push(volume);
        }
        if let Some(given) = self.configured {
            return (start >= given.from).then_some(given.contracts);
        }
        self.sessions.full().then(|| {
            let total: i64 = self.sessions.values().iter().sum();
            (total / (SESSIONS * BUCKETS) as i64).max(1)
        })
    }
}

/// The open bucket and the imbalances of the closed ones. `buy` is what is known to be bought, `sell` sold: numbers
/// of contracts that bars make fractional.
#[derive(Clone, Default)]
struct Bucketed {
    size: Option<i64>,
    filled: i64,
    net: f64,
    closed: Last<f64, BUCKETS>,
    value: f64,
}

impl Bucketed {
    fn session(&mut self, size: Option<i64>) {
        (self.size, self.filled, self.net) = (size, 0, 0.0);
    }

    /// Takes contracts of which each is worth `net` bought less sold.
    fn fill(&mut self, contracts: i64, net: f64) {
        let Some(size) = self.size else { return };
        let first = contracts.min(size - self.filled);
        self.add(first, net, size);
        let rest = contracts - first;
        // Of a print that fills many buckets only the last ones are remembered.
        for _ in 0..(rest / size).min(BUCKETS as i64) {
            self.add(size, net, size);
        }
        self.add(rest % size, net, size);
    }

    fn add(&mut self, contracts: i64, net: f64, size: i64) {
        self.filled += contracts;
        self.net += contracts as f64 * net;
        if self.filled == size {
            self.closed.push((self.net / size as f64).abs().min(1.0));
            (self.filled, self.net) = (0, 0.0);
            self.value = if self.closed.full() {
                (0..BUCKETS).rev().filter_map(|k| self.closed.back(k)).sum::<f64>() / BUCKETS as f64
            } else {
                f64::NAN
            };
        }
    }
}

struct Vpin {
    size: BucketSize,
    buckets: Bucketed,
}

impl Feature for Vpin {
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {
        self.buckets.value
    }

    fn on_print(&mut self, p: &Print, _flow: &Flow) {
        self.size.volume += i64::from(p.size);
        self.buckets.fill(i64::from(p.size), f64::from(p.side));
    }

    fn on_session_start(&mut self, start: i64) {
        self.buckets.session(self.size.session(start));
    }

    fn on_roll(&mut self) {
        self.size = BucketSize { configured: self.size.configured, ..BucketSize::default() };
        self.buckets = Bucketed { value: f64::NAN, ..Bucketed::default() };
    }
}

#[derive(Clone)]
struct BulkVpin {
    size: BucketSize,
    buckets: Bucketed,
    before: Option<i32>,
    changes: Moments<CHANGES>,
}

/// Standard normal distribution function.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

impl Rule for BulkVpin {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.size.volume += bar.volume;
        if let Some(before) = self.before.replace(bar.close) {
            let change = i64::from(bar.close) - i64::from(before);
            self.changes.push(change);
            if self.changes.full() {
                let spread = self.changes.spread();
                let z = if spread == 0.0 { 0.0 } else { (change * CHANGES as i64) as f64 / spread };
                self.buckets.fill(bar.volume, 2.0 * normal(z) - 1.0);
            }
        }
        self.buckets.value
    }

    fn session(&mut self, start: i64, held: f64) -> f64 {
        self.buckets.session(self.size.session(start));
        held
    }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let size = BucketSize { configured: setup.fitted.vpin_bucket, ..BucketSize::default() };
    let buckets = Bucketed { value: f64::NAN, ..Bucketed::default() };
    if spec.name == SPECS[0].name {
        setup.changes_with(cause::PRINT);
        setup.on_prints();
        Box::new(Vpin { size, buckets })
    } else {
        held(BulkVpin { size, buckets, before: None, changes: Moments::default() }, setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_are_split_across_buckets() {
        let mut b = Bucketed { value: f64::NAN, ..Bucketed::default() };
        b.session(Some(10));
        b.fill(4, 1.0);
        b.fill(3, -1.0);
        b.fill(5, 1.0); // 3 complete the first bucket: 7 bought, 3 sold; 2 begin the second
        assert_eq!(b.closed.back(0), Some(0.4));
        b.fill(8, 0.0);
        assert_eq!(b.closed.back(0), Some(0.2));
        b.fill(10_000_000_000, 1.0);
        assert_eq!(b.value, 1.0);
        b.fill(7, -1.0);
        b.session(Some(3)); // the seven are dropped
        b.fill(3, 0.0);
        assert_eq!((b.closed.back(0), b.value), (Some(0.0), 0.98));
    }

    #[test]
    fn the_size_comes_from_five_sessions() {
        let mut s = BucketSize::default();
        for (volume, expected) in [(0, None), (900, None), (1100, None), (1000, None), (1000, None), (1249, Some(20))] {
            s.volume = volume;
            assert_eq!(s.session(0), expected);
        }
        s.volume = 10;
        assert_eq!(s.session(0), Some((1100 + 1000 + 1000 + 1249 + 10) / 250));
        s.configured = Some(VpinBucket { from: 5, contracts: 7 });
        assert_eq!((s.session(4), s.session(5)), (None, Some(7)));
    }

    #[test]
    fn the_normal_distribution() {
        assert_eq!(normal(0.0), 0.5);
        assert!((normal(1.959_963_984_540_054) - 0.975).abs() < 1e-15);
        assert!((normal(-1.0) - 0.158_655_253_931_457_05).abs() < 1e-16);
    }
}
