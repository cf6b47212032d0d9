//! Tells the client: one notification, the callbacks that carry it.

#![allow(unsafe_code)] // calls through the client's function pointers; the macro says why it is sound

use qt_profitdll::codes::{order_status, order_type, validity};
use qt_profitdll::structs::{
    TAssetIDRec, TConnectorAccountIdentifier, TConnectorAssetIdentifier, TConnectorOrderIdentifier,
    TConnectorTradingMessageResult,
};
use qt_profitdll::time;

use super::account::{Account, AccountKey};
use super::desk::Desk;
use super::note::{Answer, Note};
use super::order::{Order, OrderId};
use crate::sim::deliver::{call, watched};
use crate::sim::{Frame, SIM, W};

/// Tells one notification. On the ConnectorThread only.
pub fn note(desk: &Desk, note: &Note) {
    let account = |index: usize| desk.broker().accounts().get(index).clone();
    match note {
        Note::Account(index) => announce(&account(*index)),
        Note::BrokerAccounts { broker_id, changed } => call!(broker_account_list(*broker_id, *changed)),
        Note::SubAccounts(index) => {
            let frame = SIM.arena.frame();
            call!(broker_sub_account_list(account_id(&frame, &account(*index).key)));
        }
        Note::Answer(answer) => tell_answer(answer),
        Note::Order(order) => {
            let holder = holder(desk, &order.account);
            identifier(order);
            changed(order, &holder);
        }
        Note::History { account: index, orders } => history(&account(*index), orders),
        Note::Position { account: index, ticker, exchange, event_id } => {
            let frame = SIM.arena.frame();
            let asset = TConnectorAssetIdentifier {
                Ticker: frame.text(ticker),
                Exchange: frame.text(exchange),
                ..TConnectorAssetIdentifier::default()
            };
            call!(asset_position_list(account_id(&frame, &account(*index).key), asset, *event_id));
        }
    }
}

fn holder(desk: &Desk, key: &AccountKey) -> String {
    let broker = desk.broker();
    let accounts = broker.accounts();
    accounts.find(key).map_or_else(String::new, |i| accounts.get(i).owner.clone())
}

fn account_id(frame: &Frame<'_>, key: &AccountKey) -> TConnectorAccountIdentifier<W> {
    TConnectorAccountIdentifier {
        BrokerID: key.broker_id,
        AccountID: frame.text(&key.account),
        SubAccountID: frame.text(&key.sub),
        ..TConnectorAccountIdentifier::default()
    }
}

fn order_id(frame: &Frame<'_>, id: &OrderId) -> TConnectorOrderIdentifier<W> {
    TConnectorOrderIdentifier {
        LocalOrderID: id.local,
        ClOrderID: frame.text(&id.permanent),
        ..TConnectorOrderIdentifier::default()
    }
}

fn announce(a: &Account) {
    let frame = SIM.arena.frame();
    let (broker, account) = (frame.text(&a.broker_name), frame.text(&a.key.account));
    call!(account(a.key.broker_id, broker, account, frame.text(&a.owner)));
}

fn tell_answer(answer: &Answer) {
    let frame = SIM.arena.frame();
    let text = frame.text(&answer.text);
    let result = TConnectorTradingMessageResult {
        BrokerID: answer.broker_id,
        OrderID: order_id(&frame, &answer.order),
        MessageID: answer.message_id,
        ResultCode: answer.code,
        Message: text,
        MessageLength: units(&answer.text),
        ..TConnectorTradingMessageResult::default()
    };
    call!(trading_message_result(&raw const result));
}

/// Units of a text.
fn units(text: &str) -> i32 {
    let mut n = 0;
    <W as qt_profitdll::Wide>::encode_into(text, |_| n += 1);
    n
}

fn identifier(o: &Order) {
    let frame = SIM.arena.frame();
    call!(order(order_id(&frame, &o.id())));
}

