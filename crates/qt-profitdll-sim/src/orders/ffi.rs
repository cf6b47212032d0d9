//! The vendor's v4 functions for accounts, orders and positions.
//!
//! `Version` of a struct says how many of its fields exist: no byte beyond them is read or written.

#![allow(unsafe_code)] // the C border; each block says why it is sound
#![allow(non_snake_case)] // the vendor's names
#![allow(clippy::missing_safety_doc)] // the caller keeps to the vendor's contract, as `exports` says

use std::collections::BTreeMap;
use std::sync::Mutex;

use qt_profitdll::callbacks::{EnumerateAssetProc, EnumerateOrdersProc, LParam};
use qt_profitdll::codes::{book_side, nresult, open_side, order_type_legacy, validity};
use qt_profitdll::layout::Layout;
#[allow(clippy::wildcard_imports)] // the vendor's names
use qt_profitdll::structs::*;
use qt_profitdll::{Wide, time};

use super::account::{Account, AccountKey};
use super::desk::{read, request};
use super::order::{CancelRequest, ChangeRequest, NewRequest, Order, OrderId, Receipt, Side, Type};
use super::position::{Position, PositionKind};
use crate::exports::text;
use crate::sim::{W, lock};

/// Result of a function that returns an id.
fn id(result: Result<Receipt, i32>) -> i64 {
    result.map_or_else(i64::from, |r| r.local_id)
}

/// Result of a function that returns nothing but success.
fn done<R>(result: Result<R, i32>) -> i32 {
    result.err().unwrap_or(nresult::NL_OK)
}

/// Result of a function that returns a count.
fn count(result: Result<usize, i32>) -> i32 {
    result.map_or_else(|code| code, |n| n as i32)
}

/// What exists of a struct of the client; the rest is zero.
///
/// # Safety
/// NULL, or a struct of the size that its first byte says.
unsafe fn take<T: Layout>(at: *const T) -> Result<T, i32> {
    if at.is_null() {
        return Err(nresult::NL_INVALID_ARGS);
    }
    // SAFETY: not NULL, so its version is there.
    let version = unsafe { at.cast::<u8>().read() };
    let size = T::size_at(version).ok_or(nresult::NL_VERSION_NOT_SUPPORTED)?;
    let mut value = T::default();
    // SAFETY: `size` bytes are there, says the version, and no more are written than a `T` has.
    unsafe { (&raw mut value).cast::<u8>().copy_from_nonoverlapping(at.cast(), size) };
    Ok(value)
}

/// Writes what exists of a struct back.
///
/// # Safety
/// A struct of the size that the first byte of `value` says.
unsafe fn give<T: Layout>(at: *mut T, value: &T) {
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: a struct begins with its version.
    let size = T::size_at(unsafe { from.read() }).unwrap_or(0);
    // SAFETY: `take` has found a struct of this size there.
    unsafe { at.cast::<u8>().copy_from_nonoverlapping(from, size) };
}

/// The account of an identifier.
///
/// # Safety
/// Its text is NULL or ends in NUL.
unsafe fn account(a: &TConnectorAccountIdentifier<W>) -> Result<AccountKey, i32> {
    TConnectorAccountIdentifier::<W>::size_at(a.Version).ok_or(nresult::NL_VERSION_NOT_SUPPORTED)?;
    // SAFETY: the caller's promise.
    let (account, sub) = unsafe { (text::read(a.AccountID), text::read(a.SubAccountID)) };
    Ok(AccountKey { broker_id: a.BrokerID, account, sub })
}

/// Ticker and exchange of an identifier.
///
/// # Safety
/// Its text is NULL or ends in NUL.
unsafe fn asset(a: &TConnectorAssetIdentifier<W>) -> Result<(String, String), i32> {
    TConnectorAssetIdentifier::<W>::size_at(a.Version).ok_or(nresult::NL_VERSION_NOT_SUPPORTED)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { (text::read(a.Ticker), text::read(a.Exchange)) })
}

/// The order of an identifier.
///
/// # Safety
/// Its text is NULL or ends in NUL.
unsafe fn order(o: &TConnectorOrderIdentifier<W>) -> Result<OrderId, i32> {
    TConnectorOrderIdentifier::<W>::size_at(o.Version).ok_or(nresult::NL_VERSION_NOT_SUPPORTED)?;
    // SAFETY: the caller's promise.
    Ok(OrderId { local: o.LocalOrderID, permanent: unsafe { text::read(o.ClOrderID) } })
}

