//! Layouts and names against the vendor's, typed here from the published tables and not from the declarations.

#![allow(clippy::unwrap_used)] // a table that does not parse fails the test

use std::collections::BTreeSet;

use qt_profitdll::callbacks::CALLBACKS;
use qt_profitdll::codes::{SETS, nresult, nresult_of};
use qt_profitdll::exports::EXPORTS;
use qt_profitdll::layout::{Callback, Status, Struct, Type};
use qt_profitdll::structs;

/// Struct, bytes with 2-byte units, bytes with 4-byte units, bytes of the earlier versions (2-byte units), and
/// `field@offset` with 2-byte units; `|` gives the offset with 4-byte units where it differs.
const LAYOUTS: &[(&str, usize, usize, &[usize], &str)] = &[
    (
        "SYSTEMTIME",
        16,
        16,
        &[],
        "wYear@0 wMonth@2 wDayOfWeek@4 wDay@6 wHour@8 wMinute@10 wSecond@12 wMilliseconds@14",
    ),
    ("TAssetIDRec", 24, 24, &[], "pwcTicker@0 pwcBolsa@8 nFeed@16"),
    ("TAccountRec", 32, 32, &[], "AccountID@0 Titular@8 NomeCorretora@16 CorretoraID@24"),
    (
        "TConnectorAccountIdentifier",
        32,
        32,
        &[],
        "Version@0 BrokerID@4 AccountID@8 SubAccountID@16 Reserved@24",
    ),
    (
        "TConnectorAccountIdentifierOut",
        424,
        824,
        &[],
        "Version@0 BrokerID@4 AccountID@8 AccountIDLength@208|408 SubAccountID@212|412 SubAccountIDLength@412|812 \
         Reserved@416|816",
    ),
    ("TConnectorAssetIdentifier", 32, 32, &[], "Version@0 Ticker@8 Exchange@16 FeedType@24"),
    (
        "TConnectorAssetIdentifierOut",
        40,
        40,
        &[],
        "Version@0 Ticker@8 TickerLength@16 Exchange@24 ExchangeLength@32 FeedType@36",
    ),
    ("TConnectorOrderIdentifier", 24, 24, &[], "Version@0 LocalOrderID@8 ClOrderID@16"),
    ("TConnectorPriceGroup", 40, 40, &[], "Version@0 Price@8 Count@16 Quantity@24 PriceGroupFlags@32"),
    (
        "TConnectorTrade",
        64,
        64,
        &[],
        "Version@0 TradeDate@2 TradeNumber@20 Price@24 Quantity@32 Volume@40 BuyAgent@48 SellAgent@52 TradeType@56",
    ),
    (
        "TConnectorSendOrder",
        120,
        120,
        &[112, 112],
        "Version@0 AccountID@8 AssetID@40 Password@72 OrderType@80 OrderSide@81 Price@88 StopPrice@96 Quantity@104 \
         MessageID@112",
    ),
    (
        "TConnectorChangeOrder",
        104,
        104,
        &[96],
        "Version@0 AccountID@8 OrderID@40 Password@64 Price@72 StopPrice@80 Quantity@88 MessageID@96",
    ),
    ("TConnectorCancelOrder", 80, 80, &[72], "Version@0 AccountID@8 OrderID@40 Password@64 MessageID@72"),
    ("TConnectorCancelOrders", 80, 80, &[], "Version@0 AccountID@8 AssetID@40 Password@72"),
    ("TConnectorCancelAllOrders", 48, 48, &[], "Version@0 AccountID@8 Password@40"),
    (
        "TConnectorZeroPosition",
        104,
        104,
        &[88, 96],
        "Version@0 AccountID@8 AssetID@40 Password@72 Price@80 PositionType@88 MessageID@96",
    ),
    (
        "TConnectorTradingAccountOut",
        96,
        96,
        &[88],
        "Version@0 AccountID@8 BrokerName@40 BrokerNameLength@48 OwnerName@56 OwnerNameLength@64 SubOwnerName@72 \
         SubOwnerNameLength@80 AccountFlags@84 AccountType@88",
    ),
    (
        "TConnectorTradingAccountPosition",
        216,
        216,
        &[200, 208],
        "Version@0 AccountID@8 AssetID@40 OpenQuantity@72 OpenAveragePrice@80 OpenSide@88 DailyAverageSellPrice@96 \
         DailySellQuantity@104 DailyAverageBuyPrice@112 DailyBuyQuantity@120 DailyQuantityD1@128 DailyQuantityD2@136 \
         DailyQuantityD3@144 DailyQuantityBlocked@152 DailyQuantityPending@160 DailyQuantityAlloc@168 \
         DailyQuantityProvision@176 DailyQuantity@184 DailyQuantityAvailable@192 PositionType@200 EventID@208",
    ),
    (
        "TConnectorOrder",
        232,
        232,
        &[224],
        "Version@0 OrderID@8 AccountID@32 AssetID@64 Quantity@96 TradedQuantity@104 LeavesQuantity@112 Price@120 \
         StopPrice@128 AveragePrice@136 OrderSide@144 OrderType@145 OrderStatus@146 ValidityType@147 Date@148 \
         LastUpdate@164 CloseDate@180 ValidityDate@196 TextMessage@216 EventID@224",
    ),
    (
        "TConnectorOrderOut",
        640,
        1040,
        &[632],
        "Version@0 OrderID@8 AccountID@32 AssetID@456|856 Quantity@496|896 TradedQuantity@504|904 \
         LeavesQuantity@512|912 Price@520|920 StopPrice@528|928 AveragePrice@536|936 OrderSide@544|944 \
         OrderType@545|945 OrderStatus@546|946 ValidityType@547|947 Date@548|948 LastUpdate@564|964 \
         CloseDate@580|980 ValidityDate@596|996 TextMessage@616|1016 TextMessageLength@624|1024 EventID@632|1032",
    ),
    (
        "TConnectorTradingMessageResult",
        64,
        64,
        &[],
        "Version@0 BrokerID@4 OrderID@8 MessageID@32 ResultCode@40 Message@48 MessageLength@56",
    ),
];

