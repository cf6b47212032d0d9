//! The windowed order-flow features against their definitions, recomputed from the list of events at every row.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod common;

use common::{MINUTE, SECOND, close, quotes_and_trades, run, same};
use proptest::prelude::*;
use qt_core::Event;
use qt_core::event::{Kind, PX_NONE, Trade, flag};

/// A touch as (bid, bid size, ask, ask size); missing sides at the ends of the scale.
type Touch = (i64, i64, i64, i64);

/// What the definitions speak of, collected without any window.
#[derive(Default)]
struct History {
    start: i64,
    /// (time, price, size, side)
    prints: Vec<(i64, i64, i64, i64)>,
    /// (time, e_n, q_b + q_a)
    updates: Vec<(i64, i64, i64)>,
    touch: Option<Touch>,
}

impl History {
    fn apply(&mut self, now: i64, e: &Event) {
        if e.kind == Kind::Trade as u8 && Trade::from(e).is_print() {
            self.prints.push((now, i64::from(e.px), i64::from(e.size), self.side(e)));
        } else if e.kind == Kind::Quote as u8 {
            let bid = if e.px == PX_NONE { i64::MIN } else { i64::from(e.px) };
            let ask = if e.px_ask == PX_NONE { i64::MAX } else { i64::from(e.px_ask) };
            let is = (bid, i64::from(e.size), ask, i64::from(e.size_ask));
            let good = bid < ask;
            if let Some(was) = self.touch.filter(|was| good && *was != is) {
                self.updates.push((now, flow(was, is), is.1 + is.3));
            }
            self.touch = good.then_some(is);
        }
    }

    fn side(&self, e: &Event) -> i64 {
        if e.flags & (flag::CROSS | flag::AUCTION) != 0 {
            return 0;
        }
        if e.flags & flag::RLP == 0 {
            return i64::from(e.side);
        }
        // Lee and Ready: the mid first, then the tick test.
        let px = i64::from(e.px);
        let both = self.touch.filter(|t| t.0 != i64::MIN && t.2 != i64::MAX);
        match both.map(|(bid, _, ask, _)| (2 * px - bid - ask).signum()) {
            Some(sign) if sign != 0 => sign,
            _ => {
                let mut last = px;
                for p in self.prints.iter().rev() {
                    if p.1 != last {
                        return (last - p.1).signum();
                    }
                    last = p.1;
                }
                0
            }
        }
    }

    fn window(&self, t: i64, ns: i64) -> impl Iterator<Item = &(i64, i64, i64, i64)> {
        self.prints.iter().filter(move |p| p.0 > t - ns && p.0 <= t)
    }

