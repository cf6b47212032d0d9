//! The vendor's older functions, mapped onto the same requests.

#![allow(unsafe_code)] // the C border; each block says why it is sound
#![allow(non_snake_case)] // the vendor's names
#![allow(clippy::missing_safety_doc)] // the caller keeps to the vendor's contract, as `exports` says

use std::ffi::c_void;

use qt_profitdll::codes::nresult;
use qt_profitdll::time;

use super::account::AccountKey;
use super::desk::{read, request};
use super::order::{CancelRequest, ChangeRequest, NO_PRICE, NewRequest, OrderId, Receipt, Side, Type};
use super::position::{Position, PositionKind};
use crate::exports::text;
use crate::sim::{SIM, W};

/// The account that two texts name.
///
/// # Safety
/// Text is NULL or ends in NUL.
unsafe fn account(account: *const W, broker: *const W) -> Result<AccountKey, i32> {
    // SAFETY: the caller's promise.
    let (account, broker) = unsafe { (text::read(account), text::read(broker)) };
    let broker_id = broker.trim().parse().map_err(|_| nresult::NL_INVALID_ARGS)?;
    Ok(AccountKey::new(broker_id, &account))
}

fn id(result: Result<Receipt, i32>) -> i64 {
    result.map_or_else(i64::from, |r| r.local_id)
}

fn done<R>(result: Result<R, i32>) -> i32 {
    result.err().unwrap_or(nresult::NL_OK)
}

/// Who and what: the five texts that the sending functions begin with.
struct Names(*const W, *const W, *const W, *const W, *const W);

/// Sends an order.
///
/// # Safety
/// Text is NULL or ends in NUL.
unsafe fn send(names: &Names, side: Side, kind: Type, price: f64, stop_price: f64, quantity: i32) -> i64 {
    // SAFETY: the caller's promise.
    id(unsafe { account(names.0, names.1) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let [password, ticker, exchange] = [names.2, names.3, names.4].map(|t| unsafe { text::read(t) });
        let quantity = quantity.into();
        let new = NewRequest { account, password, ticker, exchange, side, kind, price, stop_price, quantity };
        request(|broker, now| broker.send(now, &new))
    }))
}

macro_rules! senders {
    ($($name:ident $side:ident $kind:ident ($($price:ident),*) => ($limit:expr, $stop:expr);)+) => {$(
        #[allow(clippy::too_many_arguments)] // the vendor's
        pub unsafe fn $name(
            account: *const W,
            broker: *const W,
            password: *const W,
            ticker: *const W,
            exchange: *const W,
            $($price: f64,)*
            quantity: i32,
        ) -> i64 {
            let names = Names(account, broker, password, ticker, exchange);
            // SAFETY: the caller's promise.
            unsafe { send(&names, Side::$side, Type::$kind, $limit, $stop, quantity) }
        }
    )+};
}

senders! {
    SendBuyOrder Buy Limit (price) => (price, NO_PRICE);
    SendSellOrder Sell Limit (price) => (price, NO_PRICE);
    SendMarketBuyOrder Buy Market () => (NO_PRICE, NO_PRICE);
    SendMarketSellOrder Sell Market () => (NO_PRICE, NO_PRICE);
    SendStopBuyOrder Buy StopLimit (price, stop_price) => (price, stop_price);
    SendStopSellOrder Sell StopLimit (price, stop_price) => (price, stop_price);
}

pub unsafe fn SendChangeOrder(
    acc: *const W,
    broker: *const W,
    password: *const W,
    cl_ord_id: *const W,
    price: f64,
    quantity: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { account(acc, broker) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let [password, id] = [password, cl_ord_id].map(|t| unsafe { text::read(t) });
        let change = ChangeRequest {
            account,
            password,
            order: OrderId::permanent(&id),
            price,
            stop_price: NO_PRICE,
            quantity: quantity.into(),
        };
        request(|broker, now| broker.change(now, &change))
    }))
}

pub unsafe fn SendCancelOrder(
    acc: *const W,
    broker: *const W,
    cl_ord_id: *const W,
    password: *const W,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { account(acc, broker) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let [password, id] = [password, cl_ord_id].map(|t| unsafe { text::read(t) });
        let cancel = CancelRequest { account, password, order: OrderId::permanent(&id) };
        request(|broker, now| broker.cancel(now, &cancel))
    }))
}

pub unsafe fn SendCancelOrders(
    acc: *const W,
    broker: *const W,
    password: *const W,
    ticker: *const W,
    _exchange: *const W,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { account(acc, broker) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let [password, ticker] = [password, ticker].map(|t| unsafe { text::read(t) });
        request(|broker, now| broker.cancel_all(now, &account, Some(&ticker), &password))
    }))
}

pub unsafe fn SendCancelAllOrders(acc: *const W, broker: *const W, password: *const W) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { account(acc, broker) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let password = unsafe { text::read(password) };
        request(|broker, now| broker.cancel_all(now, &account, None, &password))
    }))
}

/// Sends what takes a position to zero.
///
/// # Safety
/// Text is NULL or ends in NUL.
unsafe fn zero(acc: *const W, broker: *const W, ticker: *const W, password: *const W, price: f64) -> i64 {
    // SAFETY: the caller's promise.
    id(unsafe { account(acc, broker) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let [ticker, password] = [ticker, password].map(|t| unsafe { text::read(t) });
        let price = (price != NO_PRICE).then_some(price);
        let kind = PositionKind::Consolidated;
        request(|broker, now| broker.zero_position(now, &account, &ticker, &password, price, kind))
    }))
}

