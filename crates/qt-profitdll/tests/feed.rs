//! Every callback through its C address, in both string widths, with good and with broken arguments.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails
#![allow(unsafe_code)] // calls through addresses, as the vendor makes them

mod common;

use std::ptr::null;

use common::{Library, OPEN, TICK, at, blob, group, vendor};
use qt_core::book::{Book as _, L2Book, OrderBook};
use qt_core::event::{Event, Kind, PX_NONE, action, flag, phase, side};
use qt_profitdll::Wide;
use qt_profitdll::blob::Version;
use qt_profitdll::callbacks as cb;
use qt_profitdll::feed::{Feed, FeedError, Settings, Value};
use qt_profitdll::structs::{
    SYSTEMTIME, TConnectorAccountIdentifier, TConnectorOrderIdentifier, TConnectorPriceGroup,
    TConnectorTrade, TConnectorTradingMessageResult,
};

macro_rules! both_widths {
    ($($(#[doc = $doc:literal])* fn $name:ident<$w:ident>() $body:block)+) => {
        mod generic {
            use super::*;
            $($(#[doc = $doc])* pub(super) fn $name<$w: Wide + qt_profitdll::feed::Unit>() $body)+
        }
        $(#[test] fn $name() {
            generic::$name::<u16>();
            generic::$name::<u32>();
        })+
    };
}

const ALL: [u16; 5] = [1; 5];

fn record(kind: Kind, ts: i64) -> Event {
    Event { ts_event: ts, kind: kind as u8, instrument: 3, ..Event::default() }
}

fn gap(ts: i64, lost: i32) -> Event {
    Event { size: lost, ..record(Kind::Gap, ts) }
}

both_widths! {
    fn trades_v1<W>() {
        let mut lib = Library::<W>::new();
        let (ts, text, _) = at(9, 30, 0, 123);
        for (trade_type, side, flags) in [
            (2, side::BUY, 0),
            (3, side::SELL, 0),
            (1, side::NONE, flag::CROSS),
            (4, side::NONE, flag::AUCTION),
            (13, side::NONE, flag::RLP),
            (32, side::NONE, 0),
            (1 << 20, side::NONE, 0),
        ] {
            lib.trade(&text, 17, 5_432.5, 6, trade_type, 0);
            let trade = Event { id: 17, px: 10_865, size: 6, ref_a: 85, ref_b: 3, side, flags, ..record(Kind::Trade, ts) };
            assert_eq!(lib.events(), [trade], "type {trade_type}");
        }
        // An edit, and one that takes the trade back. Any bits of the flag's 16 count.
        lib.trade(&text, 17, 5_432.5, 5, 2, 0x0100);
        lib.trade(&text, 17, 5_432.5, 0, 2, 1);
        let events = lib.events();
        assert_eq!(events.iter().map(|e| (e.size, e.flags)).collect::<Vec<_>>(), [(5, flag::EDITED), (0, flag::EDITED)]);
        // What is left out is counted.
        for date in ["", "30/12/1899 00:00:00.000"] {
            lib.trade(date, 1, 5_432.5, 6, 2, 0);
        }
        lib.trade(&text, 1, 0.0, 6, 2, 0);
        lib.trade(&text, 1, -1.0, 6, 2, 0);
        assert_eq!(lib.count("sentinels"), 4);
        for price in [5_432.25, f64::NAN, f64::INFINITY, 1e300] {
            lib.trade(&text, 1, price, 6, 2, 0);
        }
        assert_eq!(lib.count("off_tick"), 4);
        for qty in [0, -1, i32::MIN] {
            lib.trade(&text, 1, 5_432.5, qty, 2, 0);
        }
        assert_eq!(lib.count("out_of_range"), 3);
        assert_eq!(lib.events(), []);
        let said: Vec<_> = lib.messages().into_iter().map(|m| (m.kind, m.values)).collect();
        let ticker = || Value::Kept("WDOV26".into());
        assert_eq!(said[0], ("off_tick", vec![ticker(), Value::Float(5_432.25), Value::Int(1)]));
        assert_eq!(said.iter().map(|m| m.0).collect::<Vec<_>>(), ["off_tick"; 3].into_iter().chain(["out_of_range"; 2]).collect::<Vec<_>>());
        // A date that cannot be read costs the date, not the trade.
        lib.trade("11/09/2026 09:30", 17, 5_432.5, 6, 2, 0);
        assert_eq!((lib.count("bad_date"), lib.events()[0].ts_event), (1, ts));
        assert_eq!(lib.count("trades"), 10);
    }

    fn trades_v2_and_their_history<W>() {
        let mut lib = Library::<W>::new();
        let (ts, _, date) = at(17, 59, 59, 999);
        let trade = TConnectorTrade {
            TradeDate: date,
            TradeNumber: u32::MAX,
            Price: 5_000.0,
            Quantity: i64::from(i32::MAX),
            BuyAgent: -1,
            SellAgent: 7,
            TradeType: 3,
            ..TConnectorTrade::default()
        };
        let expected = Event {
            id: i64::from(u32::MAX), px: 10_000, size: i32::MAX, ref_a: -1, ref_b: 7, side: side::SELL,
            ..record(Kind::Trade, ts)
        };
        lib.trade_v2("ConnectorTrade", &trade, 0);
        lib.trade_v2("SetTradeCallbackV2", &trade, 1);
        assert_eq!(lib.events(), [expected, Event { flags: flag::EDITED, ..expected }]);
        // Too large for the record, no date, not translated.
        lib.trade_v2("ConnectorTrade", &TConnectorTrade { Quantity: 1 << 31, ..trade }, 0);
        lib.trade_v2("ConnectorTrade", &TConnectorTrade { TradeDate: SYSTEMTIME::default(), ..trade }, 0);
        lib.trade_v2("ConnectorTrade", &TConnectorTrade { Price: -7.0, ..trade }, 0);
        assert_eq!(["out_of_range", "sentinels", "untranslated"].map(|c| lib.count(c)), [1; 3]);
        assert_eq!(lib.events(), []);
        let said: Vec<_> = lib.messages().into_iter().map(|m| m.kind).collect();
        assert_eq!(said, ["out_of_range", "untranslated"]);
        // History goes to a ring of its own, does not move the live clock, and says when it ends.
        let mut history = lib.feed.history();
        lib.trade_v2("HistoryTradeV2", &trade, 0);
        lib.trade_v2("SetHistoryTradeCallbackV2", &TConnectorTrade { Price: 0.0, ..trade }, 2);
        let mut past = Vec::new();
        assert_eq!(history.read(9, &mut past), 0);
        assert_eq!(past, [Event { ts_recv: past[0].ts_recv, ..expected }]);
        let text = W::encode(&at(9, 0, 0, 0).1);
        // SAFETY: the type of the callback; the text lives.
        unsafe {
            let call: cb::HistoryTrade<W> = lib.callback("HistoryTrade");
            call(lib.asset(), text.as_ptr(), 5, 5_000.0, 0.0, 2, 1, 2, 2);
        }
        history.read(9, &mut past);
        assert_eq!((past[1].id, past[1].size, past[1].side, past[1].sequence), (5, 2, side::BUY, 1));
        assert_eq!(lib.events(), []);
        let said: Vec<_> = lib.messages().into_iter().map(|m| (m.kind, m.values)).collect();
        assert_eq!(said, [("last_packet", vec![Value::Kept("WDOV26".into()), Value::Kept("F".into())])]);
    }

    fn unknown_tickers_are_counted<W>() {
        let mut lib = Library::<W>::new();
        let (_, text, date) = at(9, 0, 0, 0);
        let (other, date_text) = (W::encode("WDOX26"), W::encode(&text));
        let mut asset = lib.asset();
        let mut identifier = lib.identifier();
        let trade = TConnectorTrade { TradeDate: date, Price: 1.0, Quantity: 1, ..TConnectorTrade::default() };
        for ticker in [other.as_ptr(), null()] {
            asset.pwcTicker = ticker;
            identifier.Ticker = ticker;
            // SAFETY: the types of the callbacks; everything lives as long as the calls.
            unsafe {
                let call: cb::NewTrade<W> = lib.callback("NewTrade");
                call(asset, date_text.as_ptr(), 1, 1.0, 1.0, 1, 1, 1, 2, 0);
                let call: cb::ConnectorTrade<W> = lib.callback("ConnectorTrade");
                call(identifier, std::ptr::from_ref(&trade).cast_mut().cast(), 0);
                let call: cb::TinyBook<W> = lib.callback("TinyBook");
                call(asset, 1.0, 1, 0);
                let call: cb::PriceDepth<W> = lib.callback("PriceDepth");
                call(identifier, 0, 0, 4);
                let call: cb::OfferBookV2<W> = lib.callback("OfferBookV2");
                let mut array = blob(Version::V2, &[], "", Some(3));
                call(asset, 4, 0, 0, 0, 0, 0, 0.0, 0, 0, 0, 0, 0, null(), array.as_mut_ptr().cast(), std::ptr::null_mut());
                let call: cb::ChangeStateTicker<W> = lib.callback("ChangeStateTicker");
                call(asset, null(), 0);
            }
        }
        assert_eq!((lib.count("unknown_ticker"), lib.count("freed"), lib.events()), (12, 2, vec![]));
        let said: Vec<_> = lib.messages().into_iter().map(|m| (m.kind, m.values)).collect();
        assert_eq!(said.len(), 4); // 1, 2, 4, 8
        assert_eq!(said[0], ("unknown_ticker", vec![Value::Text("WDOX26".into()), Value::Missing, Value::Int(1)]));
        assert_eq!(said[3], ("unknown_ticker", vec![Value::Text(String::new()), Value::Missing, Value::Int(8)]));
    }

    fn offers_by_position<W>() {
        let mut lib = Library::<W>::new();
        let (ts, text, _) = at(9, 30, 0, 0);
        let (later, later_text, _) = at(9, 31, 0, 0);
        lib.offer(0, 0, 0, 10, 5_432.5, ALL, &text);
        lib.offer(0, 1, 1, 7, 5_433.0, [0; 5], "");
        lib.trade(&later_text, 1, 5_432.5, 1, 2, 0);
        lib.offer(1, 1, 1, -3, 1e9, [0, 1, 0, 0, 0], "garbage that is not looked at");
        lib.offer(1, 0, 0, 999, 5_432.0, [1, 0, 1, 1, 1], &text);
        lib.offer(2, 4, 0, 0, 0.0, [0; 5], "");
        lib.offer(3, 2, 1, 0, 0.0, [0; 5], "");
        let order = |ts, action, side, position| Event { action, side, ref_b: position, ..record(Kind::Order, ts) };
        let mut events = lib.events();
        events.retain(|e| e.kind == Kind::Order as u8);
        assert_eq!(events, [
            Event { id: 1234, px: 10_865, size: 10, ref_a: 8, ..order(ts, action::ADD, side::BUY, 0) },
            Event { id: 1234, px: 10_866, size: 7, ref_a: 8, ..order(ts, action::ADD, side::SELL, 1) },
            Event { px: PX_NONE, size: -3, flags: flag::DELTA, ..order(later, action::EDIT, side::SELL, 1) },
            Event { id: 1234, px: 10_864, ref_a: 8, flags: flag::DELTA, ..order(ts, action::EDIT, side::BUY, 0) },
            order(later, action::DELETE, side::BUY, 4),
            order(later, action::DELETE_FROM, side::SELL, 2),
        ]);
        // V1, with its 32-bit quantity.
        // SAFETY: the type of the callback.
        unsafe {
            let call: cb::OfferBook<W> = lib.callback("OfferBook");
            let none = std::ptr::null_mut();
            call(lib.asset(), 0, 2, 0, i32::MAX, -5, i64::MAX, 0.0, 0, 0, 1, 0, 0, null(), none, none);
        }
        assert_eq!(lib.events(), [Event { id: i64::MAX, size: i32::MAX, ref_a: -5, ..order(later, action::ADD, side::BUY, 2) }]);
        // Without its place in the list, every later position would be wrong: the book is void.
        lib.offer(0, 0, 0, 1, 5_432.25, ALL, "");
        assert_eq!((lib.count("off_tick"), lib.events()), (1, vec![gap(later, 1)]));
        for (action, position, side, qty) in
            [(0, 0, 0, 0), (0, 0, 0, i64::MAX), (1, 0, 0, 1 << 40), (0, -1, 0, 1), (2, 0, 2, 1), (7, 0, 0, 1), (-1, 0, 0, 1)]
        {
            lib.offer(action, position, side, qty, 5_432.5, ALL, "");
            assert_eq!(lib.events(), [gap(later, 1)], "{action} {position} {side} {qty}");
        }
        assert_eq!((lib.count("out_of_range"), lib.count("malformed"), lib.count("gaps")), (3, 4, 8));
    }

    fn offers_may_edit_to_a_size<W>() {
        let mut lib = Library::<W>::with(Settings { edit_is_change: false, capacity: 64, history_capacity: 2, ..Settings::default() });
        lib.offer(0, 0, 0, 10, 5_432.5, ALL, "");
        lib.offer(1, 0, 0, 3, 0.0, [0, 1, 0, 0, 0], "");
        lib.offer(1, 0, 0, 3, 5_433.0, [1, 0, 0, 0, 0], "");
        let events = lib.events();
        assert_eq!(events[1..].iter().map(|e| (e.px, e.size, e.flags)).collect::<Vec<_>>(), [(PX_NONE, 3, 0), (10_866, 0, flag::DELTA)]);
        let mut book = OrderBook::new();
        book.update_many(&events);
        assert_eq!((book.feed().rejected, book.touch().bid_px, book.touch().bid_sz), (0, 10_866, 3));
    }

    fn whole_images_of_both_versions<W>() {
        let (_, text, _) = at(9, 30, 0, 0);
        let (newest, newest_text, _) = at(9, 45, 0, 0);
        for version in [Version::V1, Version::V2] {
            let mut lib = Library::<W>::new();
            let mut sell = blob(version, &[(5_435.0, 3, 1), (5_434.0, 2, 2), (5_434.0, 1, 3)], &text, Some(3));
            let mut buy = blob(version, &[(5_430.0, 5, 4), (5_431.0, 4, 5)], &newest_text, Some(3));
            lib.image(version, Some(&mut sell), Some(&mut buy));
            let events = lib.events();
            assert!(events.iter().all(|e| e.ts_event == newest && e.flags == flag::SNAPSHOT && e.ref_b == 0));
            let short: Vec<_> = events.iter().map(|e| (e.action, e.side, e.px, e.size, e.id)).collect();
            let (s, b) = (side::SELL, side::BUY);
            assert_eq!(short, [
                (action::SNAPSHOT_BEGIN, 0, 0, 0, 0),
                (action::ADD, s, 10_870, 3, 1), (action::ADD, s, 10_868, 2, 2), (action::ADD, s, 10_868, 1, 3),
                (action::ADD, b, 10_860, 5, 4), (action::ADD, b, 10_862, 4, 5),
                (action::SNAPSHOT_END, 0, 0, 0, 0),
            ]);
            assert_eq!(vendor().freed, [(sell.as_ptr() as usize, sell.len() as i32), (buy.as_ptr() as usize, buy.len() as i32)]);
            let mut book = OrderBook::new();
            book.update_many(&events);
            assert!(book.feed().valid && book.feed().rejected == 0);
            assert_eq!(book.order_at(side::SELL, 0).map(|o| o.id), Some(3));
            assert_eq!(book.order_at(side::BUY, 1).map(|o| o.id), Some(4));
            // Empty sides are an image as well.
            lib.image(version, Some(&mut blob(version, &[], "", Some(3))), Some(&mut blob(version, &[], "", Some(3))));
            assert_eq!(lib.events().len(), 2);
            assert_eq!(lib.count("images"), 2);
        }
    }

    fn images_in_pages<W>() {
        let v = Version::V2;
        let page = |offers: &[(f64, i64, i64)], flags| blob(v, offers, "", Some(flags));
        let mut lib = Library::<W>::new();
        let mut book = OrderBook::new();
        lib.image(v, Some(&mut page(&[(5_440.0, 1, 1)], 2)), None);
        book.update_many(&lib.events());
        assert!(!book.feed().valid);
        lib.image(v, Some(&mut page(&[(5_439.0, 1, 2)], 0)), Some(&mut page(&[(5_400.0, 1, 3)], 0)));
        lib.image(v, None, Some(&mut page(&[(5_401.0, 1, 4)], 1)));
        book.update_many(&lib.events());
        assert!(book.feed().valid && book.feed().rejected == 0);
        assert_eq!([(side::SELL, 0), (side::SELL, 1), (side::BUY, 0), (side::BUY, 1)].map(|(s, p)| book.order_at(s, p).unwrap().id), [2, 1, 4, 3]);
        // A page that does not belong to anything is refused, and so is the book.
        lib.image(v, None, Some(&mut page(&[(5_401.0, 1, 4)], 1)));
        assert_eq!(lib.events(), [gap(OPEN, 0)]);
        // A gap in the middle of pages: what is left of them is no image.
        lib.image(v, Some(&mut page(&[(5_440.0, 1, 1)], 2)), None);
        lib.state(2, 4);
        lib.state(2, 0);
        lib.image(v, Some(&mut page(&[(5_440.0, 1, 1)], 1)), None);
        let kinds: Vec<_> = lib.events().iter().filter(|e| e.instrument == 3).map(|e| (e.kind, e.action)).collect();
        let order = Kind::Order as u8;
        assert_eq!(kinds, [(order, action::SNAPSHOT_BEGIN), (order, action::ADD), (Kind::Gap as u8, 0), (Kind::Gap as u8, 0)]);
        assert_eq!(lib.count("freed"), 7);
    }

    fn images_before_pages_came_side_by_side<W>() {
        let v = Version::V1;
        for flags in [None, Some(0), Some(1)] {
            let mut lib = Library::<W>::new();
            let mut book = OrderBook::new();
            let mut follow = |lib: &mut Library<W>| {
                book.update_many(&lib.events());
                assert!(book.feed().valid && book.feed().rejected == 0);
                [side::SELL, side::BUY].map(|s| book.order_at(s, 0).map(|o| o.id))
            };
            lib.image(v, Some(&mut blob(v, &[(5_440.0, 1, 1)], "", flags)), None);
            assert_eq!(follow(&mut lib), [Some(1), None]);
            lib.image(v, None, Some(&mut blob(v, &[(5_400.0, 1, 2)], "", flags)));
            assert_eq!(follow(&mut lib), [Some(1), Some(2)]);
            lib.image(v, Some(&mut blob(v, &[(5_441.0, 1, 3)], "", flags)), None);
            assert_eq!(follow(&mut lib), [Some(3), Some(2)]);
            lib.image(v, Some(&mut blob(v, &[(5_441.0, 1, 4)], "", flags)), Some(&mut blob(v, &[(5_400.0, 1, 5)], "", flags)));
            assert_eq!(follow(&mut lib), [Some(4), Some(5)]);
        }
    }

    fn broken_images_are_refused_whole_and_freed_once<W>() {
        let v = Version::V2;
        let good = || blob(v, &[(5_440.0, 1, 1), (5_439.0, 2, 2)], &at(9, 0, 0, 0).1, Some(3));
        let header = |count: i32, total: i32| {
            let mut b = good();
            b[..4].copy_from_slice(&count.to_le_bytes());
            b[4..8].copy_from_slice(&total.to_le_bytes());
            b
        };
        let len = good().len() as i32;
        let mut long_date = good();
        long_date[8 + 28..8 + 30].copy_from_slice(&u16::MAX.to_le_bytes());
        let broken = [
            header(i32::MAX, len), header(-1, len), header(2, -1), header(2, 0), header(2, 7), header(i32::MAX, i32::MAX),
            header(2, 60), header(3, len), long_date,
            blob(v, &[(5_440.25, 1, 1)], "", Some(3)),
            blob(v, &[(f64::NEG_INFINITY, 1, 1)], "", Some(3)),
            blob(v, &[(5_440.0, 0, 1)], "", Some(3)),
            blob(v, &[(5_440.0, i64::MAX, 1)], "", Some(3)),
        ];
        let mut lib = Library::<W>::new();
        for (n, mut bad) in (1..).zip(broken) {
            let mut other = good();
            lib.image(v, Some(&mut bad), Some(&mut other));
            assert_eq!(lib.events(), [gap(OPEN, 0)], "{n}");
            assert_eq!((lib.count("malformed"), lib.count("freed"), lib.count("unfreed")), (n, 2 * n, 0));
        }
        lib.image(v, None, None);
        assert_eq!(lib.events(), [gap(OPEN, 0)]);
        // V1 entries in a V2 callback: the lengths do not add up.
        let mut v1 = blob(Version::V1, &[(5_440.0, 1, 1), (5_439.0, 2, 2)], &at(9, 0, 0, 0).1, Some(3));
        lib.image(v, Some(&mut v1), None);
        assert_eq!(lib.events(), [gap(OPEN, 0)]);
        // The next good one makes the book whole again.
        lib.image(v, Some(&mut good()), Some(&mut blob(v, &[], "", Some(3))));
        assert_eq!(lib.events().len(), 4);
        // Arrays are handed back whatever the action, and without FreePointer that is counted.
        let (mut a, mut b) = (good(), good());
        // SAFETY: the type of the callback; a function that is taken away.
        unsafe {
            let call: cb::PriceBookV2<W> = lib.callback("PriceBookV2");
            call(lib.asset(), 4, 0, 0, 0, 0, 0.0, a.as_mut_ptr().cast(), b.as_mut_ptr().cast());
            let call: cb::PriceBook<W> = lib.callback("PriceBook");
            lib.feed.set_function("FreePointer", 0).unwrap();
            call(lib.asset(), 4, 0, 0, 0, 0, 0.0, a.as_mut_ptr().cast(), std::ptr::null_mut());
        }
        assert_eq!((lib.count("ignored"), lib.count("unfreed"), vendor().freed.len() as u64), (2, 1, lib.count("freed")));
    }

    fn tiny_book_becomes_quotes<W>() {
        let mut lib = Library::<W>::new();
        // SAFETY: the type of the callback.
        let call: cb::TinyBook<W> = unsafe { lib.callback("TinyBook") };
        let asset = lib.asset();
        for (price, qty, side) in [(5_432.5, 10, 0), (5_433.0, 7, 1), (5_433.25, 7, 1), (0.0, 0, 0), (5_432.0, 4, 0), (1.0, 1, 2)] {
            // SAFETY: as above.
            unsafe { call(asset, price, qty, side) };
        }
        let quotes: Vec<_> = lib.events().iter().map(|e| ((e.px, e.size), (e.px_ask, e.size_ask))).collect();
        let none = (PX_NONE, 0);
        assert_eq!(quotes, [
            ((10_865, 10), none), ((10_865, 10), (10_866, 7)), ((10_865, 10), none), (none, none), ((10_864, 4), none),
        ]);
        assert_eq!((lib.count("off_tick"), lib.count("malformed")), (1, 1));
    }

    fn leaving_the_connected_state_is_a_gap_everywhere<W>() {
        let mut lib = Library::<W>::new();
        lib.state(2, 0);
        lib.state(2, 4);
        lib.state(0, 0);
        lib.state(2, 4);
        assert_eq!(lib.events(), []);
        lib.state(2, 5); // a warning of the server's loses nothing
        assert_eq!(lib.events(), []);
        for away in [0, 1, 2, 3, 6] {
            lib.state(2, away);
            let events = lib.events();
            assert_eq!(events.iter().map(|e| (e.kind, e.instrument)).collect::<Vec<_>>(), [(Kind::Gap as u8, 9), (Kind::Gap as u8, 3)]);
            lib.state(2, 1);
            assert_eq!(lib.events(), []);
            lib.state(2, 4);
        }
        let said = lib.messages();
        assert_eq!(said.len(), 5 + 15);
        assert_eq!((said[1].kind, &said[1].values[..]), ("state", &[Value::Int(2), Value::Int(4)][..]));
        lib.feed.mark_gap().unwrap();
        assert_eq!(lib.events().len(), 2);
    }

    fn ticker_states_are_markers<W>() {
        let mut lib = Library::<W>::new();
        let texts: Vec<_> = (0..4).map(|h| at(9 + h, 0, 0, 0)).collect();
        for (k, state) in [13, 0, 0, 4].into_iter().enumerate() {
            let date = W::encode(&texts[k].1);
            // SAFETY: the type of the callback; the text lives.
            unsafe {
                let call: cb::ChangeStateTicker<W> = lib.callback("ChangeStateTicker");
                call(lib.asset(), date.as_ptr(), state);
            }
        }
        let marker = |k: usize, phase| Event { action: phase, ..record(Kind::Session, texts[k].0) };
        assert_eq!(lib.events(), [marker(0, phase::AUCTION), marker(1, phase::OPEN), marker(3, phase::AUCTION)]);
        let said = lib.messages();
        assert_eq!(said.len(), 4);
        let (ticker, exchange) = (Value::Kept("WDOV26".into()), Value::Kept("F".into()));
        assert_eq!(said[0].values, [ticker, exchange, Value::Int(texts[0].0), Value::Int(13)]);
    }

    fn daily_waits_once_and_is_the_newest<W>() {
        let lib = Library::<W>::new();
        let date = W::encode(&at(9, 0, 0, 0).1);
        // SAFETY: the type of the callback; the text lives.
        let daily = |close: f64, qty: i32| unsafe {
            let call: cb::Daily<W> = lib.callback("Daily");
            call(lib.asset(), date.as_ptr(), 1.0, 2.0, 3.0, close, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, qty, 12, 13, 14, 15, 16, 17);
        };
        daily(4.0, 11);
        lib.state(0, 0);
        daily(4.5, 22);
        let said = lib.messages();
        assert_eq!(said.iter().map(|m| m.kind).collect::<Vec<_>>(), ["state", "daily"]);
        assert_eq!(said[1].values[2..], [
            Value::Int(at(9, 0, 0, 0).0),
            Value::Float(1.0), Value::Float(2.0), Value::Float(3.0), Value::Float(4.5), Value::Float(5.0),
            Value::Float(6.0), Value::Float(7.0), Value::Float(8.0), Value::Float(9.0), Value::Float(10.0),
            Value::Int(22), Value::Int(12), Value::Int(13), Value::Int(14), Value::Int(15), Value::Int(16), Value::Int(17),
        ]);
        assert!(said[1].ts_recv >= said[0].ts_recv);
        daily(4.0, 11);
        assert_eq!(lib.messages().len(), 1);
    }

    fn a_garbled_date_stamps_nothing_else<W>() {
        let mut lib = Library::<W>::new();
        let (ts, text, _) = at(9, 0, 0, 0);
        let tomorrow = text.replacen("11/", "14/", 1);
        for (date, undated, far) in [
            ("11/09/2062 09:00:00.000", OPEN, 1),
            (&text[..], ts, 1),
            ("11/09/2062 09:00:00.000", ts, 2),
            (&text, ts, 2),
            (&tomorrow, ts, 3),
            (&tomorrow, ts + 3 * 86_400_000_000_000, 3),
        ] {
            lib.trade(date, 1, 5_432.5, 1, 2, 0);
            lib.feed.mark_gap().unwrap();
            let events = lib.events();
            // The trade itself, and what has no date.
            assert_eq!((events[0].ts_event, events[2].ts_event), (undated, undated), "{date}");
            assert_eq!(lib.count("far_date"), far, "{date}");
        }
    }

    fn everything_else_is_handed_on<W>() {
        let mut lib = Library::<W>::new();
        let text = |s: &str| W::encode(s);
        let (a, b, c, cl, sub) = (text("Corretora"), text("123"), text("Fulano"), text("CL1"), text(""));
        let t = |s: &str| Value::Text(s.into());
        let (i, f) = (Value::Int, Value::Float);
        let asset = || [t("WDOV26"), t("F")];
        let account = TConnectorAccountIdentifier { BrokerID: 15_003, AccountID: b.as_ptr(), SubAccountID: sub.as_ptr(), ..Default::default() };
        let order = TConnectorOrderIdentifier { LocalOrderID: 77, ClOrderID: cl.as_ptr(), ..Default::default() };
        let result = TConnectorTradingMessageResult { BrokerID: 9, OrderID: order, MessageID: 5, ResultCode: 10, Message: null(), ..Default::default() };
        // SAFETY: the types of the callbacks; everything lives as long as the calls.
        unsafe {
            lib.callback::<cb::Health>("Health")(1);
            lib.callback::<cb::Progress<W>>("SetSerieProgressCallback")(lib.asset(), 99);
            lib.callback::<cb::Account<W>>("Account")(15_003, a.as_ptr(), b.as_ptr(), null());
            lib.callback::<cb::BrokerAccountList>("BrokerAccountList")(3, 1);
            lib.callback::<cb::BrokerSubAccountList<W>>("BrokerSubAccountList")(account);
            lib.callback::<cb::TheoreticalPrice<W>>("TheoreticalPrice")(lib.asset(), 5_000.5, 1 << 40);
            lib.callback::<cb::InvalidTicker<W>>("InvalidTicker")(lib.identifier());
            lib.callback::<cb::AssetList<W>>("AssetList")(lib.asset(), c.as_ptr());
            lib.callback::<cb::Order<W>>("Order")(order);
            lib.callback::<cb::OrderHistory<W>>("OrderHistory")(account);
            lib.callback::<cb::AssetPositionList<W>>("AssetPositionList")(account, lib.identifier(), 1 << 41);
            lib.callback::<cb::TradingMessageResult<W>>("TradingMessageResult")(&raw const result);
            lib.callback::<cb::TradingMessageResult<W>>("TradingMessageResult")(null());
            let n = null();
            lib.callback::<cb::AssetListInfo<W>>("AssetListInfo")(lib.asset(), n, n, 1, 2, 3, 4, 5, 0.5, 10.0, n, n);
            lib.callback::<cb::AssetListInfoV2<W>>("AssetListInfoV2")(lib.asset(), n, n, 1, 2, 3, 4, 5, 0.5, 10.0, n, n, n, n, a.as_ptr());
            lib.callback::<cb::AdjustHistory<W>>("AdjustHistory")(lib.asset(), 0.5, n, n, n, n, n, 1);
            lib.callback::<cb::AdjustHistoryV2<W>>("AdjustHistoryV2")(lib.asset(), 0.5, n, n, n, n, n, 3, -9999.0);
            lib.callback::<cb::OrderChange<W>>("OrderChange")(lib.asset(), 1, 2, 3, 4, 5, 0.5, 1.5, 2.5, 6, n, n, n, n, n, n, a.as_ptr());
            lib.callback::<cb::OrderChangeV2<W>>("OrderChangeV2")(lib.asset(), 1, 2, 3, 4, 5, 6, 0.5, 1.5, 2.5, 7, n, n, n, n, n, n, n, n, n, a.as_ptr());
            lib.callback::<cb::History<W>>("History")(lib.asset(), 1, 2, 3, 4, 5, 0.5, 1.5, 2.5, 6, n, n, n, n, n, a.as_ptr());
            lib.callback::<cb::HistoryV2<W>>("HistoryV2")(lib.asset(), 1, 2, 3, 4, 5, 6, 0.5, 1.5, 2.5, 7, n, n, n, n, n, n, n, n, a.as_ptr());
            lib.callback::<cb::ChangeCotation<W>>("ChangeCotation")(lib.asset(), n, 1, 1.0);
        }
        let said: Vec<_> = lib.messages().into_iter().map(|m| (m.kind, m.values)).collect();
        let with_asset = |more: &[Value]| asset().into_iter().chain(more.iter().cloned()).collect::<Vec<_>>();
        let who = [i(15_003), t("123"), t("")];
        let expected = [
            ("health", vec![i(1)]),
            ("progress", with_asset(&[i(99)])),
            ("account", vec![i(15_003), t("Corretora"), t("123"), Value::Missing]),
            ("broker_account_list", vec![i(3), i(1)]),
            ("broker_sub_account_list", who.to_vec()),
            ("theoretical", with_asset(&[f(5_000.5), i(1 << 40)])),
            ("invalid_ticker", asset().to_vec()),
            ("asset_list", with_asset(&[t("Fulano")])),
            ("order", vec![i(77), t("CL1")]),
            ("order_history", who.to_vec()),
            ("position_list", who.iter().cloned().chain(asset()).chain([i(1 << 41)]).collect()),
            ("message_result", vec![i(9), i(77), t("CL1"), i(5), i(10), Value::Missing]),
            ("message_result", vec![]),
        ];
        assert_eq!(said[..expected.len()], expected);
        let lengths: Vec<_> = said[expected.len()..].iter().map(|(k, v)| (*k, v.len())).collect();
        assert_eq!(lengths, [
            ("asset_info", 13), ("asset_info_v2", 16), ("adjust", 9), ("adjust_v2", 10), ("order_change", 18),
            ("order_change_v2", 22), ("history_order", 17), ("history_order_v2", 21),
        ]);
        assert_eq!(lib.count("ignored"), 1);
        assert_eq!(lib.events(), []);
    }

    /// Text that does not end is read as far as its limit, and no further.
    fn endless_text_is_cut<W>() {
        let lib = Library::<W>::new();
        let endless = [W::encode("A")[0]; 4096];
        // SAFETY: the type of the callback; as many units as may be read are there.
        unsafe { lib.callback::<cb::AssetList<W>>("AssetList")(lib.asset(), endless.as_ptr()) };
        assert_eq!(lib.messages()[0].values[2], Value::Text("A".repeat(4096)));
    }

    fn price_depth_is_read_and_compared<W>() {
        let mut lib = Library::<W>::new();
        let ladder = |levels: &[(f64, i64, u32)]| levels.iter().map(|&(p, q, c)| group(p, q, c)).collect::<Vec<_>>();
        vendor().sides = [ladder(&[(5_432.5, 10, 2), (5_432.0, 5, 1)]), ladder(&[(5_433.0, 7, 3)])];
        let mut book = L2Book::new();
        let level = |side, px, size, count, action, flags| Event { px, size, ref_a: count, side, action, flags, ..record(Kind::Level, OPEN) };
        let (b, s) = (side::BUY, side::SELL);
        // The first notification of any kind leads to an image.
        lib.depth(0, 0, 1);
        let events = lib.events();
        let snap = flag::SNAPSHOT;
        assert_eq!(events, [
            level(0, 0, 0, 0, action::SNAPSHOT_BEGIN, snap),
            level(b, 10_865, 10, 2, action::ADD, snap), level(b, 10_864, 5, 1, action::ADD, snap),
            level(s, 10_866, 7, 3, action::ADD, snap),
            level(0, 0, 0, 0, action::SNAPSHOT_END, snap),
        ]);
        book.update_many(&events);
        // Edit, add at the end, insert at the top, delete: one record each.
        vendor().sides[0][1] = group(5_432.0, 6, 2);
        lib.depth(0, 1, 1);
        lib.depth(0, 1, 1);
        vendor().sides[1].push(group(5_434.0, 1, 1));
        lib.depth(1, 1, 0);
        vendor().sides[1].insert(0, group(5_432.75, 1, 1));
        vendor().sides[1][0] = group(5_433.0, 9, 1);
        vendor().sides[1][1] = group(5_433.5, 7, 3);
        lib.depth(1, 0, 3);
        vendor().sides[0].remove(0);
        lib.depth(0, 0, 2);
        let events = lib.events();
        assert_eq!(events, [
            level(b, 10_864, 6, 2, action::EDIT, 0),
            level(s, 10_868, 1, 1, action::ADD, 0),
            level(s, 10_866, 9, 1, action::EDIT, flag::MORE), // not what the notification said: the whole side was read
            level(s, 10_867, 7, 3, action::ADD, 0),
            level(b, 10_865, 0, 0, action::DELETE, 0),
        ]);
        book.update_many(&events);
        // A burst is read once, at its end.
        lib.depth(0, 0, 5);
        vendor().sides[0] = ladder(&[(5_432.5, 1, 1), (5_431.0, 2, 2)]);
        lib.depth(0, 0, 0);
        vendor().sides[1] = ladder(&[]);
        lib.depth(1, 0, 8);
        assert_eq!(lib.events(), []);
        lib.depth(0, 0, 6);
        let events = lib.events();
        assert_eq!(events.iter().map(|e| (e.side, e.px, e.action, e.flags)).collect::<Vec<_>>(), [
            (b, 10_865, action::ADD, 1), (b, 10_864, action::DELETE, 1), (b, 10_862, action::ADD, 1),
            (s, 10_866, action::DELETE, 1), (s, 10_867, action::DELETE, 1), (s, 10_868, action::DELETE, 0),
        ]);
        book.update_many(&events);
        assert_eq!((book.feed().rejected, book.touch().bid_px, book.touch().ask_px), (0, 10_865, PX_NONE));
        // The theoretical entry is no level; its values come as a message.
        vendor().sides[0].insert(0, TConnectorPriceGroup { PriceGroupFlags: 1, ..group(f64::NEG_INFINITY, 0, 0) });
        lib.depth(0, 0, 0);
        lib.depth(0, 0, 7);
        assert_eq!(lib.events(), []);
        let said = lib.messages();
        assert_eq!(said[0].values[2..], [Value::Float(5_432.5), Value::Int(70)]);
        // A price between two ticks is left out and said; the others stay.
        vendor().sides[0] = ladder(&[(5_432.5, 1, 1), (5_431.25, 2, 2), (5_431.0, 2, 2), (5_431.0, 2, 2), (5_430.0, 0, 0)]);
        lib.depth(0, 1, 0);
        assert_eq!((lib.events(), lib.count("off_tick"), lib.count("depth_errors"), lib.count("out_of_range")), (vec![], 1, 1, 1));
        // After a gap, and when the library announces it: a full image.
        lib.feed.mark_gap().unwrap();
        assert_eq!(lib.events().len(), 2);
        lib.depth(0, 0, 6);
        lib.depth(1, 0, 4);
        let images = lib.events();
        assert_eq!(images.len(), 8);
        assert_eq!(images[..4], images[4..]);
        // Nonsense, and a library that does not answer.
        lib.depth(2, 0, 1);
        lib.depth(0, 0, 9);
        assert_eq!(lib.count("malformed"), 2);
        // SAFETY: a function that is taken away.
        unsafe { lib.feed.set_function("GetPriceGroup", 0).unwrap() };
        lib.depth(0, 0, 1);
        assert_eq!(lib.events(), []);
        assert!(lib.count("depth_errors") > 1);
    }

    fn a_full_queue_drops_the_oldest_messages_and_says_so<W>() {
        let lib = Library::<W>::with(Settings { messages: 3, capacity: 2, history_capacity: 2, ..Settings::default() });
        for n in 0..5 {
            lib.state(0, n);
        }
        let said: Vec<_> = lib.messages().into_iter().map(|m| (m.kind, m.values)).collect();
        assert_eq!(said[0], ("overflow", vec![Value::Int(2)]));
        assert_eq!(said[1], ("state", vec![Value::Int(0), Value::Int(2)]));
        assert_eq!((said.len(), lib.count("messages_lost")), (4, 2));
    }

    fn a_restart_on_the_same_ring_is_a_gap<W>() {
        let path = std::env::temp_dir().join(format!("qt-feed-{}-{}", std::process::id(), W::BYTES));
        let _ = std::fs::remove_file(&path);
        let settings = || Settings { path: Some(path.clone()), capacity: 64, history_capacity: 2, ..Settings::default() };
        let (ts, text, _) = at(12, 0, 0, 0);
        let mut lib = Library::<W>::with(settings());
        lib.trade(&text, 1, 5_432.5, 1, 2, 0);
        assert_eq!(lib.events().len(), 1);
        let mut outside = qt_core::ring::Reader::<Event>::open(&path).unwrap();
        drop(lib);
        let mut lib = Library::<W>::with(settings());
        let mut all = Vec::new();
        assert_eq!(outside.read(9, &mut all), 0);
        let short: Vec<_> = all.iter().map(|e| (e.kind, e.instrument, e.ts_event, e.sequence)).collect();
        let gap = Kind::Gap as u8;
        assert_eq!(short, [(Kind::Trade as u8, 3, ts, 0), (gap, 9, OPEN, 1), (gap, 3, ts, 2)]);
        assert_eq!(lib.events().len(), 3);
        lib.trade(&text, 2, 5_432.5, 1, 2, 0);
        assert_eq!(lib.events()[0].kind, Kind::Trade as u8);
        drop(lib);
        std::fs::remove_file(&path).unwrap();
    }
}

/// The library's thread is another one, and nothing of the feed belongs to the thread that made it.
#[test]
fn the_vendor_calls_from_a_thread_of_its_own() {
    let mut lib = Library::<u16>::new();
    let (_, text, _) = at(9, 0, 0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..1000).for_each(|n| lib.trade(&text, n, 5_432.5, 1, 2, 0)));
        scope.spawn(|| (0..1000).for_each(|n| lib.offer(0, 0, 0, 1, 5_000.0 + f64::from(n), ALL, "")));
        for index in 100..200 {
            lib.feed.add_instrument(&format!("X{index}"), "F", index, TICK).unwrap();
        }
    });
    let events = lib.events();
    assert_eq!(events.len(), 2000);
    let ids = |kind: Kind| events.iter().filter(move |e| e.kind == kind as u8);
    assert!(ids(Kind::Trade).map(|e| e.id).eq(0..1000));
    assert!(ids(Kind::Order).map(|e| e.px).eq((10_000..12_000).step_by(2)));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let lib = Library::<u16>::new();
    for (ticker, exchange, index, tick) in [
        ("", "F", 20, 0.5),
        ("A\0B", "F", 20, 0.5),
        ("A", "F\0", 20, 0.5),
        ("A", "F", 20, 0.0),
        ("A", "F", 20, f64::NAN),
        ("WDOV26", "F", 20, 0.5),
        ("A", "F", 3, 0.5),
    ] {
        let error = lib.feed.add_instrument(ticker, exchange, index, tick).unwrap_err();
        assert!(matches!(error, FeedError::Instrument { .. }), "{error}");
    }
    // SAFETY: refused before it is used.
    let error = unsafe { lib.feed.set_function("SendOrder", 1) }.unwrap_err().to_string();
    assert!(error.contains("\"SendOrder\"") && error.contains("TranslateTrade"), "{error}");
    assert!(matches!(
        Feed::new(&Settings { char_width: 1, ..Settings::default() }),
        Err(FeedError::CharWidth(1))
    ));
    assert!(matches!(
        Feed::new(&Settings { char_width: 2, ..Settings::default() }),
        Err(FeedError::Occupied(2))
    ));
    assert!(matches!(
        Feed::new(&Settings { char_width: 4, capacity: 3, ..Settings::default() }),
        Err(FeedError::Ring(_))
    ));
}

#[test]
fn every_callback_and_every_setter_of_the_table_has_an_address() {
    let lib = Library::<u16>::new();
    let mut addresses = lib.feed.callbacks();
    for callback in cb::CALLBACKS.iter().filter(|c| !c.name.starts_with("Enumerate")) {
        assert!(addresses.iter().any(|(name, _)| *name == callback.name), "{}", callback.name);
    }
    let setters = qt_profitdll::exports::EXPORTS
        .iter()
        .filter(|e| e.name.starts_with("Set") && e.name.contains("Callback"));
    let mut found = 0;
    for setter in setters {
        assert!(addresses.iter().any(|(name, _)| *name == setter.name), "{}", setter.name);
        found += 1;
    }
    assert_eq!(addresses.len(), 2 * found);
    addresses.sort_by_key(|&(_, address)| address);
    addresses.dedup_by_key(|&mut (_, address)| address);
    assert_eq!(addresses.len(), found, "no two callbacks share a function");
}
