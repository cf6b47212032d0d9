//! One order's life.

use qt_profitdll::codes::nresult;

use super::super::*;
use super::desk::{Desk, MS, account, at_once};

#[test]
fn a_healthy_order_says_so_at_every_hop() {
    let mut desk = Desk::new(Settings { hop_ns: 2 * MS, ..Settings::default() });
    let id = desk.market(Side::Buy, 3);
    assert_eq!((desk.answers(), desk.told()), (vec![0], vec![203]));
    assert_eq!(desk.order(&id).cl_ord_id, "");
    for (answers, told) in [(vec![0, 2], vec![203]), (vec![0, 2, 4], vec![203, 201])] {
        desk.wait(2);
        assert_eq!((desk.answers(), desk.told()), (answers, told));
    }
    desk.wait(4);
    assert_eq!((desk.answers(), desk.told()), (vec![0, 2, 4, 6, 8], vec![203, 201, 202, 10]));
    let permanent = desk.order(&id).cl_ord_id.clone();
    assert!(!permanent.is_empty(), "the broker has accepted");
    desk.wait(1);
    assert_eq!(desk.status(&id), OrderStatus::PendingNew);
    desk.wait(1);
    assert_eq!((desk.answers(), desk.told()), (vec![0, 2, 4, 6, 8, 10], vec![203, 201, 202, 10, 0, 2]));
    let order = desk.broker.details(&OrderId::permanent(&permanent)).unwrap();
    assert_eq!((order.local_id, order.traded, order.leaves(), order.average), (id.local, 3, 0, 50.5));
    assert_eq!(desk.open(), (3, 101.0));
}

#[test]
fn a_refusal_ends_the_way_at_its_stage() {
    let cases = [
        (Stage::Proxy, vec![0, 1], vec![203, 204]),
        (Stage::Mercury, vec![0, 2, 3], vec![203, 204]),
        (Stage::Gateway, vec![0, 2, 4, 5], vec![203, 201, 8]),
        (Stage::Risk, vec![0, 2, 4, 24], vec![203, 201, 8]),
        (Stage::Broker, vec![0, 2, 4, 6, 7], vec![203, 201, 202, 8]),
        (Stage::Market, vec![0, 2, 4, 6, 8, 9], vec![203, 201, 202, 10, 8]),
    ];
    for (stage, answers, told) in cases {
        let rule = Rule { reject: Some((stage, "não".into())), nth: 1, ..Rule::default() };
        let mut desk = Desk::new(Settings { rules: vec![rule], ..at_once() });
        let id = desk.market(Side::Sell, 1);
        assert_eq!((desk.answers(), desk.told()), (answers, told), "{stage:?}");
        let order = desk.order(&id);
        assert_eq!((order.text.as_str(), order.leaves(), order.traded), ("não", 0, 0));
        assert!(order.status.is_final() && order.closed_ns > 0);
        let second = desk.market(Side::Sell, 1);
        assert_eq!(desk.status(&second), OrderStatus::Filled, "only the first is refused");
    }
}

