//! Market events: one 64-byte record for every kind, declared once.
//!
//! The macro call at the end of this file is the only definition of an event in the project. The C layout,
//! the numpy dtype, the Arrow schemas, the Python enums and the reference page are generated from it
//! (`make gen`), and a test fails when what is committed is stale.
//!
//! All kinds share one flat record, so a mixed stream is one contiguous array in memory, in the ring and in
//! numpy. A kind gives *names* to the fields it uses ([`Trade`], [`Quote`], …); those views are plain copies.

/// One field of the flat record, as the code generator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name in the flat record.
    pub name: &'static str,
    /// Rust type: `i64`, `i32`, `u16`, `u8` or `i8`.
    pub ty: &'static str,
    /// Byte offset inside the record.
    pub offset: usize,
    /// What it holds, with its unit.
    pub doc: &'static str,
}

/// The names that one kind of event gives to the flat fields it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Kind name, for example `Trade`.
    pub kind: &'static str,
    /// Discriminant stored in `Event::kind`.
    pub code: u8,
    /// Lake folder that holds this kind.
    pub lake: &'static str,
    /// What the kind means.
    pub doc: &'static str,
    /// `(name in this kind, flat field)` in declaration order, the three stamps excluded.
    pub columns: &'static [(&'static str, &'static str)],
}

/// An integer code with a name: the source of the generated Python enums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Upper-case name.
    pub name: &'static str,
    /// Stored value.
    pub value: i64,
    /// Meaning.
    pub doc: &'static str,
}