// ---- requests

/// Version 0 has codes of its own.
fn type_and_side(o: &TConnectorSendOrder<W>) -> Option<(Type, Side)> {
    if o.Version > 0 {
        return Some((Type::from_code(o.OrderType)?, Side::from_code(o.OrderSide)?));
    }
    let kind = match o.OrderType {
        order_type_legacy::LIMIT => Type::Limit,
        order_type_legacy::STOP => Type::StopLimit,
        order_type_legacy::MARKET => Type::Market,
        _ => return None,
    };
    match o.OrderSide {
        book_side::BUY => Some((kind, Side::Buy)),
        book_side::SELL => Some((kind, Side::Sell)),
        _ => None,
    }
}

pub unsafe fn SendOrder(out: *mut TConnectorSendOrder<W>) -> i64 {
    // SAFETY: the caller's promise.
    id(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let (account, (ticker, exchange)) = unsafe { (account(&o.AccountID)?, asset(&o.AssetID)?) };
        let (kind, side) = type_and_side(&o).ok_or(nresult::NL_INVALID_ARGS)?;
        // SAFETY: the caller's promise.
        let password = unsafe { text::read(o.Password) };
        let (price, stop_price, quantity) = (o.Price, o.StopPrice, o.Quantity);
        let new = NewRequest { account, password, ticker, exchange, side, kind, price, stop_price, quantity };
        let receipt = request(|broker, now| broker.send(now, &new))?;
        o.MessageID = receipt.message_id;
        // SAFETY: `take` has read it there.
        unsafe { give(out, &o) };
        Ok(receipt)
    }))
}

pub unsafe fn SendChangeOrderV2(out: *mut TConnectorChangeOrder<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let (account, order) = unsafe { (account(&o.AccountID)?, order(&o.OrderID)?) };
        // SAFETY: the caller's promise.
        let password = unsafe { text::read(o.Password) };
        let (price, stop_price, quantity) = (o.Price, o.StopPrice, o.Quantity);
        let change = ChangeRequest { account, password, order, price, stop_price, quantity };
        let receipt = request(|broker, now| broker.change(now, &change))?;
        o.MessageID = receipt.message_id;
        // SAFETY: `take` has read it there.
        unsafe { give(out, &o) };
        Ok(())
    }))
}

pub unsafe fn SendCancelOrderV2(out: *mut TConnectorCancelOrder<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let (account, order) = unsafe { (account(&o.AccountID)?, order(&o.OrderID)?) };
        // SAFETY: the caller's promise.
        let password = unsafe { text::read(o.Password) };
        let cancel = CancelRequest { account, password, order };
        let receipt = request(|broker, now| broker.cancel(now, &cancel))?;
        o.MessageID = receipt.message_id;
        // SAFETY: `take` has read it there.
        unsafe { give(out, &o) };
        Ok(())
    }))
}

pub unsafe fn SendCancelOrdersV2(orders: *mut TConnectorCancelOrders<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(orders) }.and_then(|o| {
        // SAFETY: the caller's promise.
        let (account, (ticker, _)) = unsafe { (account(&o.AccountID)?, asset(&o.AssetID)?) };
        // SAFETY: the caller's promise.
        let password = unsafe { text::read(o.Password) };
        request(|broker, now| broker.cancel_all(now, &account, Some(&ticker), &password))
    }))
}

pub unsafe fn SendCancelAllOrdersV2(orders: *mut TConnectorCancelAllOrders<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(orders) }.and_then(|o| {
        // SAFETY: the caller's promise.
        let (account, password) = unsafe { (account(&o.AccountID)?, text::read(o.Password)) };
        request(|broker, now| broker.cancel_all(now, &account, None, &password))
    }))
}

pub unsafe fn SendZeroPositionV2(out: *mut TConnectorZeroPosition<W>) -> i64 {
    // SAFETY: the caller's promise.
    id(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let (account, (ticker, _)) = unsafe { (account(&o.AccountID)?, asset(&o.AssetID)?) };
        // SAFETY: the caller's promise.
        let password = unsafe { text::read(o.Password) };
        let kind = position_kind(o.Version, o.PositionType)?;
        let price = if o.Price == super::order::NO_PRICE { None } else { Some(o.Price) };
        let receipt =
            request(|broker, now| broker.zero_position(now, &account, &ticker, &password, price, kind))?;
        o.MessageID = receipt.message_id;
        // SAFETY: `take` has read it there.
        unsafe { give(out, &o) };
        Ok(receipt)
    }))
}

