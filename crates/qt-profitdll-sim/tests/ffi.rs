//! Through the C border: the book that a client decodes from callbacks and arrays is the true one, for more than a
//! million random actions of every kind of source, with paged full books.

#![allow(unsafe_code)] // a client calls the vendor's functions
#![allow(clippy::unwrap_used)] // a test may panic

#[path = "common/stream.rs"]
mod stream;

use std::ffi::c_void;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use qt_core::Event;
use qt_profitdll::Wide;
use qt_profitdll::blob::{self, Offers, Version};
use qt_profitdll::structs::TAssetIDRec;
use qt_profitdll_sim::exports::own::{QtSimBook, QtSimConfigure, QtSimOffer, QtSimStep};
use qt_profitdll_sim::exports::{
    DLLFinalize, DLLInitializeMarketLogin, FreePointer, SetOfferBookCallbackV2, SubscribeOfferBook,
};
use qt_profitdll_sim::sim::{SIM, W};
use stream::{Scheme, Stream};

/// Price, quantity, agent, id.
type Entry = (f64, i64, i32, i64);

/// Both sides worst first, and how often each action came.
static BOOK: Mutex<([Vec<Entry>; 2], [u64; 5])> = Mutex::new(([const { Vec::new() }; 2], [0; 5]));
static CONNECTED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

unsafe extern "system" fn on_state(connection: i32, state: i32) {
    if (connection, state) == (2, 4) {
        *CONNECTED.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        CONNECTED.1.notify_all();
    }
}

/// Appends the offers of an array and frees it; the first page replaces.
unsafe fn page(side: &mut Vec<Entry>, array: *mut c_void) {
    // SAFETY: the library's array, not freed yet.
    let bytes = unsafe { blob::bytes(array) }.unwrap();
    let offers = Offers::decode(bytes, Version::V2).unwrap();
    if offers.flags().unwrap() & 2 != 0 {
        side.clear();
    }
    side.extend(offers.iter().map(|o| (o.price, o.qty, o.agent, o.offer_id)));
    let size = bytes.len() as i32;
    // SAFETY: as above; nothing borrows from it any more.
    assert_eq!(unsafe { FreePointer(array, size) }, 0);
}

unsafe extern "system" fn on_book(
    _: TAssetIDRec<W>,
    action: i32,
    position: i32,
    side: i32,
    qty: i64,
    agent: i32,
    id: i64,
    price: f64,
    has_price: u16,
    has_qty: u16,
    _: u16,
    has_id: u16,
    has_agent: u16,
    _: *const W,
    sell: *mut c_void,
    buy: *mut c_void,
) {
    let mut book = BOOK.lock().unwrap_or_else(PoisonError::into_inner);
    book.1[action as usize] += 1;
    if action == 4 {
        // SAFETY: arrays of this callback.
        unsafe {
            page(&mut book.0[0], buy);
            page(&mut book.0[1], sell);
        }
        return;
    }
    let list = &mut book.0[side as usize];
    let at = list.len().wrapping_sub(position as usize + 1);
    match action {
        0 => list.insert(list.len() - position as usize, (price, qty, agent, id)),
        1 => {
            let entry = &mut list[at];
            entry.1 += if has_qty == 1 { qty } else { 0 };
            entry.0 = if has_price == 1 { price } else { entry.0 };
            entry.2 = if has_agent == 1 { agent } else { entry.2 };
            entry.3 = if has_id == 1 { id } else { entry.3 };
        }
        2 => {
            list.remove(at);
        }
        _ => list.truncate(at),
    }
}

