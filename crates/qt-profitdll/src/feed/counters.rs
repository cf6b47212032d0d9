//! What the feed counts. Written by whoever is inside the feed, read by anybody without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        /// Counts since the feed was made.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[doc = $doc])+ pub $name: Count,)+ }

        impl Counters {
            /// Every count with its name, in declaration order.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get())),+]
            }
        }
    };
}

counters! {
    /// Live trades written.
    trades;
    /// Trades of history requests written.
    history_trades;
    /// Records of the book by order written, those of full images included.
    orders;
    /// Full images of the book by order written.
    images;
    /// Records of the book by price written.
    levels;
    /// Quotes written.
    quotes;
    /// Session markers written.
    sessions;
    /// Gap markers written.
    gaps;
    /// Callbacks about a ticker that was not added.
    unknown_ticker;
    /// Prices between two ticks: never rounded.
    off_tick;
    /// Trades without a date or with a price of 0 or less: left out.
    sentinels;
    /// Sizes that are negative or do not fit into the record: left out.
    out_of_range;
    /// Dates that are there and cannot be read.
    bad_date;
    /// Dates more than a day after what is known: undated records take them when the next one agrees.
    far_date;
    /// Records stamped with the receive time, because no exchange time was known yet.
    undated;
    /// Trades that TranslateTrade did not translate.
    untranslated;
    /// Book updates and images that make no sense: side, action, position, NULL, lengths.
    malformed;
    /// Reads of the price depth that failed or contradicted themselves.
    depth_errors;
    /// Images handed back to the library.
    freed;
    /// Images that could not be handed back, because FreePointer was not given.
    unfreed;
    /// Callbacks that carry nothing of use here: price book and change of quotation.
    ignored;
    /// Control messages left out because nobody took them in time.
    messages_lost;
    /// Receive times that ran backwards; the stamp then stands still.
    clock_back;
    /// Panics caught at the border.
    panics;
    /// Callbacks that found the feed occupied for too long: lost.
    missed;
}

/// One count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds one and returns the sum. There is one writer at a time.
    #[inline(always)]
    pub(super) fn up(&self) -> u64 {
        self.add(1)
    }

    /// Adds `n` and returns the sum.
    #[inline(always)]
    pub(super) fn add(&self, n: u64) -> u64 {
        let sum = self.get() + n;
        self.0.store(sum, Ordering::Relaxed);
        sum
    }

    /// The count.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