macro_rules! codes {
    ($(#[$meta:meta])* mod $module:ident: $ty:ty; $($(#[doc = $vdoc:literal])+ $name:ident = $value:expr;)+) => {
        $(#[$meta])*
        pub mod $module {
            $(#[doc = concat!($($vdoc),+)] pub const $name: $ty = $value;)+
            /// Every code of this set, in declaration order.
            pub const ALL: &[super::Code] = &[
                $(super::Code { name: stringify!($name), value: $value as i64, doc: concat!($($vdoc),+) }),+
            ];
        }
    };
}

macro_rules! records {
    (
        $(#[$meta:meta])*
        struct $event:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $fty:ident,)+ }
        $(
            $(#[doc = $kdoc:literal])+
            $kind:ident = $code:literal in $lake:literal { $($(#[doc = $cdoc:literal])+ $col:ident = $src:ident: $cty:ty,)* }
        )+
    ) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $event { $($(#[doc = $fdoc])+ pub $field: $fty,)+ }

        impl $event {
            /// Every field with its type, offset and meaning.
            pub const FIELDS: &'static [Field] = &[
                $(Field {
                    name: stringify!($field),
                    ty: stringify!($fty),
                    offset: std::mem::offset_of!($event, $field),
                    doc: concat!($($fdoc),+),
                }),+
            ];
            /// Every kind with the names it gives to the flat fields.
            pub const VIEWS: &'static [View] = &[
                $(View {
                    kind: stringify!($kind),
                    code: $code,
                    lake: $lake,
                    doc: concat!($($kdoc),+),
                    columns: &[$((stringify!($col), stringify!($src))),*],
                }),+
            ];
        }

        /// What a record is about; stored as one byte in [`Event::kind`].
        #[repr(u8)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[doc = $kdoc])+ $kind = $code,)+ }

        impl Kind {
            /// The kind with this code, if there is one.
            #[inline]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$kind),)+ _ => None }
            }
        }

        $(
            $(#[doc = $kdoc])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
            pub struct $kind {
                /// Exchange time, ns UTC.
                pub ts_event: i64,
                /// Receive time, ns UTC.
                pub ts_recv: i64,
                /// Position in the source.
                pub sequence: i64,
                $($(#[doc = $cdoc])+ pub $col: $cty,)*
            }

            impl From<&$event> for $kind {
                #[inline(always)]
                fn from(e: &$event) -> Self {
                    Self { ts_event: e.ts_event, ts_recv: e.ts_recv, sequence: e.sequence, $($col: e.$src,)* }
                }
            }

            impl From<$kind> for $event {
                #[inline(always)]
                fn from(v: $kind) -> Self {
                    Self {
                        ts_event: v.ts_event,
                        ts_recv: v.ts_recv,
                        sequence: v.sequence,
                        kind: $code,
                        $($src: v.$col,)*
                        ..Self::default()
                    }
                }
            }
        )+
    };
}

/// Price of a side that is not there: no bid, no ask, no trade yet.
pub const PX_NONE: i32 = i32::MIN;

codes! {
    /// Sides: the aggressor of a trade, or the side of the book that an update is about.
    mod side: i8;
    /// Seller aggressor, or the ask side of the book.
    SELL = -1;
    /// Unknown or none: auction, cross, RLP, or a feed without an aggressor flag.
    NONE = 0;
    /// Buyer aggressor, or the bid side of the book.
    BUY = 1;
}

codes! {
    /// What a book update does.
    mod action: u8;
    /// No action: trades, quotes, timers.
    NONE = 0;
    /// A new level, or a new order at the back of its price.
    ADD = 1;
    /// A changed level or order: `size` is the new absolute size.
    EDIT = 2;
    /// A level or order removed.
    DELETE = 3;
    /// Remove the order at `position` and every better one of that side.
    DELETE_FROM = 4;
    /// Forget this side, or both when `side` is 0.
    CLEAR = 5;
    /// A full image of the book follows; what was known before is void.
    SNAPSHOT_BEGIN = 6;
    /// The image is complete; the book is valid again.
    SNAPSHOT_END = 7;
}

codes! {
    /// Phase of the session that begins at a session marker.
    mod phase: u8;
    /// Outside trading hours.
    CLOSED = 0;
    /// Continuous trading opens: windows, profile, VWAP and CVD restart here.
    OPEN = 1;
    /// A call auction begins: no continuous touch.
    AUCTION = 2;
    /// Continuous trading resumes inside the same session.
    RESUME = 3;
    /// Trading is halted.
    HALT = 4;
    /// The next contract begins: what depends on the old one restarts.
    ROLL = 5;
}

codes! {
    /// Facts about one record, as bits of `flags`.
    mod flag: u16;
    /// More records of the same packet follow; the book is consistent only after the last of them.
    MORE = 1;
    /// Printed in a call auction.
    AUCTION = 2;
    /// Retail liquidity provider trade (RLP).
    RLP = 4;
    /// Cross or direct trade: both sides from one participant.
    CROSS = 8;
    /// Cancels the trade with this id.
    CANCELLED = 16;
    /// Corrects the trade with this id.
    EDITED = 32;
    /// The aggressor was inferred by a rule, not reported.
    SIDE_INFERRED = 64;
    /// Part of a full book image.
    SNAPSHOT = 128;
    /// Made by a generator, never seen on a market.
    SYNTHETIC = 256;
    /// Executed against an order that was not displayed.
    HIDDEN = 512;
    /// From an adjusted series: off the tick grid on purpose.
    ADJUSTED = 1024;
    /// `size` of this edit is a signed change, not the new size; a price of `PX_NONE` is unchanged.
    DELTA = 2048;
}

records! {
    /// One market event. 64 bytes: the ring, numpy arrays and files hold this record and nothing else.
    struct Event {
        /// Exchange time, ns since 1970 UTC.
        ts_event: i64,
        /// Local receive time, ns since 1970 UTC; equals `ts_event` where the source has none.
        ts_recv: i64,
        /// Position in the source, strictly increasing: the total order of a stream.
        sequence: i64,
        /// Trade id or order id; 0 where the source has none.
        id: i64,
        /// Price in ticks: trade, level or order price; the bid of a quote.
        px: i32,
        /// Ask price of a quote in ticks.
        px_ask: i32,
        /// Contracts: traded, displayed at the level (absolute), of the order; the bid size of a quote.
        size: i32,
        /// Ask size of a quote in contracts.
        size_ask: i32,
        /// Small integer whose meaning depends on the kind: buying broker, broker, order count.
        ref_a: i32,
        /// Small integer whose meaning depends on the kind: selling broker, book position, order count.
        ref_b: i32,
        /// Index of the instrument in the session's table.
        instrument: u16,
        /// Bits of `flag`.
        flags: u16,
        /// Code of `Kind`.
        kind: u8,
        /// Code of `action`; for session markers, of `phase`.
        action: u8,
        /// Code of `side`.
        side: i8,
        /// Zero; keeps the record at 64 bytes.
        reserved: u8,
    }

    /// A trade; `side` is the aggressor.
    Trade = 1 in "trades" {
        /// Trade id.
        trade_id = id: i64,
        /// Price in ticks.
        px = px: i32,
        /// Contracts.
        size = size: i32,
        /// Buying broker, 0 unknown.
        buyer = ref_a: i32,
        /// Selling broker, 0 unknown.
        seller = ref_b: i32,
        /// Aggressor side.
        side = side: i8,
        /// Bits of `flag`.
        flags = flags: u16,
    }
    /// Best bid and ask; a missing side has price `PX_NONE` and size 0.
    Quote = 2 in "quotes" {
        /// Best bid in ticks.
        bid_px = px: i32,
        /// Best ask in ticks.
        ask_px = px_ask: i32,
        /// Contracts at the best bid.
        bid_sz = size: i32,
        /// Contracts at the best ask.
        ask_sz = size_ask: i32,
        /// Orders at the best bid, 0 unknown.
        bid_ct = ref_a: i32,
        /// Orders at the best ask, 0 unknown.
        ask_ct = ref_b: i32,
        /// Bits of `flag`.
        flags = flags: u16,
    }
    /// Update of one price level; `size` is the new absolute size, 0 removes the level.
    Level = 3 in "book_l2" {
        /// Price in ticks.
        px = px: i32,
        /// Displayed contracts after the update.
        size = size: i32,
        /// Orders at the level, 0 unknown.
        count = ref_a: i32,
        /// Side of the book.
        side = side: i8,
        /// `ADD`, `EDIT`, `DELETE`, `CLEAR` or a snapshot bound.
        action = action: u8,
        /// Bits of `flag`.
        flags = flags: u16,
    }
    /// Update of one order in a by-order book.
    Order = 4 in "book_events" {
        /// Order id; 0 in purely positional feeds.
        order_id = id: i64,
        /// Price in ticks.
        px = px: i32,
        /// Displayed contracts after the update.
        size = size: i32,
        /// Broker, 0 unknown.
        broker = ref_a: i32,
        /// Position counted from the best price (0 = best), −1 in feeds addressed by order id.
        position = ref_b: i32,
        /// Side of the book.
        side = side: i8,
        /// Any code of `action`.
        action = action: u8,
        /// Bits of `flag`.
        flags = flags: u16,
    }
    /// The session enters a phase.
    Session = 5 in "markers" {
        /// Code of `phase`.
        phase = action: u8,
        /// Bits of `flag`.
        flags = flags: u16,
    }
    /// Events were lost: books are invalid until a snapshot.
    Gap = 6 in "markers" {
        /// How many records were lost, 0 unknown.
        lost = size: i32,
    }
    /// Time passed without a market event: closes bars and windows.
    Timer = 7 in "markers" {
    }
    /// A closed bar from a source that has nothing finer; `ts_event` is the moment it became final.
    Bar = 8 in "bars" {
        /// Start of the bar, ns UTC.
        ts_open = id: i64,
        /// First price in ticks.
        open = px: i32,
        /// Greatest price in ticks.
        high = px_ask: i32,
        /// Least price in ticks.
        low = ref_a: i32,
        /// Last price in ticks.
        close = ref_b: i32,
        /// Contracts traded.
        volume = size: i32,
        /// Trades in the bar, 0 unknown.
        trades = size_ask: i32,
        /// Bits of `flag`.
        flags = flags: u16,
    }
}

impl Event {
    /// Kind of this record, `None` for a code that this version does not know.
    #[inline(always)]
    pub const fn kind(&self) -> Option<Kind> {
        Kind::from_code(self.kind)
    }

    /// Whether all bits of `mask` are set in `flags`.
    #[inline(always)]
    pub const fn has(&self, mask: u16) -> bool {
        self.flags & mask == mask
    }

    /// The mark in front of this record where `lost` records before it were not seen by a reader: books are void until
    /// their next image. It carries the times of this record, and the number of the last one that is missing.
    #[must_use]
    pub fn gap_before(&self, instrument: u16, lost: u64) -> Self {
        let lost = i32::try_from(lost).unwrap_or(i32::MAX);
        let sequence = self.sequence - 1;
        let gap = Gap { ts_event: self.ts_event, ts_recv: self.ts_recv, sequence, lost };
        Self { instrument, ..gap.into() }
    }

    /// Whether the book is consistent after this record (it ends its packet).
    #[inline(always)]
    pub const fn ends_packet(&self) -> bool {
        self.flags & flag::MORE == 0
    }
}

impl Trade {
    /// Whether this print counts as new volume: cancellations and corrections do not.
    #[inline(always)]
    pub const fn is_print(&self) -> bool {
        self.flags & (flag::CANCELLED | flag::EDITED) == 0 && self.size > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_pinned() {
        assert_eq!(size_of::<Event>(), 64);
        assert_eq!(align_of::<Event>(), 8);
        let offsets: Vec<_> = Event::FIELDS.iter().map(|f| (f.name, f.ty, f.offset)).collect();
        assert_eq!(
            offsets,
            [
                ("ts_event", "i64", 0),
                ("ts_recv", "i64", 8),
                ("sequence", "i64", 16),
                ("id", "i64", 24),
                ("px", "i32", 32),
                ("px_ask", "i32", 36),
                ("size", "i32", 40),
                ("size_ask", "i32", 44),
                ("ref_a", "i32", 48),
                ("ref_b", "i32", 52),
                ("instrument", "u16", 56),
                ("flags", "u16", 58),
                ("kind", "u8", 60),
                ("action", "u8", 61),
                ("side", "i8", 62),
                ("reserved", "u8", 63),
            ]
        );
    }

    #[test]
    fn views_round_trip() {
        let t = Trade {
            ts_event: 1,
            ts_recv: 2,
            sequence: 3,
            trade_id: 4,
            px: 10_801,
            size: 7,
            side: side::SELL,
            ..Trade::default()
        };
        let e = Event::from(t);
        assert_eq!(e.kind(), Some(Kind::Trade));
        assert_eq!(Trade::from(&e), t);
        let q = Quote { bid_px: 5, ask_px: 6, bid_sz: 7, ask_sz: 8, ..Quote::default() };
        assert_eq!(Quote::from(&Event::from(q)), q);
        assert_eq!(Kind::from_code(0), None);
    }

    #[test]
    fn every_view_column_names_a_flat_field() {
        for v in Event::VIEWS {
            for (name, field) in v.columns {
                assert!(Event::FIELDS.iter().any(|f| f.name == *field), "{}.{name} -> {field}", v.kind);
            }
        }
    }

    #[test]
    fn a_gap_stands_before_the_first_record_seen() {
        let first = Event { ts_event: 5, ts_recv: 6, sequence: 17, px: 3, kind: 1, ..Event::default() };
        let gap = first.gap_before(9, 15);
        assert_eq!(
            gap,
            Event {
                ts_event: 5,
                ts_recv: 6,
                sequence: 16,
                size: 15,
                instrument: 9,
                kind: 6,
                ..Event::default()
            }
        );
        assert_eq!(first.gap_before(9, u64::MAX).size, i32::MAX);
    }

    #[test]
    fn corrections_are_not_prints() {
        let t = Trade { size: 1, ..Trade::default() };
        assert!(t.is_print());
        assert!(!Trade { flags: flag::CANCELLED, ..t }.is_print());
        assert!(!Trade { size: 0, ..t }.is_print());
    }
}