/// The position that is meant: mandatory where the struct has a field for it.
fn position_kind(version: u8, code: u8) -> Result<PositionKind, i32> {
    if version == 0 {
        return Ok(PositionKind::Consolidated);
    }
    PositionKind::from_code(code).ok_or(nresult::NL_INVALID_ARGS)
}

// ---- accounts

pub unsafe fn GetAccountCount() -> i32 {
    count(read(|broker| Ok(broker.accounts().masters(None).len())))
}

pub unsafe fn GetAccountCountByBroker(broker_id: i32) -> i32 {
    count(read(|broker| Ok(broker.accounts().masters(Some(broker_id)).len())))
}

/// Writes accounts from `source` on to `target` on, at most `count`; returns how many.
///
/// # Safety
/// `out` has room for `target + count` accounts.
unsafe fn portion(
    all: &[&Account],
    source: i32,
    target: i32,
    count: i32,
    out: *mut TConnectorAccountIdentifierOut<W>,
) -> Result<usize, i32> {
    let (Ok(source), Ok(target), Ok(count)) =
        (usize::try_from(source), usize::try_from(target), usize::try_from(count))
    else {
        return Err(nresult::NL_OUT_OF_RANGE);
    };
    if out.is_null() {
        return Err(nresult::NL_INVALID_ARGS);
    }
    let mut written = 0;
    for a in all.iter().skip(source).take(count) {
        let mut id = TConnectorAccountIdentifierOut::default();
        account_out(&mut id, &a.key);
        // SAFETY: there is room for it, says the caller.
        unsafe { out.add(target + written).write_unaligned(id) };
        written += 1;
    }
    Ok(written)
}

fn account_out(out: &mut TConnectorAccountIdentifierOut<W>, key: &AccountKey) {
    out.BrokerID = key.broker_id;
    out.AccountIDLength = W::write(&key.account, &mut out.AccountID) as i32;
    out.SubAccountIDLength = W::write(&key.sub, &mut out.SubAccountID) as i32;
}

pub unsafe fn GetAccounts(
    source: i32,
    target: i32,
    n: i32,
    accounts: *mut TConnectorAccountIdentifierOut<W>,
) -> i32 {
    // SAFETY: the caller's promise.
    count(read(|broker| unsafe { portion(&broker.accounts().masters(None), source, target, n, accounts) }))
}

pub unsafe fn GetAccountsByBroker(
    broker_id: i32,
    source: i32,
    target: i32,
    n: i32,
    accounts: *mut TConnectorAccountIdentifierOut<W>,
) -> i32 {
    count(read(|broker| {
        // SAFETY: the caller's promise.
        unsafe { portion(&broker.accounts().masters(Some(broker_id)), source, target, n, accounts) }
    }))
}

pub unsafe fn GetSubAccountCount(master: *const TConnectorAccountIdentifier<W>) -> i32 {
    // SAFETY: the caller's promise.
    count(unsafe { take(master).and_then(|a| account(&a)) }.and_then(|key| {
        read(|broker| broker.accounts().subs(&key).map(|s| s.len()).ok_or(nresult::NL_NOT_MASTER_ACCOUNT))
    }))
}

pub unsafe fn GetSubAccounts(
    master: *const TConnectorAccountIdentifier<W>,
    source: i32,
    target: i32,
    n: i32,
    accounts: *mut TConnectorAccountIdentifierOut<W>,
) -> i32 {
    // SAFETY: the caller's promise.
    count(unsafe { take(master).and_then(|a| account(&a)) }.and_then(|key| {
        read(|broker| {
            let subs = broker.accounts().subs(&key).ok_or(nresult::NL_NOT_MASTER_ACCOUNT)?;
            // SAFETY: the caller's promise.
            unsafe { portion(&subs, source, target, n, accounts) }
        })
    }))
}

/// Fills a buffer of the caller as far as its length goes, and says the length that the text has.
///
/// # Safety
/// `buffer` is NULL or has room for `length` units.
unsafe fn fill(buffer: *mut W, length: &mut i32, text: &str) {
    let mut units = W::encode(text);
    let needed = units.len() - 1;
    if !buffer.is_null() {
        units.truncate(usize::try_from(*length).unwrap_or(0));
        // SAFETY: no more than `length` units. A text that fills them all ends without NUL, as its length says.
        unsafe { buffer.copy_from_nonoverlapping(units.as_ptr(), units.len()) };
    }
    *length = needed as i32;
}

