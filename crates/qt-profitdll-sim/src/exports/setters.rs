//! The setters: at any time after loading, the last one wins, NULL clears.

#[allow(clippy::wildcard_imports)] // the vendor's names
use qt_profitdll::callbacks::*;
use qt_profitdll::codes::nresult;

use crate::sim::{SIM, Sin, Slot, W};

/// Registers a callback, watching for the two mistakes of registration.
fn set<F: Copy>(name: &str, slot: &Slot<F>, callback: Option<F>, twin: bool) -> i32 {
    let early = !SIM.session().is_some_and(|s| s.is_logged());
    if early && SIM.scenario().is_ok_and(|s| s.strict.drop_early_setters) {
        SIM.sin(Sin::EarlySetter, || format!("{name} before the login was dropped"));
        return nresult::NL_OK;
    }
    if callback.is_some() && twin {
        SIM.sin(Sin::BothVersions, || format!("{name} while the other version is registered: both fire"));
    }
    slot.set(callback);
    nresult::NL_OK
}

macro_rules! setters {
    ($($name:ident($ty:ty) => $slot:ident $(| $twin:ident)?;)+) => {$(
        pub unsafe fn $name(callback: Option<$ty>) -> i32 {
            let twin = false $(|| SIM.slots.$twin.get().is_some())?;
            set(stringify!($name), &SIM.slots.$slot, callback, twin)
        }
    )+};
}

setters! {
    SetStateCallback(State) => state;
    SetHealthCallback(Health) => health;
    SetTradeCallback(NewTrade<W>) => new_trade | trade_v2;
    SetTradeCallbackV2(ConnectorTrade<W>) => trade_v2 | new_trade;
    SetHistoryTradeCallback(HistoryTrade<W>) => history_trade | history_trade_v2;
    SetHistoryTradeCallbackV2(ConnectorTrade<W>) => history_trade_v2 | history_trade;
    SetDailyCallback(Daily<W>) => daily;
    SetTinyBookCallback(TinyBook<W>) => tiny_book;
    SetTheoreticalPriceCallback(TheoreticalPrice<W>) => theoretical_price;
    SetSerieProgressCallback(Progress<W>) => progress;
    SetChangeCotationCallback(ChangeCotation<W>) => change_cotation;
    SetChangeStateTickerCallback(ChangeStateTicker<W>) => change_state_ticker;
    SetAssetListCallback(AssetList<W>) => asset_list;
    SetAssetListInfoCallback(AssetListInfo<W>) => asset_list_info | asset_list_info_v2;
    SetAssetListInfoCallbackV2(AssetListInfoV2<W>) => asset_list_info_v2 | asset_list_info;
    SetInvalidTickerCallback(InvalidTicker<W>) => invalid_ticker;
    SetOfferBookCallback(OfferBook<W>) => offer_book | offer_book_v2;
    SetOfferBookCallbackV2(OfferBookV2<W>) => offer_book_v2 | offer_book;
    SetPriceBookCallback(PriceBook<W>) => price_book | price_book_v2;
    SetPriceBookCallbackV2(PriceBookV2<W>) => price_book_v2 | price_book;
    SetPriceDepthCallback(PriceDepth<W>) => price_depth;
    SetAdjustHistoryCallback(AdjustHistory<W>) => adjust_history | adjust_history_v2;
    SetAdjustHistoryCallbackV2(AdjustHistoryV2<W>) => adjust_history_v2 | adjust_history;
    SetAccountCallback(Account<W>) => account;
    SetAssetPositionListCallback(AssetPositionList<W>) => asset_position_list;
    SetHistoryCallback(History<W>) => history | history_v2;
    SetHistoryCallbackV2(HistoryV2<W>) => history_v2 | history;
    SetOrderChangeCallback(OrderChange<W>) => order_change | order_change_v2;
    SetOrderChangeCallbackV2(OrderChangeV2<W>) => order_change_v2 | order_change;
    SetOrderCallback(Order<W>) => order;
    SetOrderHistoryCallback(OrderHistory<W>) => order_history;
    SetBrokerAccountListChangedCallback(BrokerAccountList) => broker_account_list;
    SetBrokerSubAccountListChangedCallback(BrokerSubAccountList<W>) => broker_sub_account_list;
    SetTradingMessageResultCallback(TradingMessageResult<W>) => trading_message_result;
}