#[test]
fn orders_that_cannot_stand_are_refused_where_the_world_refuses_them() {
    let mut desk = Desk::new(Settings { password: Some("sign".into()), ..at_once() });
    let good = Desk::request(Side::Buy, Type::Limit, 50.0, 5);
    let lot = NewRequest { ticker: "DOLU25".into(), quantity: 7, ..good.clone() };
    let cases = [
        (NewRequest { price: 50.2, ..good.clone() }, 9, "incremento mínimo (0.5)"),
        (lot, 24, "múltipla do lote (5)"),
        (NewRequest { ticker: "WDOFUT".into(), ..good.clone() }, 5, "WDOFUT não é um contrato"),
        (NewRequest { password: "wrong".into(), ..good.clone() }, 5, "Assinatura eletrônica inválida"),
    ];
    for (request, code, text) in cases {
        desk.log.clear();
        let id = desk.send(&request);
        assert_eq!(desk.answers().last(), Some(&code), "{text}");
        assert!(desk.order(&id).text.contains(text), "{}", desk.order(&id).text);
    }
    let mut code = |r: NewRequest| desk.broker.send(0, &r).unwrap_err();
    assert_eq!(code(NewRequest { ticker: "PETR4".into(), ..good.clone() }), nresult::NL_INVALID_TICKER);
    assert_eq!(code(NewRequest { exchange: "B".into(), ..good.clone() }), nresult::NL_INVALID_TICKER);
    assert_eq!(code(NewRequest { account: AccountKey::new(1, "x"), ..good.clone() }), nresult::NL_NOT_FOUND);
    assert_eq!(code(NewRequest { password: String::new(), ..good.clone() }), nresult::NL_NO_PASSWORD);
    assert_eq!(code(NewRequest { quantity: 0, ..good.clone() }), nresult::NL_INVALID_ARGS);
    assert_eq!(code(NewRequest { price: f64::NAN, ..good.clone() }), nresult::NL_INVALID_ARGS);
    assert_eq!(code(NewRequest { kind: Type::StopLimit, ..good }), nresult::NL_INVALID_ARGS);
}

#[test]
fn partial_fills_add_up() {
    let mut desk = Desk::new(Settings { max_fill: 2, ..at_once() });
    let id = desk.limit(Side::Buy, 51.0, 20);
    // 5 at 101 and 8 at 102, in executions of at most 2; the other 7 rest.
    assert_eq!(desk.told()[4..], [0, 1, 1, 1, 1, 1, 1, 1]);
    let order = desk.order(&id);
    assert_eq!((order.traded, order.leaves()), (13, 7));
    assert_eq!(order.average, (5.0 * 50.5 + 8.0 * 51.0) / 13.0);
    desk.level(-1, 101, 0).level(-1, 102, 0).wait(1).trade(-1, 102, 4);
    assert_eq!((desk.status(&id), desk.order(&id).traded), (OrderStatus::PartiallyFilled, 17));
    desk.cancel(&id);
    assert_eq!(desk.status(&id), OrderStatus::PartiallyFilledCanceled);
    assert_eq!(desk.order(&id).leaves(), 0);
    assert_eq!(desk.open().0, 17);
}

#[test]
fn a_change_moves_the_order_and_loses_its_place() {
    let mut desk = Desk::new(at_once());
    let (kept, moved) = (desk.limit(Side::Buy, 50.0, 2), desk.limit(Side::Buy, 50.0, 2));
    // The ten that are ahead of both trade, and new ones queue up behind.
    desk.wait(1).trade(-1, 100, 10).level(1, 100, 30).wait(100);
    let receipt = desk.change(&moved, 50.0, 3);
    assert_eq!(desk.status(&moved), OrderStatus::Replaced);
    assert!(receipt.message_id > 0 && receipt.local_id == moved.local);
    desk.trade(-1, 100, 5);
    assert_eq!(desk.status(&kept), OrderStatus::Filled);
    assert_eq!(desk.order(&moved).traded, 0, "thirty are ahead of it now");
    desk.wait(100).trade(-1, 100, 29);
    assert_eq!(desk.order(&moved).traded, 2);
    desk.change(&moved, 50.5, 3);
    assert_eq!(
        (desk.status(&moved), desk.order(&moved).average),
        (OrderStatus::Filled, (100.0 + 50.5) / 3.0)
    );
}