pub unsafe fn GetAccountDetails(out: *mut TConnectorTradingAccountOut<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let key = unsafe { account(&o.AccountID) }?;
        let a = read(|broker| broker.accounts().told(&key).cloned().ok_or(nresult::NL_NOT_FOUND))?;
        // SAFETY: the caller's promise.
        unsafe {
            fill(o.BrokerName, &mut o.BrokerNameLength, &a.broker_name);
            fill(o.OwnerName, &mut o.OwnerNameLength, &a.owner);
            fill(o.SubOwnerName, &mut o.SubOwnerNameLength, &a.sub_owner);
        }
        (o.AccountFlags, o.AccountType) = (a.flags(), a.kind as u8);
        // SAFETY: `take` has read it there.
        unsafe { give(out, &o) };
        Ok(())
    }))
}

// ---- positions

pub unsafe fn GetPositionV2(out: *mut TConnectorTradingAccountPosition<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let (key, (ticker, exchange)) = unsafe { (account(&o.AccountID)?, asset(&o.AssetID)?) };
        let kind = position_kind(o.Version, o.PositionType)?;
        let (position, points, known) = read(|broker| {
            broker.accounts().told(&key).ok_or(nresult::NL_NOT_FOUND)?;
            let listing = broker.listing(&ticker).filter(|l| l.exchange == exchange);
            let points = listing.ok_or(nresult::NL_INVALID_TICKER)?.points(1.0);
            let known = broker.position_assets(&key).iter().any(|a| a.0 == ticker);
            Ok((broker.position(&key, &ticker), points, known))
        })?;
        position_out(&mut o, &position, kind, points);
        // SAFETY: `take` has read it there. The struct is filled even where there was never a position.
        unsafe { give(out, &o) };
        if known { Ok(()) } else { Err(nresult::NL_NO_POSITION) }
    }))
}

fn position_out(o: &mut TConnectorTradingAccountPosition<W>, p: &Position, kind: PositionKind, points: f64) {
    let open = p.open(kind);
    o.OpenQuantity = open.quantity.abs();
    o.OpenAveragePrice = open.average * points;
    o.OpenSide = match open.quantity {
        0 => open_side::UNKNOWN,
        1.. => open_side::LONG,
        _ => open_side::SHORT,
    };
    (o.DailyBuyQuantity, o.DailyAverageBuyPrice) = (p.bought.quantity, p.bought.average() * points);
    (o.DailySellQuantity, o.DailyAverageSellPrice) = (p.sold.quantity, p.sold.average() * points);
    (o.DailyQuantityD1, o.DailyQuantityD2, o.DailyQuantityD3) = (0, 0, 0);
    (o.DailyQuantityBlocked, o.DailyQuantityPending) = (0, 0);
    (o.DailyQuantityAlloc, o.DailyQuantityProvision) = (0, 0);
    (o.DailyQuantity, o.DailyQuantityAvailable) = (p.day.quantity, open.quantity);
    o.EventID = p.event_id;
}

pub unsafe fn EnumerateAllPositionAssets(
    id: *const TConnectorAccountIdentifier<W>,
    asset_version: u8,
    param: LParam,
    proc: Option<EnumerateAssetProc<W>>,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(id).and_then(|a| account(&a)) }.and_then(|key| {
        TConnectorAssetIdentifier::<W>::size_at(asset_version).ok_or(nresult::NL_VERSION_NOT_SUPPORTED)?;
        let proc = proc.ok_or(nresult::NL_INVALID_ARGS)?;
        let assets = read(|broker| {
            broker.accounts().told(&key).ok_or(nresult::NL_NOT_FOUND)?;
            Ok(broker.position_assets(&key))
        })?;
        for (ticker, exchange) in assets {
            let (ticker, exchange) = (W::encode(&ticker), W::encode(&exchange));
            let asset = TConnectorAssetIdentifier {
                Version: asset_version,
                Ticker: ticker.as_ptr(),
                Exchange: exchange.as_ptr(),
                FeedType: 0,
            };
            // SAFETY: the client's function, on the client's thread; the text outlives the call.
            if !goes_on(unsafe { proc(&raw const asset, param) }) {
                break;
            }
        }
        Ok(())
    }))
}

