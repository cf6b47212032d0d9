//! The callbacks that a client registered, each behind one atomic pointer.

#![allow(unsafe_code)] // function pointers through an atomic; the block says why it is sound

use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use qt_profitdll::callbacks as cb;

use super::W;

/// One registered callback of type `F`, a plain function pointer.
pub struct Slot<F> {
    address: AtomicUsize,
    calls: AtomicUsize,
    _callback: PhantomData<F>,
}

impl<F: Copy> Slot<F> {
    const fn new() -> Self {
        assert!(size_of::<Option<F>>() == size_of::<usize>());
        Self { address: AtomicUsize::new(0), calls: AtomicUsize::new(0), _callback: PhantomData }
    }

    /// Registers a callback; `None` clears.
    pub fn set(&self, callback: Option<F>) {
        // SAFETY: `F` is a function pointer, so an option of it is one word, zero for none.
        let address = unsafe { std::mem::transmute_copy::<Option<F>, usize>(&callback) };
        self.address.store(address, Ordering::Release);
    }

    /// The callback, counted as called.
    pub fn call(&self) -> Option<F> {
        let callback = self.get();
        if callback.is_some() {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        callback
    }

    /// The callback.
    pub fn get(&self) -> Option<F> {
        let address = self.address.load(Ordering::Acquire);
        // SAFETY: the word was an `Option<F>` when it was stored.
        unsafe { std::mem::transmute_copy::<usize, Option<F>>(&address) }
    }
}

macro_rules! slots {
    ($($(#[doc = $doc:literal])+ $name:ident: $ty:ty,)+) => {
        /// Every callback that the library calls on its own thread.
        pub struct Slots { $($(#[doc = $doc])+ pub $name: Slot<$ty>,)+ }

        impl Slots {
            /// Nothing registered.
            pub const fn new() -> Self {
                Self { $($name: Slot::new(),)+ }
            }

            /// Forgets every callback: the session is over.
            pub fn forget(&self) {
                $(self.$name.set(None);)+
            }

            /// Starts counting anew.
            pub fn recount(&self) {
                $(self.$name.calls.store(0, Ordering::Relaxed);)+
            }

            /// Calls made, by name, without those never called.
            pub fn counts(&self) -> Vec<(&'static str, usize)> {
                let all = [$((stringify!($name), self.$name.calls.load(Ordering::Relaxed))),+];
                all.into_iter().filter(|c| c.1 > 0).collect()
            }
        }
    };
}

slots! {
    /// Connection states.
    state: cb::State,
    /// Health of the delivery.
    health: cb::Health,
    /// Progress of history requests.
    progress: cb::Progress<W>,
    /// Accounts.
    account: cb::Account<W>,
    /// Changed account lists.
    broker_account_list: cb::BrokerAccountList,
    /// Changed sub-account lists.
    broker_sub_account_list: cb::BrokerSubAccountList<W>,
    /// Live trades, V1.
    new_trade: cb::NewTrade<W>,
    /// Live trades, V2.
    trade_v2: cb::ConnectorTrade<W>,
    /// Trades of history requests, V1.
    history_trade: cb::HistoryTrade<W>,
    /// Trades of history requests, V2.
    history_trade_v2: cb::ConnectorTrade<W>,
    /// Last price.
    change_cotation: cb::ChangeCotation<W>,
    /// Best offers.
    tiny_book: cb::TinyBook<W>,
    /// Theoretical price.
    theoretical_price: cb::TheoreticalPrice<W>,
    /// The day.
    daily: cb::Daily<W>,
    /// Book by price, V1.
    price_book: cb::PriceBook<W>,
    /// Book by price, V2.
    price_book_v2: cb::PriceBookV2<W>,
    /// Book by offer, V1.
    offer_book: cb::OfferBook<W>,
    /// Book by offer, V2.
    offer_book_v2: cb::OfferBookV2<W>,
    /// Aggregated ladder.
    price_depth: cb::PriceDepth<W>,
    /// Unknown assets.
    invalid_ticker: cb::InvalidTicker<W>,
    /// Assets.
    asset_list: cb::AssetList<W>,
    /// Asset details.
    asset_list_info: cb::AssetListInfo<W>,
    /// Asset details with sector.
    asset_list_info_v2: cb::AssetListInfoV2<W>,
    /// Ticker states.
    change_state_ticker: cb::ChangeStateTicker<W>,
    /// Adjustments, V1.
    adjust_history: cb::AdjustHistory<W>,
    /// Adjustments, V2.
    adjust_history_v2: cb::AdjustHistoryV2<W>,
    /// Order identifiers.
    order: cb::Order<W>,
    /// Loaded order histories.
    order_history: cb::OrderHistory<W>,
    /// Positions.
    asset_position_list: cb::AssetPositionList<W>,
    /// Steps of a request.
    trading_message_result: cb::TradingMessageResult<W>,
    /// Order changes, V1.
    order_change: cb::OrderChange<W>,
    /// Orders of the history, V1.
    history: cb::History<W>,
    /// Order changes, V2.
    order_change_v2: cb::OrderChangeV2<W>,
    /// Orders of the history, V2.
    history_v2: cb::HistoryV2<W>,
}