#[test]
fn a_change_that_cannot_stand_leaves_the_order() {
    let mut desk = Desk::new(at_once());
    let id = desk.limit(Side::Buy, 50.5, 8);
    assert_eq!(desk.order(&id).traded, 5);
    desk.log.clear();
    desk.change(&id, 50.5, 5);
    assert_eq!(desk.answers(), [0, 2, 4, 6, 8, 9]);
    assert_eq!(desk.told(), [14, 1], "pending, then as before");
    desk.change(&id, 50.3, 9);
    assert_eq!(desk.answers()[6..], [0, 2, 4, 6, 8, 9]);
    assert_eq!((desk.order(&id).quantity, desk.order(&id).price), (8, 50.5));
    let stranger = ChangeRequest {
        account: account(),
        password: "sign".into(),
        order: OrderId::local(7),
        price: 50.0,
        stop_price: -1.0,
        quantity: 1,
    };
    assert_eq!(desk.broker.change(0, &stranger), Err(nresult::NL_NOT_FOUND));
}

#[test]
fn a_cancel_loses_against_a_fill() {
    let mut desk = Desk::new(Settings { hop_ns: MS, ..Settings::default() });
    let id = desk.limit(Side::Buy, 50.0, 2);
    desk.wait(5).log.clear();
    desk.cancel(&id);
    desk.wait(3);
    assert_eq!(desk.status(&id), OrderStatus::PendingCancel);
    desk.trade(-1, 99, 50);
    assert_eq!(desk.status(&id), OrderStatus::Filled);
    desk.wait(5);
    assert_eq!(desk.answers(), [0, 2, 4, 6, 8, 9]);
    assert_eq!(desk.told(), [6, 2], "a final status is final");
}

#[test]
fn a_stop_limit_waits_for_its_price_and_stops_at_its_limit() {
    let mut desk = Desk::new(at_once());
    desk.trade(1, 101, 1);
    let stop = NewRequest { stop_price: 50.0, ..Desk::request(Side::Sell, Type::StopLimit, 50.0, 12) };
    let id = desk.send(&stop);
    assert_eq!((desk.status(&id), desk.order(&id).triggered), (OrderStatus::New, false));
    desk.wait(1).trade(-1, 100, 1);
    assert!(desk.order(&id).triggered);
    assert_eq!((desk.order(&id).traded, desk.order(&id).average), (10, 50.0));
}

#[test]
fn cancel_all_and_zeroing() {
    let mut desk = Desk::new(at_once());
    let (near, far) = (desk.limit(Side::Buy, 49.5, 2), desk.limit(Side::Sell, 60.0, 2));
    let dollar = NewRequest { ticker: "DOLU25".into(), ..Desk::request(Side::Buy, Type::Limit, 49.0, 5) };
    let other = desk.send(&dollar);
    let now = desk.now();
    assert_eq!(desk.broker.cancel_all(now, &account(), Some("WDOU25"), "sign"), Ok(2));
    assert_eq!([near, far].map(|id| desk.status(&id)), [OrderStatus::Canceled; 2]);
    assert_eq!(desk.status(&other), OrderStatus::New);
    assert_eq!(desk.broker.cancel_all(now, &account(), None, "sign"), Ok(1));
    assert_eq!(
        desk.broker.cancel_all(now, &account(), Some("PETR4"), "sign"),
        Err(nresult::NL_INVALID_TICKER)
    );
    let zero = |desk: &mut Desk, kind| {
        let now = desk.now();
        let code = desk.broker.zero_position(now, &account(), "WDOU25", "sign", None, kind);
        desk.collect();
        code
    };
    assert_eq!(zero(&mut desk, PositionKind::Consolidated), Err(nresult::NL_NO_POSITION));
    desk.market(Side::Buy, 4);
    let receipt = zero(&mut desk, PositionKind::DayTrade).unwrap();
    assert_eq!(desk.status(&OrderId::local(receipt.local_id)), OrderStatus::Filled);
    let p = desk.broker.position(&account(), "WDOU25");
    assert_eq!((p.total.quantity, p.bought.quantity, p.sold.quantity), (0, 4, 4));
}