fn offsets(fields: &str, wide: bool) -> Vec<(String, usize)> {
    fields
        .split_whitespace()
        .map(|field| {
            let (name, offset) = field.split_once('@').unwrap();
            let (two, four) = offset.split_once('|').unwrap_or((offset, offset));
            (name.to_owned(), if wide { four } else { two }.parse().unwrap())
        })
        .collect()
}

fn check(tables: &[Struct], wide: bool) {
    assert_eq!(tables.len(), LAYOUTS.len());
    for (table, &(name, two, four, earlier, fields)) in tables.iter().zip(LAYOUTS) {
        assert_eq!(table.name, name);
        assert_eq!(table.size, if wide { four } else { two }, "size of {name}");
        let found: Vec<_> = table.fields.iter().map(|f| (f.name.to_owned(), f.offset)).collect();
        assert_eq!(found, offsets(fields, wide), "{name}");
        assert_eq!(usize::from(table.version), earlier.len(), "newest version of {name}");
        for (version, &size) in earlier.iter().enumerate() {
            let size = size + (table.size - two);
            assert_eq!((table.size_at)(version as u8), Some(size), "{name} of version {version}");
        }
        assert_eq!((table.size_at)(table.version), Some(table.size), "{name} of its newest version");
        assert_eq!((table.size_at)(table.version + 1), None, "{name} of an unknown version");
        for (field, next) in table.fields.iter().zip(&table.fields[1..]) {
            assert!(field.offset + field.size <= next.offset, "{name}.{} overlaps", field.name);
        }
    }
}

#[test]
fn structs_have_the_published_layout_with_utf16() {
    check(&structs::all::<u16>(), false);
}

#[test]
fn structs_have_the_published_layout_with_utf32() {
    check(&structs::all::<u32>(), true);
}

#[test]
fn packed_records_of_the_vendor_end_where_the_natural_ones_do() {
    let ends = |name: &str| {
        let tables = structs::all::<u16>();
        let last = tables.iter().find(|t| t.name == name).unwrap().fields.last().copied().unwrap();
        last.offset + last.size
    };
    assert_eq!((ends("TAssetIDRec"), ends("TAccountRec")), (20, 28));
}

#[test]
fn a_new_struct_is_all_zero() {
    let order = structs::TConnectorOrderOut::<u32>::default();
    assert_eq!((order.Version, order.EventID, order.AccountID.AccountID), (0, 0, [0; 100]));
    assert!(order.TextMessage.is_null());
}

