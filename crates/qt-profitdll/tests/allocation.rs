//! Nothing is allocated by market data once the feed is warm.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails
#![allow(clippy::too_many_lines)] // one round calls everything
#![allow(unsafe_code)] // an allocator that counts, and calls through addresses

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Library, at, blob, group, vendor};
use qt_profitdll::Wide;
use qt_profitdll::blob::Version;
use qt_profitdll::callbacks as cb;
use qt_profitdll::structs::TConnectorTrade;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is that of the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocated() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

fn market_data_allocates_nothing<W: Wide + qt_profitdll::feed::Unit>() {
    let lib = Library::<W>::new();
    let (_, text, date) = at(10, 0, 0, 0);
    let text = W::encode(&text);
    let trade = TConnectorTrade {
        TradeDate: date,
        Price: 5_432.5,
        Quantity: 1,
        TradeType: 2,
        ..TConnectorTrade::default()
    };
    let offers: Vec<_> = (0..500).map(|n| (5_000.0 + f64::from(n), 1, i64::from(n))).collect();
    let sell = blob(Version::V2, &offers, "11/09/2026 09:00:00.000", Some(3));
    let buy = blob(Version::V2, &[], "", Some(3));
    // SAFETY: the types of the callbacks; everything lives as long as the calls.
    let round = |n: i32| unsafe {
        let none = std::ptr::null_mut();
        let side = n % 2;
        lib.callback::<cb::NewTrade<W>>("NewTrade")(
            lib.asset(),
            text.as_ptr(),
            n as u32,
            5_432.5,
            1.0,
            1,
            1,
            2,
            2,
            (n % 7 == 0).into(),
        );
        lib.trade_v2("ConnectorTrade", &trade, 0);
        lib.trade_v2("HistoryTradeV2", &trade, 0);
        let offer = lib.callback::<cb::OfferBookV2<W>>("OfferBookV2");
        for action in [0, 1, 2, 3] {
            offer(
                lib.asset(),
                action,
                n % 3,
                side,
                5,
                1,
                2,
                5_000.0,
                1,
                1,
                1,
                1,
                1,
                text.as_ptr(),
                none,
                none,
            );
        }
        offer(
            lib.asset(),
            4,
            0,
            0,
            0,
            0,
            0,
            0.0,
            0,
            0,
            0,
            0,
            0,
            std::ptr::null(),
            sell.as_ptr().cast_mut().cast(),
            buy.as_ptr().cast_mut().cast(),
        );
        lib.callback::<cb::TinyBook<W>>("TinyBook")(lib.asset(), 5_000.0, n, side);
        lib.callback::<cb::Daily<W>>("Daily")(
            lib.asset(),
            text.as_ptr(),
            1.0,
            2.0,
            3.0,
            f64::from(n),
            5.0,
            6.0,
            7.0,
            8.0,
            9.0,
            10.0,
            11,
            12,
            13,
            14,
            15,
            16,
            17,
        );
        {
            let mut vendor = vendor();
            vendor.freed.clear();
            let levels = &mut vendor.sides[side as usize];
            levels.clear();
            levels.extend((0..200).map(|k| {
                group(5_000.0 + f64::from(if side == 0 { -k } else { k }), i64::from(n + k) + 1, 1)
            }));
        }
        lib.depth(side as u8, 0, 8);
        lib.depth(side as u8, 5, 1);
    };
    (0..10).for_each(round);
    let warm = allocated();
    assert!(warm > 0);
    (10..2_000).for_each(round);
    assert_eq!(allocated(), warm);
    assert!(lib.count("levels") > 100_000 && lib.count("orders") > 900_000 && lib.count("trades") == 4_000);
}

#[test]
fn in_both_widths() {
    market_data_allocates_nothing::<u16>();
    market_data_allocates_nothing::<u32>();
}
