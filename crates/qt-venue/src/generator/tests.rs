use std::collections::BTreeMap;

use proptest::prelude::*;
use qt_core::event::{Kind, action, flag, phase, side};
use qt_core::{Event, Kind as K};

use super::*;

/// A book that does no more than its definition.
#[derive(Default)]
struct Naive {
    bids: BTreeMap<i32, i32>,
    asks: BTreeMap<i32, i32>,
}

impl Naive {
    fn side(&mut self, s: i8) -> &mut BTreeMap<i32, i32> {
        if s > 0 { &mut self.bids } else { &mut self.asks }
    }

    fn level(&mut self, e: &Event) {
        match e.action {
            action::ADD | action::EDIT => {
                assert!(e.size > 0);
                let had = self.side(e.side).insert(e.px, e.size).is_some();
                assert_eq!(had, e.action == action::EDIT, "{e:?}");
            }
            action::DELETE => assert!(self.side(e.side).remove(&e.px).is_some(), "{e:?}"),
            _ => {}
        }
    }

    fn touch(&self) -> Option<(i32, i32)> {
        Some((*self.bids.last_key_value()?.0, *self.asks.first_key_value()?.0))
    }
}

/// What a check of the whole session counted.
#[derive(Debug, Default)]
struct Facts {
    spreads: BTreeMap<i32, usize>,
    signs: Vec<i8>,
    sizes: Vec<i32>,
    sweeps: usize,
    refills: usize,
    lo: i32,
    hi: i32,
}

fn check(events: &[Event]) -> Facts {
    let mut book = Naive::default();
    let mut facts = Facts { lo: i32::MAX, ..Facts::default() };
    let mut packet: Vec<Event> = Vec::new();
    let (mut recv, mut ts) = (0, 0);
    for (i, e) in events.iter().enumerate() {
        assert!(e.has(flag::SYNTHETIC));
        assert_eq!(e.sequence, i as i64 + 1);
        assert!(e.ts_recv >= recv && e.ts_recv >= e.ts_event && e.ts_event >= ts);
        (recv, ts) = (e.ts_recv, e.ts_event);
        match e.kind() {
            Some(K::Trade) if e.flags & (flag::AUCTION | flag::RLP | flag::CROSS) == 0 => {
                let resting = *book.side(-e.side).get(&e.px).unwrap_or(&0);
                let printed: i32 =
                    packet.iter().rev().take_while(|p| p.kind == Kind::Trade as u8).map(|p| p.size).sum();
                assert!(e.size > 0 && printed + e.size <= resting, "print {e:?} of {resting} displayed");
                let (bid, ask) = book.touch().unwrap();
                assert_eq!(e.px, if e.side > 0 { ask } else { bid }, "prints at the touch");
                facts.signs.push(e.side);
                facts.sizes.push(e.size);
                facts.lo = facts.lo.min(e.px);
                facts.hi = facts.hi.max(e.px);
            }
            Some(K::Level) => {
                let before = *book.side(if e.side == 0 { 1 } else { e.side }).get(&e.px).unwrap_or(&0);
                let printed: i32 =
                    packet.iter().rev().take_while(|p| p.kind == Kind::Trade as u8).map(|p| p.size).sum();
                if printed > 0 {
                    assert_eq!(e.size, before - printed, "a level falls by what was printed");
                }
                book.level(e);
            }
            _ => {}
        }
        packet.push(*e);
        if e.ends_packet() {
            let prices: std::collections::BTreeSet<i32> =
                packet.iter().filter(|p| p.kind == Kind::Trade as u8).map(|p| p.px).collect();
            facts.sweeps += usize::from(prices.len() > 1);
            let refill = packet.windows(2).any(|w| {
                w[0].action == action::DELETE
                    && w[1].action == action::ADD
                    && w[0].px == w[1].px
                    && w[0].side == w[1].side
            });
            facts.refills += usize::from(refill);
            if let Some((bid, ask)) = book.touch() {
                assert!(bid < ask, "crossed: {bid} {ask} at {i}");
                assert!(book.bids.len() >= 6 && book.asks.len() >= 6);
                *facts.spreads.entry(ask - bid).or_default() += 1;
            }
            packet.clear();
        }
    }
    assert!(packet.is_empty(), "the last packet ends");
    facts
}

fn autocorrelation(x: &[i8], lag: usize) -> f64 {
    let n = (x.len() - lag) as f64;
    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / x.len() as f64;
    let var = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / x.len() as f64;
    x.iter().zip(&x[lag..]).map(|(a, b)| (f64::from(*a) - mean) * (f64::from(*b) - mean)).sum::<f64>()
        / n
        / var
}