    fn value(&self, name: &str, t: i64) -> f64 {
        let minutes = |m: i64| m * MINUTE;
        let volume = |ns, side| self.window(t, ns).filter(|p| p.3 == side).map(|p| p.2).sum::<i64>();
        let delta = |ns| volume(ns, 1) - volume(ns, -1);
        let ratio = |part: i64, whole: i64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let imbalance = |ns| ratio(delta(ns), volume(ns, 1) + volume(ns, -1));
        let count = |ns, side| self.window(t, ns).filter(|p| p.3 == side).count() as i64;
        let ofi = |ns: i64| match self.touch {
            Some(_) => self.updates.iter().filter(|u| u.0 > t - ns).map(|u| u.1).sum::<i64>() as f64,
            None => f64::NAN,
        };
        match name {
            "flow_ofi_1m" => imbalance(minutes(1)),
            "flow_ofi_5m" => imbalance(minutes(5)),
            "flow_ofi_15m" => imbalance(minutes(15)),
            "flow_ofi_30m" => imbalance(minutes(30)),
            "flow_ofi_60m" => imbalance(minutes(60)),
            "book_ofi_10s" => ofi(10 * SECOND),
            "book_ofi_1m" => ofi(minutes(1)),
            "book_ofi_5m" => ofi(minutes(5)),
            "book_ofi_15m" => ofi(minutes(15)),
            "book_ofi_30m" => ofi(minutes(30)),
            "book_ofi_60m" => ofi(minutes(60)),
            "book_ofi_100e" if self.touch.is_some() && self.updates.len() >= 100 => {
                self.updates.iter().rev().take(100).map(|u| u.1).sum::<i64>() as f64
            }
            "book_ofi_100e" => f64::NAN,
            "book_ofi_norm_1m" => {
                let inside: Vec<_> = self.updates.iter().filter(|u| u.0 > t - MINUTE).collect();
                let depth: i64 = inside.iter().map(|u| u.2).sum();
                if depth == 0 { f64::NAN } else { ofi(MINUTE) / (depth as f64 / 2.0 / inside.len() as f64) }
            }
            "book_ofi_z_1m" => self.z(t, ofi(MINUTE)),
            "delta_1m" => delta(minutes(1)) as f64,
            "delta_5m" => delta(minutes(5)) as f64,
            "cvd_session" | "flow_ofi_ewm_30s" if self.prints.is_empty() => f64::NAN,
            "cvd_session" => self.cvd(t) as f64,
            "cvd_slope_5m" => self.cvd_slope(t),
            "flow_momentum" => imbalance(minutes(1)) - imbalance(minutes(5)),
            "delta_accel_1m" => {
                let before = self.window(t - MINUTE, MINUTE).map(|p| p.2 * p.3).sum::<i64>();
                (delta(MINUTE) - before) as f64
            }
            "delta_divergence_5m" => self.divergence(t, minutes(5), delta(minutes(5))),
            "delta_divergence_15m" => self.divergence(t, minutes(15), delta(minutes(15))),
            "aggression_buy_1m" => volume(MINUTE, 1) as f64 / 60.0,
            "aggression_sell_1m" => volume(MINUTE, -1) as f64 / 60.0,
            "flow_count_imb_1m" | "flow_count_imb_5m" => {
                let ns = if name.ends_with("_1m") { minutes(1) } else { minutes(5) };
                ratio(count(ns, 1) - count(ns, -1), count(ns, 1) + count(ns, -1))
            }
            "flow_ofi_ewm_30s" => {
                let fade = |p: &(i64, i64, i64, i64)| (-((t - p.0) as f64) / (30 * SECOND) as f64).exp();
                let sum = |f: fn(i64) -> i64| {
                    self.prints.iter().map(|p| fade(p) * (f(p.3) * p.2) as f64).sum::<f64>()
                };
                let gross = sum(i64::abs);
                if gross == 0.0 { 0.0 } else { sum(|side| side) / gross }
            }
            "flow_ofi_1000v" => self.last_contracts(1000),
            "flow_sqrt_imb_1m" => {
                let root = |sign: fn(i64) -> i64| {
                    self.window(t, MINUTE).map(|p| sign(p.3) as f64 * (p.2 as f64).sqrt()).sum::<f64>()
                };
                let gross = root(i64::abs);
                if gross == 0.0 { 0.0 } else { root(|side| side) / gross }
            }
            "vwap_distance" | "vwap_z" | "profile_skew" => self.moment(name),
            other => panic!("no definition of {other} here"),
        }
    }

    fn cvd(&self, t: i64) -> i64 {
        self.prints.iter().filter(|p| p.0 <= t).map(|p| p.2 * p.3).sum()
    }

    fn cvd_slope(&self, t: i64) -> f64 {
        let last = (t - self.start) / SECOND;
        let ys: Vec<f64> =
            ((last - 299).max(1)..=last).map(|k| self.cvd(self.start + k * SECOND) as f64).collect();
        let n = ys.len() as f64;
        if ys.len() < 2 {
            return f64::NAN;
        }
        let (mx, my) = ((n - 1.0) / 2.0, ys.iter().sum::<f64>() / n);
        let sxy: f64 = ys.iter().enumerate().map(|(x, y)| (x as f64 - mx) * (y - my)).sum();
        let sxx: f64 = (0..ys.len()).map(|x| (x as f64 - mx).powi(2)).sum();
        sxy / sxx
    }

    fn z(&self, t: i64, now: f64) -> f64 {
        let last = (t - self.start) / MINUTE;
        if last < 30 {
            return f64::NAN;
        }
        let at = |g: i64| {
            self.updates.iter().filter(|u| u.0 > g - MINUTE && u.0 <= g).map(|u| u.1).sum::<i64>() as f64
        };
        let xs: Vec<f64> = (last - 29..=last).map(|k| at(self.start + k * MINUTE)).collect();
        let mean = xs.iter().sum::<f64>() / 30.0;
        let sd = (xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 30.0).sqrt();
        if sd == 0.0 { f64::NAN } else { (now - mean) / sd }
    }