fn narrow(n: i64) -> i32 {
    n.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// The vendor writes names where the structs have codes: `PARTIALLY_FILLED` as `PartiallyFilled`.
fn camel(name: &str) -> String {
    let word = |w: &str| w[..1].to_string() + &w[1..].to_lowercase();
    name.split('_').map(word).collect()
}

fn name_of(codes: &'static [qt_core::event::Code], code: u8) -> String {
    qt_profitdll::layout::find(codes, code.into()).map_or_else(String::new, |c| camel(c.name))
}

/// Text of the string callbacks about one order; dates that are not set are empty.
struct Strings {
    asset: TAssetIDRec<W>,
    kind: *const W,
    account: *const W,
    holder: *const W,
    id: *const W,
    status: *const W,
    date: *const W,
    updated: *const W,
    closed: *const W,
    text: *const W,
}

fn strings(frame: &Frame<'_>, o: &Order, holder: &str) -> Strings {
    let date = |ns: i64| if ns == 0 { frame.text("") } else { frame.ascii(&time::format(ns)) };
    Strings {
        asset: TAssetIDRec { pwcTicker: frame.text(&o.ticker), pwcBolsa: frame.text(&o.exchange), nFeed: 0 },
        kind: frame.text(&name_of(order_type::ALL, o.kind as u8)),
        account: frame.text(&o.account.account),
        holder: frame.text(holder),
        id: frame.text(&o.cl_ord_id),
        status: frame.text(&name_of(order_status::ALL, o.status as u8)),
        date: date(o.created_ns),
        updated: date(o.updated_ns),
        closed: date(o.closed_ns),
        text: frame.text(&o.text),
    }
}

/// Numbers of the string callbacks about one order.
fn numbers(o: &Order) -> (i32, i32, i32, i32, i32) {
    (o.account.broker_id, narrow(o.quantity), narrow(o.traded), narrow(o.leaves()), o.side as i32)
}

fn changed(o: &Order, holder: &str) {
    let frame = SIM.arena.frame();
    let s = strings(&frame, o, holder);
    let (broker, quantity, traded, leaves, side) = numbers(o);
    call!(order_change(
        s.asset,
        broker,
        quantity,
        traded,
        leaves,
        side,
        o.price,
        o.stop_price,
        o.average,
        o.local_id,
        s.kind,
        s.account,
        s.holder,
        s.id,
        s.status,
        s.date,
        s.text,
    ));
    call!(order_change_v2(
        s.asset,
        broker,
        quantity,
        traded,
        leaves,
        side,
        validity::DAY.into(),
        o.price,
        o.stop_price,
        o.average,
        o.local_id,
        s.kind,
        s.account,
        s.holder,
        s.id,
        s.status,
        s.date,
        s.updated,
        s.closed,
        s.date,
        s.text,
    ));
}

/// The bulk load calls `OrderHistory` alone where that is registered, else every order's callbacks.
fn history(a: &Account, orders: &[Order]) {
    if SIM.slots.order_history.get().is_some() {
        let frame = SIM.arena.frame();
        call!(order_history(account_id(&frame, &a.key)));
        return;
    }
    for o in orders {
        identifier(o);
        let frame = SIM.arena.frame();
        let s = strings(&frame, o, &a.owner);
        let (broker, quantity, traded, leaves, side) = numbers(o);
        call!(history(
            s.asset,
            broker,
            quantity,
            traded,
            leaves,
            side,
            o.price,
            o.stop_price,
            o.average,
            o.local_id,
            s.kind,
            s.account,
            s.holder,
            s.id,
            s.status,
            s.date,
        ));
        call!(history_v2(
            s.asset,
            broker,
            quantity,
            traded,
            leaves,
            side,
            validity::DAY.into(),
            o.price,
            o.stop_price,
            o.average,
            o.local_id,
            s.kind,
            s.account,
            s.holder,
            s.id,
            s.status,
            s.date,
            s.updated,
            s.closed,
            s.date,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_the_vendor_writes_them() {
        assert_eq!(name_of(order_status::ALL, 1), "PartiallyFilled");
        assert_eq!(name_of(order_type::ALL, 4), "StopLimit");
        assert_eq!(name_of(order_status::ALL, 99), "");
    }
}