/// Only the low byte counts: clients answer with `bool`.
const fn goes_on(answer: i32) -> bool {
    answer & 0xFF != 0
}

// ---- orders

/// Permanent ids, in memory that the library never frees: `GetOrderDetails` hands out pointers to them.
static PERMANENT: Mutex<BTreeMap<String, Box<[W]>>> = Mutex::new(BTreeMap::new());

fn permanent(id: &str) -> *const W {
    let mut ids = lock(&PERMANENT);
    ids.entry(id.into()).or_insert_with(|| W::encode(id).into_boxed_slice()).as_ptr()
}

fn moment(ns: i64) -> SYSTEMTIME {
    time::to_system((ns != 0).then_some(ns))
}

pub unsafe fn GetOrderDetails(out: *mut TConnectorOrderOut<W>) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(out) }.and_then(|mut o| {
        // SAFETY: the caller's promise.
        let id = unsafe { order(&o.OrderID) }?;
        let order = read(|broker| broker.details(&id).cloned().ok_or(nresult::NL_NOT_FOUND))?;
        o.OrderID.LocalOrderID = order.local_id;
        o.OrderID.ClOrderID = permanent(&order.cl_ord_id);
        account_out(&mut o.AccountID, &order.account);
        // SAFETY: the caller's promise.
        unsafe {
            fill(o.AssetID.Ticker, &mut o.AssetID.TickerLength, &order.ticker);
            fill(o.AssetID.Exchange, &mut o.AssetID.ExchangeLength, &order.exchange);
            fill(o.TextMessage, &mut o.TextMessageLength, &order.text);
        }
        (o.Quantity, o.TradedQuantity, o.LeavesQuantity) = (order.quantity, order.traded, order.leaves());
        (o.Price, o.StopPrice, o.AveragePrice) = (order.price, order.stop_price, order.average);
        (o.OrderSide, o.OrderType) = (order.side as u8, order.kind as u8);
        (o.OrderStatus, o.ValidityType) = (order.status as u8, validity::DAY);
        (o.Date, o.LastUpdate) = (moment(order.created_ns), moment(order.updated_ns));
        (o.CloseDate, o.ValidityDate) = (moment(order.closed_ns), moment(order.created_ns));
        o.EventID = order.event_id;
        // SAFETY: `take` has read it there.
        unsafe { give(out, &o) };
        Ok(())
    }))
}

pub unsafe fn HasOrdersInInterval(
    id: *const TConnectorAccountIdentifier<W>,
    start: SYSTEMTIME,
    end: SYSTEMTIME,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(id).and_then(|a| account(&a)) }.and_then(|key| {
        let (start, end) = interval(start, end)?;
        request(|broker, now| broker.has_orders(now, &key, start, end))
    }))
}

fn interval(start: SYSTEMTIME, end: SYSTEMTIME) -> Result<(i64, i64), i32> {
    match (time::from_system(start), time::from_system(end)) {
        (Ok(Some(start)), Ok(Some(end))) => Ok((start, end)),
        _ => Err(nresult::NL_OUT_OF_RANGE),
    }
}

pub unsafe fn EnumerateOrdersByInterval(
    id: *const TConnectorAccountIdentifier<W>,
    order_version: u8,
    start: SYSTEMTIME,
    end: SYSTEMTIME,
    param: LParam,
    proc: Option<EnumerateOrdersProc<W>>,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(id).and_then(|a| account(&a)) }.and_then(|key| {
        let (start, end) = interval(start, end)?;
        enumerate(order_version, param, proc, || {
            request(|broker, now| broker.orders_between(now, &key, start, end))
        })
    }))
}

pub unsafe fn EnumerateAllOrders(
    id: *const TConnectorAccountIdentifier<W>,
    order_version: u8,
    param: LParam,
    proc: Option<EnumerateOrdersProc<W>>,
) -> i32 {
    // SAFETY: the caller's promise.
    done(unsafe { take(id).and_then(|a| account(&a)) }.and_then(|key| {
        enumerate(order_version, param, proc, || {
            read(|broker| {
                broker.accounts().told(&key).ok_or(nresult::NL_NOT_FOUND)?;
                Ok(broker.known_orders(&key))
            })
        })
    }))
}

