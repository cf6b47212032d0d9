//! Text and structs from the client.

use qt_profitdll::layout::Layout;
use qt_profitdll::structs::TConnectorAssetIdentifier;
use qt_profitdll::wide;

use crate::sim::{SIM, Sin, W};

/// Text that the client passed; NULL is empty.
///
/// # Safety
/// NULL, or text that ends in NUL.
pub unsafe fn read(text: *const W) -> String {
    if SIM.arena.is_stale(text) {
        SIM.sin(Sin::PointerKept, || "text of a callback was passed after the callback returned".into());
    }
    // SAFETY: the caller's promise.
    unsafe { wide::text(text) }
}

/// Ticker and exchange of an asset; `None` for NULL or an unknown version.
///
/// # Safety
/// NULL, or an asset with text that ends in NUL.
pub unsafe fn asset(asset: *const TConnectorAssetIdentifier<W>) -> Option<(String, String)> {
    if asset.is_null() {
        return None;
    }
    // SAFETY: not NULL, so an asset.
    let asset = unsafe { &*asset };
    TConnectorAssetIdentifier::<W>::size_at(asset.Version)?;
    // SAFETY: the caller's promise.
    Some(unsafe { (read(asset.Ticker), read(asset.Exchange)) })
}

/// Writes through a pointer of the client, unless it is NULL.
///
/// # Safety
/// NULL, or valid for a write.
pub unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, so valid.
        unsafe { out.write_unaligned(value) };
    }
}