#[test]
fn the_close_ends_orders_and_refuses_new_ones() {
    let mut desk = Desk::new(at_once());
    let (untouched, part) = (desk.limit(Side::Buy, 49.0, 2), desk.limit(Side::Sell, 50.0, 12));
    desk.wait(1).close();
    assert_eq!(desk.status(&untouched), OrderStatus::Expired);
    assert_eq!(desk.status(&part), OrderStatus::PartiallyFilledExpired);
    let late = desk.market(Side::Buy, 1);
    assert_eq!(
        (desk.status(&late), desk.order(&late).text.as_str()),
        (OrderStatus::Rejected, "Mercado fechado")
    );
    assert_eq!(desk.answers().last(), Some(&9));
}

#[test]
fn halts_hold_orders_back_and_a_roll_ends_them() {
    use qt_core::event::phase;
    let mut desk = Desk::new(at_once());
    let rest = desk.limit(Side::Buy, 50.0, 1);
    desk.broker.enter_phase(0, phase::HALT).unwrap();
    let waits = desk.market(Side::Buy, 1);
    assert_eq!(desk.status(&waits), OrderStatus::New, "accepted, and nobody trades");
    desk.broker.enter_phase(0, phase::RESUME).unwrap();
    assert_eq!(desk.status(&waits), OrderStatus::Filled);
    desk.broker.enter_phase(0, phase::ROLL).unwrap();
    let order = desk.order(&rest);
    assert_eq!((order.status, order.text.as_str()), (OrderStatus::CanceledByAdmin, "Vencimento do contrato"));
    assert_eq!(desk.open().0, 1, "a position stays its holder's");
}

#[test]
fn limits_of_the_vendors_simulator() {
    let mut desk = Desk::new(Settings { per_minute: 3, per_day: 5, ..at_once() });
    let refused = |desk: &mut Desk| {
        let id = desk.limit(Side::Buy, 49.0, 1);
        let order = desk.order(&id);
        (order.status == OrderStatus::Rejected).then(|| order.text.clone())
    };
    for _ in 0..3 {
        assert_eq!(refused(&mut desk), None);
    }
    assert!(refused(&mut desk).unwrap().contains("3 ordens por minuto"));
    desk.wait(60_000);
    assert_eq!(refused(&mut desk), None);
    assert!(refused(&mut desk).unwrap().contains("5 ordens por dia"));
    desk.wait(24 * 3_600_000);
    assert_eq!(refused(&mut desk), None);
}

#[test]
fn updates_come_twice_late_or_not_at_all() {
    let rules = vec![
        Rule { nth: 1, duplicate: 2, ..Rule::default() },
        Rule { nth: 2, duplicate: 1, late_ns: MS, ..Rule::default() },
        Rule { nth: 3, mute: true, ..Rule::default() },
    ];
    let mut desk = Desk::new(Settings { rules, ..at_once() });
    desk.market(Side::Buy, 1);
    let thrice = |codes: [u8; 6]| codes.into_iter().flat_map(|c| [c; 3]).collect::<Vec<_>>();
    assert_eq!(desk.told(), thrice([203, 201, 202, 10, 0, 2]));
    desk.log.clear();
    desk.market(Side::Buy, 1);
    assert_eq!(desk.told(), [203, 201, 202, 10, 0, 2]);
    desk.wait(1);
    assert_eq!(desk.told()[6..], [203, 201, 202, 10, 0, 2], "stale: the order is filled");
    desk.log.clear();
    let id = desk.limit(Side::Buy, 49.0, 1);
    assert_eq!((desk.answers(), desk.told()), (vec![], vec![]));
    assert_eq!(desk.status(&id), OrderStatus::New, "it is there for who asks");
}

#[test]
fn older_builds_deliver_fewer_updates() {
    let mut desk = Desk::new(Settings { build: 38, ..at_once() });
    let id = desk.limit(Side::Buy, 49.0, 1);
    desk.cancel(&id);
    assert_eq!(desk.told(), [203, 10, 0, 4]);
    assert_eq!(desk.answers(), [0, 2, 4, 6, 8, 10, 0, 2, 4, 6, 8, 10]);
}