/// Hands orders to the client one by one, without holding anything.
fn enumerate(
    version: u8,
    param: LParam,
    proc: Option<EnumerateOrdersProc<W>>,
    orders: impl FnOnce() -> Result<Vec<Order>, i32>,
) -> Result<(), i32> {
    TConnectorOrder::<W>::size_at(version).ok_or(nresult::NL_VERSION_NOT_SUPPORTED)?;
    let proc = proc.ok_or(nresult::NL_INVALID_ARGS)?;
    for order in orders()? {
        let texts = [
            &order.cl_ord_id,
            &order.account.account,
            &order.account.sub,
            &order.ticker,
            &order.exchange,
            &order.text,
        ]
        .map(|t| W::encode(t));
        let [id, account, sub, ticker, exchange, message] = texts.each_ref().map(Vec::as_ptr);
        let out = TConnectorOrder {
            Version: version,
            OrderID: TConnectorOrderIdentifier { Version: 0, LocalOrderID: order.local_id, ClOrderID: id },
            AccountID: TConnectorAccountIdentifier {
                BrokerID: order.account.broker_id,
                AccountID: account,
                SubAccountID: sub,
                ..TConnectorAccountIdentifier::default()
            },
            AssetID: TConnectorAssetIdentifier {
                Ticker: ticker,
                Exchange: exchange,
                ..TConnectorAssetIdentifier::default()
            },
            Quantity: order.quantity,
            TradedQuantity: order.traded,
            LeavesQuantity: order.leaves(),
            Price: order.price,
            StopPrice: order.stop_price,
            AveragePrice: order.average,
            OrderSide: order.side as u8,
            OrderType: order.kind as u8,
            OrderStatus: order.status as u8,
            ValidityType: validity::DAY,
            Date: moment(order.created_ns),
            LastUpdate: moment(order.updated_ns),
            CloseDate: moment(order.closed_ns),
            ValidityDate: moment(order.created_ns),
            TextMessage: message,
            EventID: if version > 0 { order.event_id } else { 0 },
        };
        // SAFETY: the client's function, on the client's thread; the text outlives the call.
        if !goes_on(unsafe { proc(&raw const out, param) }) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::cast_ptr_alignment)] // structs of a client are read as bytes
    #[test]
    fn nothing_beyond_the_version_is_read_or_written() {
        for version in 0..=2 {
            let size = TConnectorSendOrder::<W>::size_at(version).unwrap();
            let mut bytes = vec![0xAB_u8; size + 64];
            bytes[0] = version;
            let at = bytes.as_mut_ptr().cast::<TConnectorSendOrder<W>>();
            // SAFETY: `size` bytes are there.
            let mut value = unsafe { take(at) }.unwrap();
            assert_eq!(value.MessageID == 0, version < 2, "what does not exist is zero");
            value.MessageID = 0x0101_0101_0101_0101;
            // SAFETY: as above.
            unsafe { give(at, &value) };
            assert_eq!(bytes[size..], [0xAB; 64]);
            assert_eq!(bytes.contains(&1), version >= 1, "{version}");
        }
        let mut newer = [3_u8; 256];
        // SAFETY: 256 bytes are there.
        let read = unsafe { take(newer.as_mut_ptr().cast::<TConnectorSendOrder<W>>()) };
        assert_eq!(read.unwrap_err(), nresult::NL_VERSION_NOT_SUPPORTED);
        // SAFETY: NULL is allowed.
        assert_eq!(
            unsafe { take::<TConnectorSendOrder<W>>(std::ptr::null()) }.unwrap_err(),
            nresult::NL_INVALID_ARGS
        );
    }

    #[test]
    fn text_in_two_calls() {
        let mut length = 0;
        // SAFETY: NULL is allowed.
        unsafe { fill(std::ptr::null_mut(), &mut length, "ação") };
        assert_eq!(length, 4);
        let mut buffer = [W::from(9u8); 6];
        // SAFETY: four units are there.
        unsafe { fill(buffer.as_mut_ptr(), &mut length, "ação") };
        assert_eq!(
            (length, W::decode(&buffer[..4]).as_str(), buffer[4]),
            (4, "ação", 9),
            "no NUL beyond the length"
        );
        length = 6;
        // SAFETY: six units are there.
        unsafe { fill(buffer.as_mut_ptr(), &mut length, "ação") };
        assert_eq!((length, buffer[4], buffer[5]), (4, 0, 9));
        length = 2;
        // SAFETY: two units are there.
        unsafe { fill(buffer.as_mut_ptr(), &mut length, "xyz") };
        assert_eq!((length, W::decode(&buffer[..3]).as_str()), (3, "xyã"));
    }
}
