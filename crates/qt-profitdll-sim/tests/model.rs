//! The true book equals the book that a client decodes from the updates, whatever the source and its packets.

mod common;

use common::decoder::Decoder;
use common::stream::{Scheme, Stream};
use proptest::prelude::*;
use qt_core::book::{Book, L2Book, OrderBook};
use qt_core::event::flag;
use qt_core::{Event, Kind};
use qt_profitdll_sim::market::{Instrument, Side};
use qt_venue::{SessionSpec, generate_session};

/// Plays events; after every packet the decoded lists and ladders are the true ones.
fn play(events: impl IntoIterator<Item = Event>, mut check: impl FnMut(&Instrument, &Event)) -> Decoder {
    let (mut instrument, mut decoder, mut out) = (Instrument::new(), Decoder::default(), Vec::new());
    for event in events {
        instrument.apply(&event, &mut out);
        for update in out.drain(..) {
            decoder.apply(&update, &instrument);
        }
        if event.ends_packet() && !instrument.is_loading() {
            decoder.compare(&instrument);
            check(&instrument, &event);
        }
    }
    decoder
}

/// Levels of the true book, best first.
fn levels(instrument: &Instrument, side: Side) -> Vec<(i32, i64)> {
    instrument.groups(side).iter().rev().map(|g| (g.px, g.size)).collect()
}

fn equal_to(book: &impl Book, instrument: &Instrument) {
    for side in Side::BOTH {
        let theirs: Vec<_> = book.levels(side.sign()).map(|l| (l.px, l.size)).collect();
        assert_eq!(levels(instrument, side), theirs);
    }
}

/// Plays a stream beside the project's own book: the same levels after every packet.
fn beside(mut book: impl Book, scheme: Scheme) {
    let (mut instrument, mut out) = (Instrument::new(), Vec::new());
    for event in Stream::new(9, scheme).take(300_000) {
        book.apply(&event);
        instrument.apply(&event, &mut out);
        out.clear();
        if event.ends_packet() && book.feed().valid {
            equal_to(&book, &instrument);
        }
    }
}

#[test]
fn orders_by_id_decode_to_the_true_book() {
    play(Stream::new(1, Scheme::ById).take(700_000), |_, _| {});
    beside(OrderBook::new(), Scheme::ById);
}

#[test]
fn orders_by_position_decode_to_the_true_book() {
    let mut deepest = 0;
    let decoder = play(Stream::new(2, Scheme::ByPosition).take(700_000), |instrument, _| {
        deepest = deepest.max(instrument.offers(Side::Buy).len());
    });
    assert!(deepest > 50, "{deepest}");
    assert!(decoder.seen.iter().all(|&n| n > 100), "every action occurs: {:?}", decoder.seen);
    beside(OrderBook::new(), Scheme::ByPosition);
}

#[test]
fn levels_decode_to_the_true_book() {
    play(Stream::new(3, Scheme::Levels).take(700_000), |_, _| {});
    beside(L2Book::new(), Scheme::Levels);
}

#[test]
fn a_generated_session_is_consistent() {
    let events = generate_session(&SessionSpec { max_events: 150_000, ..SessionSpec::default() }).unwrap();
    let volume: i64 = events.iter().filter(|e| e.kind == Kind::Trade as u8).map(|e| i64::from(e.size)).sum();
    let mut day = None;
    let decoder = play(events, |instrument, _| {
        day = Some(*instrument.daily());
        if let (Some(bid), Some(ask)) = (instrument.best(Side::Buy), instrument.best(Side::Sell)) {
            assert!(bid.0 < ask.0, "crossed: {bid:?} {ask:?}");
        }
    });
    assert_eq!(decoder.volume, volume);
    assert_eq!(day.map(|d| d.total[0]), Some(volume));
    assert!(decoder.seen[3] > 100, "sweeps are delete-froms: {:?}", decoder.seen);
    assert!(decoder.bursts > 100, "{}", decoder.bursts);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_source_decodes(seed in any::<u64>(), scheme in 0..3_u8, n in 1..600_usize) {
        let scheme = [Scheme::ById, Scheme::ByPosition, Scheme::Levels][usize::from(scheme)];
        play(Stream::new(seed, scheme).take(n), |_, _| {});
    }

    /// A recording holds offer book, price depth and tiny book of one market: the offers win, nothing breaks.
    #[test]
    fn mixed_sources_decode(seed in any::<u64>(), picks in proptest::collection::vec(0..3_usize, 1..400)) {
        let mut streams = [Scheme::ById, Scheme::Levels, Scheme::ByPosition].map(|s| Stream::new(seed, s));
        let events: Vec<_> = picks
            .iter()
            .filter_map(|&i| streams[i].next())
            .map(|e| Event { flags: e.flags & !flag::MORE, ..e })
            .collect();
        play(events, |_, _| {});
    }
}