fn journal(events: &[Event]) -> Vec<u8> {
    let header =
        br#"{"record_size":64,"instruments":[{"index":0,"symbol":"RND","tick_size":0.5,"point_value":1.0}]}"#;
    let mut out = b"QTJRNL\0\x01".to_vec();
    out.extend((header.len() as u32).to_le_bytes());
    out.extend(crc32fast::hash(header).to_le_bytes());
    out.extend(header);
    for frame in events.chunks(4_096) {
        let mut payload = Vec::with_capacity(frame.len() * 64);
        for e in frame {
            for long in [e.ts_event, e.ts_recv, e.sequence, e.id] {
                payload.extend(long.to_le_bytes());
            }
            for int in [e.px, e.px_ask, e.size, e.size_ask, e.ref_a, e.ref_b] {
                payload.extend(int.to_le_bytes());
            }
            payload.extend(e.instrument.to_le_bytes());
            payload.extend(e.flags.to_le_bytes());
            payload.extend([e.kind, e.action, e.side as u8, 0]);
        }
        let count = (frame.len() as u32).to_le_bytes();
        out.extend(0x4D41_5246_u32.to_le_bytes());
        out.extend(count);
        out.extend(crc32fast::hash(&[&count[..], &payload].concat()).to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend(payload);
    }
    out
}

fn true_book(side: i8) -> Vec<Entry> {
    let name = b"RND";
    let mut out = Vec::<QtSimOffer>::with_capacity(1 << 16);
    // SAFETY: room for as many offers as is said, and the library says how many it wrote.
    unsafe {
        let n = QtSimBook(name.as_ptr(), 3, side, out.as_mut_ptr(), 1 << 16);
        out.set_len(usize::try_from(n).unwrap());
    }
    out.iter().map(|o| (o.price, o.quantity, o.agent, o.offer_id)).collect()
}

#[test]
fn a_million_actions_decode_to_the_true_book() {
    let (key, ticker, exchange) = (W::encode("k"), W::encode("RND"), W::encode("F"));
    for (seed, scheme) in [(11, Scheme::ById), (12, Scheme::ByPosition), (13, Scheme::Levels)] {
        let path = std::env::temp_dir().join(format!("qt-sim-ffi-{}-{seed}.qtj", std::process::id()));
        std::fs::write(&path, journal(&Stream::new(seed, scheme).take(400_000).collect::<Vec<_>>())).unwrap();
        let toml = format!("[market]\nsource = \"journal\"\npath = {path:?}\n[profile]\npage_size = 16\n");
        *CONNECTED.0.lock().unwrap() = false;
        // SAFETY: text and callbacks are as the vendor wants them.
        unsafe {
            assert_eq!(QtSimConfigure(toml.as_ptr(), toml.len() as i64), 0, "{}", SIM.last_error());
            let text = key.as_ptr();
            let code = DLLInitializeMarketLogin(
                text,
                text,
                text,
                Some(on_state),
                None,
                None,
                None,
                None,
                None,
                None,
                None,
            );
            assert_eq!(code, 0, "{}", SIM.last_error());
            SetOfferBookCallbackV2(Some(on_book));
            let waited = CONNECTED.1.wait_timeout_while(
                CONNECTED.0.lock().unwrap(),
                Duration::from_secs(30),
                |connected| !*connected,
            );
            assert!(*waited.unwrap().0);
            assert_eq!(SubscribeOfferBook(ticker.as_ptr(), exchange.as_ptr()), 0);
        }
        let (mut played, mut deepest) = (0, 0);
        loop {
            let n = QtSimStep(97);
            assert!(n >= 0, "{}", SIM.last_error());
            if n == 0 {
                break;
            }
            played += n;
            let book = BOOK.lock().unwrap();
            for side in [0, 1] {
                let truth = true_book(side);
                deepest = deepest.max(truth.len());
                assert_eq!(book.0[side as usize], truth, "after {played} events");
            }
        }
        assert_eq!(played, 400_000);
        assert!(deepest > 40, "{deepest}");
        // SAFETY: a session runs.
        unsafe { DLLFinalize() };
        std::fs::remove_file(&path).unwrap();
    }
    let seen = BOOK.lock().unwrap().1;
    assert!(seen.iter().all(|&n| n > 1_000), "every action occurs: {seen:?}");
    assert_eq!(SIM.blobs.report().1, 0, "every array was freed");
}