/// Arguments of every callback in order: `i` and `u` integers of so many bits, `f` a double, `p` a pointer or text,
/// `A` `TAssetIDRec`, `C` an asset, `N` an account and `O` an order identifier, these four by value.
const CALLBACK_ARGUMENTS: &[(&str, &str)] = &[
    ("State", "i32 i32"),
    ("Health", "i32"),
    ("Progress", "A i32"),
    ("Account", "i32 p p p"),
    ("BrokerAccountList", "i32 u32"),
    ("BrokerSubAccountList", "N"),
    ("NewTrade", "A p u32 f64 f64 i32 i32 i32 i32 u16"),
    ("HistoryTrade", "A p u32 f64 f64 i32 i32 i32 i32"),
    ("ConnectorTrade", "C p u32"),
    ("ChangeCotation", "A p u32 f64"),
    ("TinyBook", "A f64 i32 i32"),
    ("TheoreticalPrice", "A f64 i64"),
    ("Daily", "A p f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 i32 i32 i32 i32 i32 i32 i32"),
    ("PriceBook", "A i32 i32 i32 i32 i32 f64 p p"),
    ("PriceBookV2", "A i32 i32 i32 i64 i64 f64 p p"),
    ("OfferBook", "A i32 i32 i32 i32 i32 i64 f64 u16 u16 u16 u16 u16 p p p"),
    ("OfferBookV2", "A i32 i32 i32 i64 i32 i64 f64 u16 u16 u16 u16 u16 p p p"),
    ("PriceDepth", "C u8 i32 u8"),
    ("InvalidTicker", "C"),
    ("AssetList", "A p"),
    ("AssetListInfo", "A p p i64 i64 i64 i32 i32 f64 f64 p p"),
    ("AssetListInfoV2", "A p p i64 i64 i64 i32 i32 f64 f64 p p p p p"),
    ("ChangeStateTicker", "A p i32"),
    ("AdjustHistory", "A f64 p p p p p i32"),
    ("AdjustHistoryV2", "A f64 p p p p p u32 f64"),
    ("Order", "O"),
    ("OrderHistory", "N"),
    ("AssetPositionList", "N C i64"),
    ("TradingMessageResult", "p"),
    ("OrderChange", "A i32 i32 i32 i32 i32 f64 f64 f64 i64 p p p p p p p"),
    ("History", "A i32 i32 i32 i32 i32 f64 f64 f64 i64 p p p p p p"),
    ("OrderChangeV2", "A i32 i32 i32 i32 i32 i32 f64 f64 f64 i64 p p p p p p p p p p"),
    ("HistoryV2", "A i32 i32 i32 i32 i32 i32 f64 f64 f64 i64 p p p p p p p p p"),
    ("EnumerateOrdersProc", "p isize"),
    ("EnumerateAssetProc", "p isize"),
];

fn short(ty: &str) -> &str {
    match ty {
        "TAssetIDRec" => "A",
        "TConnectorAssetIdentifier" => "C",
        "TConnectorAccountIdentifier" => "N",
        "TConnectorOrderIdentifier" => "O",
        "text" | "pointer" => "p",
        pointer if pointer.starts_with('*') => "p",
        plain => plain,
    }
}

fn said(ty: &str) -> String {
    Type::parse(ty).to_string()
}

#[test]
fn callbacks_have_the_published_arguments() {
    assert_eq!(CALLBACKS.len(), CALLBACK_ARGUMENTS.len());
    for (callback, &(name, args)) in CALLBACKS.iter().zip(CALLBACK_ARGUMENTS) {
        let found: Vec<_> = callback.args.iter().map(|a| short(&said(a.ty)).to_owned()).collect();
        assert_eq!((callback.name, found.join(" ").as_str()), (name, args));
        let enumerates = name.starts_with("Enumerate");
        assert_eq!(said(callback.ret), if enumerates { "i32" } else { "void" }, "{name}");
    }
}

