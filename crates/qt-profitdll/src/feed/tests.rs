//! What can only be seen from inside: panics and calls that do not come back.
#![allow(unsafe_code)] // callbacks through their addresses

use qt_core::event::{Event, Kind};

use super::home::Unit;
use super::{Feed, FeedError, Settings, Value};

fn called_with_4_bytes(feed: &Feed, conn_type: i32, result: i32) {
    let (_, address) = feed.callbacks().into_iter().find(|(name, _)| *name == "State").expect("in the table");
    // SAFETY: the address is that of a `State`.
    let state: crate::callbacks::State =
        unsafe { std::mem::transmute(std::ptr::without_provenance::<()>(address)) };
    // SAFETY: two integers.
    unsafe { state(conn_type, result) }
}

/// One test: the four-byte feed of this process is a single one.
#[test]
fn panics_and_waiting_end_at_the_border() {
    let settings = Settings { char_width: 4, capacity: 64, history_capacity: 2, ..Settings::default() };
    let feed = Feed::new(&settings).expect("the only one");
    assert!(matches!(Feed::new(&settings), Err(FeedError::Occupied(4))));
    feed.add_instrument("WDOV26", "F", 3, 0.5).expect("new");
    feed.set_exchange_time(5).expect("there");
    let mut reader = feed.reader();

    let id = feed.id;
    u32::home().with(id, |s| s.sabotage = true).expect("there");
    called_with_4_bytes(&feed, 2, 4);
    let mut events = Vec::new();
    reader.read(9, &mut events);
    assert_eq!(events.len(), 1);
    let gap = Event {
        ts_recv: events[0].ts_recv,
        ts_event: 5,
        instrument: 3,
        kind: Kind::Gap as u8,
        ..Event::default()
    };
    assert_eq!(events, [gap]);
    assert_eq!(feed.counters().panics.get(), 1);
    let said: Vec<_> = feed.take_messages().into_iter().map(|m| (m.kind, m.values)).collect();
    assert_eq!(said, [("faulty", vec![Value::Int(1)])]);

    // The next callback works, and one that comes while another does not leave gives up and is announced.
    called_with_4_bytes(&feed, 2, 4);
    assert_eq!(feed.take_messages()[0].kind, "state");
    let late = u32::home()
        .with(id, |_| std::thread::scope(|s| s.spawn(|| called_with_4_bytes(&feed, 0, 0)).join().is_ok()));
    assert_eq!(late, Some(true));
    assert_eq!(feed.take_messages(), []);
    called_with_4_bytes(&feed, 0, 0);
    let kinds: Vec<_> = feed.take_messages().into_iter().map(|m| m.kind).collect();
    assert_eq!(kinds, ["missed", "state"]);
    events.clear();
    reader.read(9, &mut events);
    assert_eq!(
        events.iter().map(|e| (e.kind, e.size, e.sequence)).collect::<Vec<_>>(),
        [(Kind::Gap as u8, 1, 1)]
    );

    feed.close();
    called_with_4_bytes(&feed, 0, 0);
    assert_eq!(feed.take_messages(), []);
    assert!(matches!(feed.mark_gap(), Err(FeedError::Gone)));
    let next = Feed::new(&settings).expect("the place is free");
    assert!(matches!(feed.add_instrument("A", "B", 0, 1.0), Err(FeedError::Gone)));
    drop(feed);
    next.add_instrument("A", "B", 0, 1.0).expect("the old handle is not this feed");
}