#[test]
fn default_session_is_plausible() {
    let events = generate_session(&SessionSpec::default()).unwrap();
    let facts = check(&events);
    let total: usize = facts.spreads.values().sum();
    let mut sizes = facts.sizes.clone();
    sizes.sort_unstable();
    let (median, p999) = (sizes[sizes.len() / 2], sizes[sizes.len() * 999 / 1000]);
    let per_second = events.iter().fold(BTreeMap::<i64, usize>::new(), |mut m, e| {
        *m.entry(e.ts_event / 1_000_000_000).or_default() += 1;
        m
    });
    println!(
        "{} events, {} prints, spreads {:?}, sweeps {}, refills {}, range {}..{}, median {median}, p99.9 {p999}, \
         max {:?}, sign acf {:.2} {:.2} {:.2}, busiest second {:?}",
        events.len(),
        facts.signs.len(),
        facts.spreads,
        facts.sweeps,
        facts.refills,
        facts.lo,
        facts.hi,
        sizes.last(),
        autocorrelation(&facts.signs, 1),
        autocorrelation(&facts.signs, 10),
        autocorrelation(&facts.signs, 50),
        per_second.values().max(),
    );
    assert!((150_000..=250_000).contains(&events.len()));
    assert!(facts.spreads[&1] * 100 > total * 70, "spread mostly one tick: {:?}", facts.spreads);
    assert!(autocorrelation(&facts.signs, 1) > 0.15 && autocorrelation(&facts.signs, 10) > 0.02);
    assert!(f64::from(p999) > 12.0 * f64::from(median), "heavy tail: {median} {p999}");
    assert!(facts.sweeps > 100 && facts.refills > 50);
    assert!((8..600).contains(&(facts.hi - facts.lo)));
    // Clustering: a Poisson stream of this rate would have a variance of counts equal to its mean.
    let seconds = 7_200.0;
    let mean = events.len() as f64 / seconds;
    let var = per_second.values().map(|c| (*c as f64).powi(2)).sum::<f64>() / seconds - mean * mean;
    assert!(var > 5.0 * mean, "counts per second: mean {mean}, variance {var}");
}

#[test]
fn session_has_its_markers_and_snapshot() {
    let events =
        generate_session(&SessionSpec { duration_ns: 60_000_000_000, ..SessionSpec::default() }).unwrap();
    let phases: Vec<u8> = events.iter().filter(|e| e.kind() == Some(K::Session)).map(|e| e.action).collect();
    assert_eq!(phases, [phase::AUCTION, phase::OPEN, phase::CLOSED]);
    assert_eq!(events[1].flags & flag::AUCTION, flag::AUCTION);
    assert_eq!(events[1].side, side::NONE);
    assert_eq!(events[3].action, action::SNAPSHOT_BEGIN);
    assert_eq!(events[4 + 50].action, action::SNAPSHOT_END);
    let last = events.last().unwrap();
    assert_eq!(last.ts_event, DEFAULT_OPEN_NS + 60_000_000_000);
    let brokers = events.iter().filter(|e| e.kind() == Some(K::Trade)).all(|e| e.ref_a > 0 && e.ref_b > 0);
    assert!(brokers);
}

#[test]
fn day_has_a_u_shape() {
    let mut thirds = [0usize; 3];
    for seed in 0..4 {
        let spec = SessionSpec { seed, ..SessionSpec::default() };
        for e in generate_session(&spec).unwrap() {
            let x = (e.ts_event - spec.open_ns).clamp(0, spec.duration_ns - 1);
            thirds[(x * 3 / spec.duration_ns) as usize] += 1;
        }
    }
    assert!(thirds[1] < thirds[0] && thirds[1] < thirds[2], "{thirds:?}");
}

#[test]
fn ranges_are_checked() {
    let base = SessionSpec::default();
    for (spec, word) in [
        (SessionSpec { duration_ns: 0, ..base }, "duration_ns is 0"),
        (SessionSpec { start_px: 10, ..base }, "start_px is 10"),
        (SessionSpec { intensity: 0, ..base }, "intensity is 0"),
        (SessionSpec { trend: 101, ..base }, "trend is 101"),
        (SessionSpec { volatility: 0, ..base }, "volatility is 0"),
    ] {
        let message = generate_session(&spec).unwrap_err();
        assert!(message.contains(word), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_session_is_consistent(
        seed: u64,
        intensity in 20i64..2_000,
        volatility in 10i64..1_000,
        trend in -100i64..=100,
        start_px in 1_000i32..300_000,
    ) {
        let spec = SessionSpec {
            seed, intensity, volatility, trend, start_px, max_events: 20_000, ..SessionSpec::default()
        };
        let events = generate_session(&spec).unwrap();
        check(&events);
        prop_assert_eq!(generate_session(&spec).unwrap(), events);
    }
}