/// Every published function, by group.
const NAMES: &[(&str, &str)] = &[
    (
        "session",
        "DLLInitializeLogin DLLInitializeMarketLogin DLLFinalize SetServerAndPort GetServerClock GetHealthStatus \
         SetEnabledLogToDebug SetEnabledHistOrder SetDayTrade FreePointer InitializeCustom ConnectorSetServerAndPort \
         ConnectorSetServerAndPortRoteamento GetLocationInfo GetSerieHistory",
    ),
    (
        "setters",
        "SetStateCallback SetHealthCallback SetTradeCallback SetTradeCallbackV2 SetHistoryTradeCallback \
         SetHistoryTradeCallbackV2 SetDailyCallback SetTinyBookCallback SetTheoreticalPriceCallback \
         SetSerieProgressCallback SetChangeCotationCallback SetChangeStateTickerCallback SetAssetListCallback \
         SetAssetListInfoCallback SetAssetListInfoCallbackV2 SetInvalidTickerCallback SetOfferBookCallback \
         SetOfferBookCallbackV2 SetPriceBookCallback SetPriceBookCallbackV2 SetPriceDepthCallback \
         SetAdjustHistoryCallback SetAdjustHistoryCallbackV2 SetAccountCallback SetAssetPositionListCallback \
         SetHistoryCallback SetHistoryCallbackV2 SetOrderChangeCallback SetOrderChangeCallbackV2 SetOrderCallback \
         SetOrderHistoryCallback SetBrokerAccountListChangedCallback SetBrokerSubAccountListChangedCallback \
         SetTradingMessageResultCallback",
    ),
    (
        "market",
        "SubscribeTicker UnsubscribeTicker SubscribeOfferBook UnsubscribeOfferBook SubscribePriceBook \
         UnsubscribePriceBook SubscribePriceDepth UnsubscribePriceDepth GetPriceDepthSideCount GetPriceGroup \
         GetTheoreticalValues SubscribeAdjustHistory UnsubscribeAdjustHistory GetHistoryTrades TranslateTrade \
         RequestTickerInfo GetLastDailyClose GetAgentNameLength GetAgentName GetAgentNameByID GetAgentShortNameByID",
    ),
    (
        "legacy_orders",
        "SendBuyOrder SendSellOrder SendMarketBuyOrder SendMarketSellOrder SendStopBuyOrder SendStopSellOrder \
         SendChangeOrder SendCancelOrder SendCancelOrders SendCancelAllOrders SendZeroPosition \
         SendZeroPositionAtMarket GetAccount GetOrders GetOrder GetOrderProfitID GetPosition",
    ),
    (
        "orders",
        "SendOrder SendChangeOrderV2 SendCancelOrderV2 SendCancelOrdersV2 SendCancelAllOrdersV2 SendZeroPositionV2 \
         GetAccountCount GetAccountCountByBroker GetAccounts GetAccountsByBroker GetAccountDetails \
         GetSubAccountCount GetSubAccounts GetPositionV2 EnumerateAllPositionAssets GetOrderDetails \
         HasOrdersInInterval EnumerateOrdersByInterval EnumerateAllOrders",
    ),
];

#[test]
fn every_published_function_is_declared_once() {
    let declared: Vec<_> = EXPORTS.iter().map(|e| (e.group, e.name)).collect();
    let published: Vec<_> = NAMES
        .iter()
        .flat_map(|(group, names)| names.split_whitespace().map(move |name| (*group, name)))
        .collect();
    assert_eq!(declared, published);
    let unique: BTreeSet<_> = EXPORTS.iter().map(|e| e.name).collect();
    assert_eq!(unique.len(), EXPORTS.len());
}

#[test]
fn ids_have_64_bits_and_the_rest_32() {
    for export in EXPORTS {
        let sends_an_order = export.name.starts_with("Send")
            && ["Order", "ZeroPosition", "ZeroPositionAtMarket", "ZeroPositionV2"]
                .iter()
                .any(|end| export.name.ends_with(end))
            && !export.name.contains("Change")
            && !export.name.contains("Cancel");
        let expected = match export.name {
            "GetAgentNameByID" | "GetAgentShortNameByID" | "GetLocationInfo" => "text",
            "GetPosition" => "pointer",
            _ if sends_an_order => "i64",
            _ => "i32",
        };
        assert_eq!(said(export.ret), expected, "{}", export.name);
        let orders = matches!(export.group, "orders" | "legacy_orders");
        assert!(!orders || export.routing, "{} needs routing", export.name);
        assert!(export.group != "legacy_orders" || export.status == Status::Legacy, "{}", export.name);
    }
}

fn arguments(name: &str) -> Vec<&'static str> {
    EXPORTS.iter().find(|e| e.name == name).unwrap().args.iter().map(|a| a.name).collect()
}

