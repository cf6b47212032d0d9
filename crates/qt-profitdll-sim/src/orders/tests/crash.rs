//! The process dies; the broker's side does not.

use std::path::{Path, PathBuf};

use super::super::*;
use super::desk::{Desk, MS, OPEN, account, listings};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qt-orders-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(path: &Path) -> Settings {
    Settings { hop_ns: MS, state_file: Some(path.into()), mark_events: 1, ..Settings::default() }
}

/// Step `i` of a market that fills, moves and closes; true while there is one.
fn market(desk: &mut Desk, i: i64) -> bool {
    match i {
        0 => drop(desk.level(1, 100, 10)),
        1 => drop(desk.level(-1, 101, 5)),
        2..=30 => {
            let _ = if i % 3 == 0 { desk.trade(-1, 100, 4) } else { desk.level(-1, 101, 5 + i as i32) };
        }
        31 => drop(desk.close()),
        _ => return false,
    }
    desk.wait(1);
    true
}

/// Requests of a client, by market step.
fn client(desk: &mut Desk, i: i64, ids: &mut Vec<OrderId>) {
    match i {
        2 => ids.push(desk.limit(Side::Buy, 50.0, 6)),
        4 => ids.push(desk.market(Side::Sell, 2)),
        12 => drop(desk.change(&ids[0].clone(), 50.0, 9)),
        14 => {
            let stop = NewRequest { stop_price: 50.0, ..Desk::request(Side::Sell, Type::StopLimit, 50.0, 3) };
            ids.push(desk.send(&stop));
        }
        22 => drop(desk.cancel(&ids[0].clone())),
        _ => {}
    }
}

/// What must not be lost: per permanent id, status and executed contracts; the position; executions.
type Facts = (Vec<(String, OrderStatus, i64)>, Position, usize);

fn facts(desk: &Desk) -> Facts {
    let orders = desk.broker.orders().iter().map(|o| (o.cl_ord_id.clone(), o.status, o.traded)).collect();
    (orders, desk.broker.position(&account(), "WDOU25"), desk.broker.fills().len())
}

fn position_of_fills(broker: &Broker) -> i64 {
    let signed = |f: &order::Fill| broker.orders()[f.order as usize].side.sign() * f.size;
    broker.fills().iter().map(signed).sum()
}

#[test]
fn a_process_killed_at_any_step_finds_what_it_was_told() {
    let folder = Folder::new("steps");
    for killed_at in 1..=32 {
        let path = folder.file();
        let _ = std::fs::remove_file(&path);
        let mut desk = Desk::bare(Broker::new(settings(&path), listings()).unwrap());
        desk.broker.set_connected(true, OPEN);
        let mut ids = Vec::new();
        for i in 0..killed_at {
            client(&mut desk, i, &mut ids);
            market(&mut desk, i);
        }
        let (before, notes) = (facts(&desk), std::mem::take(&mut desk.log));
        drop(desk);

        let mut desk = Desk::bare(Broker::new(settings(&path), listings()).unwrap());
        assert_eq!(desk.broker.resume_at(), killed_at);
        for i in 0..killed_at {
            market(&mut desk, i);
        }
        assert_eq!(facts(&desk), before, "killed at {killed_at}");
        let now = desk.now();
        desk.broker.set_connected(true, now);
        desk.collect();
        let known = desk.broker.known_orders(&account());
        assert_eq!(known.len(), ids.len(), "today's orders come with the connection");
        for (old, order) in ids.iter().zip(&known) {
            assert_ne!(old.local, order.local_id, "session ids are of the session");
            assert!(desk.broker.details(old).is_none());
        }
        for note in &notes {
            let Note::Order(told) = note else { continue };
            let now = &desk.broker.orders()[told.key as usize];
            assert!(now.traded >= told.traded && now.event_id >= told.event_id);
        }
        let mut i = killed_at;
        while market(&mut desk, i) {
            i += 1;
        }
        desk.wait(10);
        for order in desk.broker.orders() {
            assert!(order.status.is_final(), "{order:?}");
        }
        assert_eq!(desk.open().0, position_of_fills(&desk.broker));
        let last = facts(&desk);
        drop(desk);
        let again = Broker::new(settings(&path), listings()).unwrap();
        assert_eq!(facts(&Desk::bare(again)), last, "and a third process finds the end");
    }
}

#[test]
fn a_file_cut_at_any_byte_still_adds_up() {
    let folder = Folder::new("bytes");
    let path = folder.file();
    let mut desk = Desk::bare(Broker::new(settings(&path), listings()).unwrap());
    desk.broker.set_connected(true, OPEN);
    let mut ids = Vec::new();
    for i in 0..20 {
        client(&mut desk, i, &mut ids);
        market(&mut desk, i);
    }
    drop(desk);
    let whole = std::fs::read(&path).unwrap();
    let mut fills = 0;
    for cut in 0..=whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let broker = Broker::new(settings(&path), listings()).unwrap();
        assert!(broker.fills().len() >= fills, "cut at {cut}: more bytes, fewer fills");
        fills = broker.fills().len();
        for order in broker.orders() {
            let of_order = broker.fills().iter().filter(|f| f.order == order.key);
            assert_eq!(of_order.map(|f| f.size).sum::<i64>(), order.traded, "cut at {cut}");
        }
        let desk = Desk::bare(broker);
        assert_eq!(desk.open().0, position_of_fills(&desk.broker), "cut at {cut}");
    }
    assert!(fills > 0);
}

#[test]
fn a_full_disk_stops_the_keeping_and_says_so() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let mut desk = Desk::new(Settings::default());
    assert_eq!(desk.broker.fault(), None);
    desk.broker.log = Some(persist::Log::onto(Path::new("/dev/full")));
    let id = desk.market(Side::Buy, 1);
    assert!(desk.broker.fault().unwrap().contains("writing the state file /dev/full"));
    desk.wait(5);
    assert_eq!(desk.status(&id), OrderStatus::Filled, "the market goes on");
}

#[test]
fn many_sessions_do_not_make_the_file_grow() {
    let folder = Folder::new("sessions");
    let path = folder.file();
    for _ in 0..50 {
        let mut broker = Broker::new(settings(&path), listings()).unwrap();
        broker.close();
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 1_000);
}