pub unsafe fn SendZeroPosition(
    account: *const W,
    broker: *const W,
    ticker: *const W,
    _exchange: *const W,
    password: *const W,
    price: f64,
) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { zero(account, broker, ticker, password, price) }
}

pub unsafe fn SendZeroPositionAtMarket(
    account: *const W,
    broker: *const W,
    ticker: *const W,
    _exchange: *const W,
    password: *const W,
) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { zero(account, broker, ticker, password, NO_PRICE) }
}

pub unsafe fn GetAccount() -> i32 {
    done(request(|broker, now| {
        broker.request_accounts(now);
        Ok(())
    }))
}

pub unsafe fn GetOrders(acc: *const W, broker: *const W, start: *const W, end: *const W) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { account(acc, broker) }.and_then(|account| {
        // SAFETY: the caller's promise.
        let [start, end] = [start, end].map(|t| time::parse(unsafe { text::read(t) }.as_bytes()));
        let (Ok(Some(start)), Ok(Some(end))) = (start, end) else {
            return Err(nresult::NL_INVALID_ARGS);
        };
        request(|broker, now| broker.request_orders(now, &account, start, end))
    }))
}

pub unsafe fn GetOrder(cl_ord_id: *const W) -> i32 {
    // SAFETY: the caller's promise.
    let id = OrderId::permanent(&unsafe { text::read(cl_ord_id) });
    done(request(|broker, now| broker.request_order(now, &id)))
}

pub unsafe fn GetOrderProfitID(profit_id: i64) -> i32 {
    done(request(|broker, now| broker.request_order(now, &OrderId::local(profit_id))))
}

pub unsafe fn GetPosition(
    acc: *const W,
    broker: *const W,
    ticker: *const W,
    exchange: *const W,
) -> *mut c_void {
    // SAFETY: the caller's promise.
    let blob = unsafe { account(acc, broker) }.and_then(|key| {
        // SAFETY: the caller's promise.
        let [ticker, exchange] = [ticker, exchange].map(|t| unsafe { text::read(t) });
        read(|broker| {
            let a = broker.accounts().told(&key).ok_or(nresult::NL_NOT_FOUND)?;
            let listing = broker.listing(&ticker).filter(|l| l.exchange == exchange);
            let points = listing.ok_or(nresult::NL_INVALID_TICKER)?.points(1.0);
            if !broker.position_assets(&key).iter().any(|asset| asset.0 == ticker) {
                return Err(nresult::NL_NO_POSITION);
            }
            Ok(blob(&key, &a.owner, &ticker, &broker.position(&key, &ticker), points))
        })
    });
    blob.map_or(std::ptr::null_mut(), |bytes| SIM.blobs.hand(bytes))
}

/// The packed record of one account's position; text is Latin-1, which the vendor's ANSI agrees with here.
fn blob(key: &AccountKey, holder: &str, ticker: &str, p: &Position, points: f64) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    let narrow = |n: i64| n.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let text = |bytes: &mut Vec<u8>, text: &str| {
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c as u32).unwrap_or(b'?')).collect();
        bytes.extend((latin.len() as i16).to_le_bytes());
        bytes.extend(latin);
    };
    bytes.extend(key.broker_id.to_le_bytes());
    text(&mut bytes, &key.account);
    text(&mut bytes, holder);
    text(&mut bytes, ticker);
    bytes.extend(narrow(p.total.quantity).to_le_bytes());
    bytes.extend((p.total.average * points).to_le_bytes());
    for side in [&p.sold, &p.bought] {
        bytes.extend((side.average() * points).to_le_bytes());
        bytes.extend(narrow(side.quantity).to_le_bytes());
    }
    // Custody D+1, D+2, D+3, blocked, pending, allocated, provisioned: futures have none.
    bytes.extend([0; 7 * 4]);
    bytes.extend(narrow(p.day.quantity).to_le_bytes());
    bytes.extend(narrow(p.total.quantity).to_le_bytes());
    bytes.push(match p.total.quantity {
        0 => 0,
        1.. => 1,
        _ => 2,
    });
    let total = bytes.len() as i32;
    bytes[..4].copy_from_slice(&1_i32.to_le_bytes());
    bytes[4..8].copy_from_slice(&total.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_blob_is_packed() {
        let mut p = Position::default();
        p.apply(-1, 10_800, 3, 1);
        let bytes = blob(&AccountKey::new(15003, "1001"), "João", "WDOU25", &p, 0.5);
        let int = |at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let float = |at: usize| f64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!((int(0), int(4), int(8)), (1, bytes.len() as i32, 15003));
        assert_eq!(&bytes[12..18], [4, 0, b'1', b'0', b'0', b'1']);
        assert_eq!(&bytes[18..24], [4, 0, b'J', b'o', 0xE3, b'o']);
        assert_eq!(&bytes[24..32], [6, 0, b'W', b'D', b'O', b'U', b'2', b'5']);
        assert_eq!(
            (int(32), float(36), float(44), int(52), float(56), int(64)),
            (-3, 5400.0, 5400.0, 3, 0.0, 0)
        );
        assert_eq!(bytes.len(), 68 + 9 * 4 + 1);
        assert_eq!(bytes.last(), Some(&2));
    }
}