    fn divergence(&self, t: i64, ns: i64, delta: i64) -> f64 {
        let Some(then) = self.prints.iter().rev().find(|p| p.0 <= t - ns) else { return f64::NAN };
        let moved = self.prints[self.prints.len() - 1].1 - then.1;
        if moved * delta < 0 { delta.signum() as f64 } else { 0.0 }
    }

    fn last_contracts(&self, contracts: i64) -> f64 {
        let (mut left, mut net, mut gross) = (contracts, 0, 0);
        for p in self.prints.iter().rev() {
            let q = p.2.min(left);
            left -= q;
            net += q * p.3;
            gross += q * p.3.abs();
        }
        match (left, gross) {
            (0, 0) => 0.0,
            (0, _) => net as f64 / gross as f64,
            _ => f64::NAN,
        }
    }

    fn moment(&self, name: &str) -> f64 {
        let n: f64 = self.prints.iter().map(|p| p.2 as f64).sum();
        let mean = self.prints.iter().map(|p| (p.1 * p.2) as f64).sum::<f64>() / n;
        let m = |k| self.prints.iter().map(|p| p.2 as f64 * (p.1 as f64 - mean).powi(k)).sum::<f64>() / n;
        let Some(last) = self.prints.last() else { return f64::NAN };
        let distance = last.1 as f64 - mean;
        let one_price = self.prints.iter().all(|p| p.1 == last.1);
        match name {
            "vwap_distance" => distance,
            _ if one_price => f64::NAN,
            "vwap_z" => distance / m(2).sqrt(),
            _ => m(3) / m(2).powf(1.5),
        }
    }
}

/// e_n of Cont, Kukanov and Stoikov as it is printed.
fn flow(was: Touch, is: Touch) -> i64 {
    let mut e = 0;
    if is.0 >= was.0 {
        e += is.1;
    }
    if is.0 <= was.0 {
        e -= was.1;
    }
    if is.2 <= was.2 {
        e -= is.3;
    }
    if is.2 >= was.2 {
        e += was.3;
    }
    e
}

const NAMES: [&str; 34] = [
    "flow_ofi_1m",
    "flow_ofi_5m",
    "flow_ofi_15m",
    "flow_ofi_30m",
    "flow_ofi_60m",
    "book_ofi_10s",
    "book_ofi_1m",
    "book_ofi_5m",
    "book_ofi_15m",
    "book_ofi_30m",
    "book_ofi_60m",
    "book_ofi_100e",
    "book_ofi_norm_1m",
    "book_ofi_z_1m",
    "delta_1m",
    "delta_5m",
    "cvd_session",
    "cvd_slope_5m",
    "flow_momentum",
    "delta_accel_1m",
    "delta_divergence_5m",
    "delta_divergence_15m",
    "aggression_buy_1m",
    "aggression_sell_1m",
    "flow_count_imb_1m",
    "flow_count_imb_5m",
    "flow_ofi_ewm_30s",
    "flow_ofi_1000v",
    "flow_sqrt_imb_1m",
    "vwap_distance",
    "vwap_z",
    "profile_skew",
    "poc_distance",
    "spread_ticks",
];

/// The touch features are compared in `sessions.rs`; here they only share the engine with the others.
const COMPARED: usize = 32;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_row_follows_from_the_events_before_it(events in quotes_and_trades(400), on_grid in any::<bool>()) {
        let rows = run(&NAMES, if on_grid { "10s" } else { "event" }, "partial", &events);
        let mut history = History { start: events[0].ts_event, ..History::default() };
        let mut applied = 0;
        for (r, (t, count)) in rows.times.iter().zip(&rows.counts).enumerate() {
            while applied < *count as usize {
                history.apply(events[applied].ts_event, &events[applied]);
                applied += 1;
            }
            for (k, name) in NAMES[..COMPARED].iter().enumerate() {
                let (value, expected) = (rows.values[r * NAMES.len() + k], history.value(name, *t));
                prop_assert!(
                    close(value, expected) || near_zero_spread(name, value, expected),
                    "{name} at row {r}: {value}, by definition {expected}"
                );
            }
        }
    }
}

/// Floats that the definition rounds and the engine does not: a standard score over a deviation of rounding noise.
fn near_zero_spread(name: &str, value: f64, expected: f64) -> bool {
    matches!(name, "book_ofi_z_1m" | "profile_skew" | "vwap_z")
        && (same(value, expected) || (value - expected).abs() <= 1e-7 * expected.abs().max(1.0))
}
