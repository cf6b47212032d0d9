//! Accounts, connections and order history.

use qt_profitdll::codes::nresult;

use super::super::*;
use super::desk::{Desk, MS, OPEN, account, at_once, listings};

fn family() -> Vec<Account> {
    let master = Account { kind: AccountKind::Master, ..Account::owner(15003, "Sim", "1001", "Ana") };
    let sub = |name: &str| Account {
        key: master.key.with_sub(name),
        kind: AccountKind::Sub,
        sub_owner: name.into(),
        ..master.clone()
    };
    vec![master.clone(), sub("S1"), sub("S2"), Account::owner(32003, "Other", "7", "Ana")]
}

fn accounts(notes: &[Note]) -> Vec<usize> {
    notes.iter().filter_map(|n| if let Note::Account(i) = n { Some(*i) } else { None }).collect()
}

#[test]
fn accounts_are_announced_in_portions_that_must_be_merged() {
    let settings = Settings { accounts: family(), announce: Announce::Partial, announce_ns: MS, ..at_once() };
    let mut desk = Desk::bare(Broker::new(settings, listings()).unwrap());
    desk.broker.set_connected(true, OPEN);
    assert_eq!(accounts(&desk.collect().log), [0_usize; 0]);
    assert_eq!(accounts(&desk.wait(1).log), [0]);
    assert_eq!(desk.broker.accounts().masters(None).len(), 1);
    assert_eq!(accounts(&desk.wait(1).log), [0, 3]);
    assert_eq!(desk.broker.accounts().masters(None).len(), 2);
    let whole_list = |n: &&Note| matches!(n, Note::Position { ticker, .. } if ticker == "-1");
    assert_eq!(desk.log.iter().filter(whole_list).count(), 4);
    let subs = |n: &&Note| matches!(n, Note::SubAccounts(0));
    assert_eq!(desk.log.iter().filter(subs).count(), 3);
}

#[test]
fn orders_work_on_while_the_connection_is_down() {
    let mut desk = Desk::new(at_once());
    let id = desk.limit(Side::Buy, 50.0, 1);
    let now = desk.now();
    desk.broker.set_connected(false, now);
    desk.log.clear();
    let refused = desk.market(Side::Buy, 1);
    assert_eq!(desk.status(&refused), OrderStatus::OrderNotCreated);
    assert_eq!((desk.answers(), desk.told()), (vec![0, 1], vec![203, 204]), "the library says so itself");
    desk.log.clear();
    desk.wait(1).trade(-1, 99, 50);
    assert!(desk.log.is_empty(), "nobody hears of it");
    let now = desk.now();
    desk.broker.set_connected(true, now);
    desk.collect();
    assert_eq!(accounts(&desk.log), [0]);
    assert_eq!(desk.told(), [2], "one update per order: as it stands");
    assert_eq!(desk.status(&id), OrderStatus::Filled);
    let position = |n: &&Note| matches!(n, Note::Position { ticker, .. } if ticker == "WDOU25");
    assert_eq!(desk.log.iter().filter(position).count(), 1);
}

#[test]
fn history_is_asked_for_by_day_and_waits_for_the_server() {
    let mut desk = Desk::new(Settings { accounts: family(), history_ns: 5 * MS, ..at_once() });
    let sub = account().with_sub("S1");
    let id = desk.limit(Side::Buy, 49.0, 1);
    let now = desk.now();
    let asked = |desk: &mut Desk, start, end| {
        let now = desk.now();
        desk.broker.has_orders(now, &sub, start, end)
    };
    assert_eq!(asked(&mut desk, now, now), Err(nresult::NL_WAITING_SERVER));
    assert_eq!(desk.broker.known_orders(&account()).len(), 1, "without the server");
    desk.wait(5);
    let loaded = |n: &&Note| matches!(n, Note::History { account: 0, orders } if orders.len() == 1);
    assert!(desk.log.iter().filter(loaded).count() >= 1, "a sub-account's is its master's");
    assert_eq!(asked(&mut desk, now, now), Ok(()));
    let tomorrow = now + 86_400_000 * MS;
    assert_eq!(asked(&mut desk, now, tomorrow), Err(nresult::NL_OUT_OF_RANGE));
    assert_eq!(asked(&mut desk, now, now - 86_400_000 * MS), Err(nresult::NL_OUT_OF_RANGE));
    let stranger = AccountKey::new(9, "9");
    assert_eq!(desk.broker.has_orders(now, &stranger, now, now), Err(nresult::NL_NOT_FOUND));
    let created = desk.order(&id).created_ns;
    let between = |desk: &mut Desk, a, b| {
        let now = desk.now();
        desk.broker.orders_between(now, &account(), a, b).unwrap().len()
    };
    assert_eq!(between(&mut desk, created, created), 1);
    assert_eq!(between(&mut desk, created + MS, created + 2 * MS), 0, "the time of day counts");
}

#[test]
fn a_carried_position_is_no_day_trade() {
    let carried = vec![Carried { account: account(), ticker: "WDOU25".into(), quantity: -3, price: 52.0 }];
    let mut desk = Desk::new(Settings { carried: carried.clone(), ..at_once() });
    assert_eq!(desk.open(), (-3, 104.0));
    desk.market(Side::Buy, 1);
    let p = desk.broker.position(&account(), "WDOU25");
    assert_eq!((p.total.quantity, p.day.quantity), (-2, 1));
    let wrong = vec![Carried { ticker: "PETR4".into(), ..carried[0].clone() }];
    assert!(Broker::new(Settings { carried: wrong, ..at_once() }, listings()).is_err());
}