#[test]
fn slots_and_passwords_are_where_the_vendor_has_them() {
    assert_eq!(
        arguments("DLLInitializeLogin").join(" "),
        "key user password state history order_change account new_trade daily price_book offer_book history_trade \
         progress tiny_book"
    );
    assert_eq!(
        arguments("DLLInitializeMarketLogin").join(" "),
        "key user password state new_trade daily price_book offer_book history_trade progress tiny_book"
    );
    assert_eq!(arguments("SendBuyOrder")[2], "password");
    assert_eq!(arguments("SendCancelOrder")[3], "password");
    assert_eq!(arguments("SendZeroPosition")[4], "password");
    assert_eq!(arguments("SendZeroPositionAtMarket")[4], "password");
    assert_eq!(arguments("GetAgentName"), ["length", "agent", "buffer", "flags"]);
}

#[test]
fn setters_take_the_callback_that_they_name() {
    let taken = |name: &str| EXPORTS.iter().find(|e| e.name == name).map(|e| said(e.args[0].ty)).unwrap();
    for (setter, callback) in [
        ("SetTradeCallback", "callback NewTrade"),
        ("SetTradeCallbackV2", "callback ConnectorTrade"),
        ("SetHistoryTradeCallbackV2", "callback ConnectorTrade"),
        ("SetSerieProgressCallback", "callback Progress"),
        ("SetBrokerAccountListChangedCallback", "callback BrokerAccountList"),
        ("SetBrokerSubAccountListChangedCallback", "callback BrokerSubAccountList"),
    ] {
        assert_eq!(taken(setter), callback);
    }
    for export in EXPORTS.iter().filter(|e| e.group == "setters") {
        let taken = said(export.args[0].ty);
        let named = |c: &Callback| taken == format!("callback {}", c.name);
        assert!(CALLBACKS.iter().any(named), "{} takes {taken}", export.name);
        assert_eq!(export.args.len(), 1);
    }
}

#[test]
fn result_codes_are_the_published_numbers() {
    let numbers: Vec<_> = nresult::ALL.iter().map(|c| c.value).collect();
    let published: Vec<i64> = std::iter::once(0).chain((0..0x2E).map(|n| -2_147_483_647 + n)).collect();
    assert_eq!(numbers, published);
    for (name, value) in [
        ("NL_INTERNAL_ERROR", -2_147_483_647_i64),
        ("NL_MARKET_ONLY", -2_147_483_638),
        ("NL_EXCHANGE_UNKNOWN", -2_147_483_633),
        ("NL_LICENSE_NOT_ALLOWED", -2_147_483_630),
        ("NL_NOT_MASTER_ACCOUNT", -2_147_483_616),
        ("NL_TIMEOUT", -2_147_483_603),
        ("NL_HISTORY_PERIOD_LIMIT", -2_147_483_602),
    ] {
        assert_eq!(nresult_of(value).unwrap().name, name);
        assert_eq!(nresult_of(value & 0xFFFF_FFFF).unwrap().name, name, "unsigned");
    }
    assert_eq!(nresult_of(-1), None);
}

#[test]
fn codes_of_a_set_are_distinct_and_explained() {
    for set in SETS {
        let values: BTreeSet<_> = set.codes.iter().map(|c| c.value).collect();
        let names: BTreeSet<_> = set.codes.iter().map(|c| c.name).collect();
        assert_eq!((values.len(), names.len()), (set.codes.len(), set.codes.len()), "{}", set.name);
        assert!(set.codes.iter().all(|c| c.doc.ends_with(['.', ')'])), "{}", set.name);
    }
}

#[test]
fn every_type_in_the_tables_is_known() {
    let tables = structs::all::<u16>();
    let known: BTreeSet<_> = tables.iter().map(|s| s.name).collect();
    let fields = tables.iter().flat_map(|s| s.fields).map(|f| f.ty);
    let callbacks = CALLBACKS.iter().flat_map(|c| c.args.iter().map(|a| a.ty).chain([c.ret]));
    let exports = EXPORTS.iter().flat_map(|e| e.args.iter().map(|a| a.ty).chain([e.ret]));
    for text in fields.chain(callbacks).chain(exports) {
        let inner = match Type::parse(text) {
            Type::Pointer(to, _) => *to,
            other => other,
        };
        match inner {
            Type::Struct(name) => assert!(known.contains(name.as_str()), "{text}"),
            Type::Callback(name) => assert!(CALLBACKS.iter().any(|c| c.name == name), "{text}"),
            Type::Pointer(..) => panic!("pointer to pointer: {text}"),
            _ => {}
        }
    }
}
