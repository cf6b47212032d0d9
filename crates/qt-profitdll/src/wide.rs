//! Wide strings: 2-byte units as the vendor has them, or 4-byte ones.
//!
//! `wchar_t` is 2 bytes on Windows and 4 elsewhere, and ctypes clients use whatever the platform has. Everything that
//! holds text is therefore generic over the unit: `u16` is the true ABI (UTF-16), `u32` the one that an unmodified
//! ctypes client sees on Linux and macOS (UTF-32).

#![allow(unsafe_code)] // reading through the vendor's pointers; each block says why it is sound

use std::fmt::Debug;

mod sealed {
    pub trait Unit {}
    impl Unit for u16 {}
    impl Unit for u32 {}
}

/// One unit of a wide string: `u16` or `u32`, nothing else.
pub trait Wide: sealed::Unit + Copy + Default + Eq + Debug + Send + Sync + 'static {
    /// Bytes per unit: 2 or 4.
    const BYTES: usize;

    /// The unit as a number.
    fn value(self) -> u32;

    /// Hands the units of `text` to `put`, without a terminator.
    fn encode_into(text: &str, put: impl FnMut(Self));

    /// Text of `units`; what is no character becomes U+FFFD.
    fn decode(units: &[Self]) -> String;

    /// Units of `text` with the terminating NUL. Text behind a NUL inside `text` is out of a C reader's sight.
    fn encode(text: &str) -> Vec<Self> {
        let mut units = Vec::with_capacity(text.len() + 1);
        Self::encode_into(text, |unit| units.push(unit));
        units.push(Self::default());
        units
    }

    /// Copies `text` with its NUL into a buffer of fixed size, and returns the units written, NUL excluded. What does
    /// not fit is cut off; an empty buffer takes nothing.
    fn write(text: &str, buffer: &mut [Self]) -> usize {
        let room = buffer.len().saturating_sub(1);
        let mut used = 0;
        Self::encode_into(text, |unit| {
            if used < room {
                buffer[used] = unit;
                used += 1;
            }
        });
        if let Some(end) = buffer.get_mut(used) {
            *end = Self::default();
        }
        used
    }
}

impl Wide for u16 {
    const BYTES: usize = 2;

    #[inline(always)]
    fn value(self) -> u32 {
        u32::from(self)
    }

    fn encode_into(text: &str, put: impl FnMut(Self)) {
        text.encode_utf16().for_each(put);
    }

    fn decode(units: &[Self]) -> String {
        String::from_utf16_lossy(units)
    }
}

impl Wide for u32 {
    const BYTES: usize = 4;

    #[inline(always)]
    fn value(self) -> u32 {
        self
    }

    fn encode_into(text: &str, put: impl FnMut(Self)) {
        text.chars().map(u32::from).for_each(put);
    }

    fn decode(units: &[Self]) -> String {
        units.iter().map(|&u| char::from_u32(u).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }
}

/// The longest text that is read from a pointer, in units: a missing terminator must not walk through memory.
pub const TEXT_LIMIT: usize = 4096;

/// Units at `text` up to its NUL, at most `limit`; NULL is empty.
///
/// # Safety
/// `text` is NULL, or readable up to its NUL or for `limit` units, for as long as the slice lives.
#[inline]
pub unsafe fn units<'a, W: Wide>(text: *const W, limit: usize) -> &'a [W] {
    if text.is_null() {
        return &[];
    }
    let mut length = 0;
    // SAFETY: every unit before the first NUL and below `limit` is readable, says the caller.
    while length < limit && unsafe { *text.add(length) } != W::default() {
        length += 1;
    }
    // SAFETY: the loop has just read these units.
    unsafe { std::slice::from_raw_parts(text, length) }
}

/// Text at `text` up to its NUL, at most [`TEXT_LIMIT`] units; NULL is empty.
///
/// # Safety
/// As for [`units`].
pub unsafe fn text<W: Wide>(text: *const W) -> String {
    // SAFETY: the caller's promise is passed on.
    W::decode(unsafe { units(text, TEXT_LIMIT) })
}

/// Text of an inline array: up to its NUL, or all of it.
pub fn inline_text<W: Wide>(array: &[W]) -> String {
    let length = array.iter().position(|&u| u == W::default()).unwrap_or(array.len());
    W::decode(&array[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [&str; 4] = ["", "WDOV26", "Ações à vista", "𝄞 é"];

    fn round_trip<W: Wide>() {
        for sample in SAMPLES {
            let encoded = W::encode(sample);
            assert_eq!(encoded.last(), Some(&W::default()));
            // SAFETY: the vector ends in NUL and outlives the call.
            assert_eq!(unsafe { text(encoded.as_ptr()) }, sample);
            assert_eq!(inline_text(&encoded), sample);
        }
        // SAFETY: NULL is allowed.
        assert!(unsafe { units::<W>(std::ptr::null(), 8) }.is_empty());
        let endless = [W::encode("A")[0]; 8];
        // SAFETY: eight units are there.
        assert_eq!(unsafe { units(endless.as_ptr(), 8) }.len(), 8);
    }

    #[test]
    fn text_survives_both_widths() {
        round_trip::<u16>();
        round_trip::<u32>();
    }

    #[test]
    fn a_short_buffer_cuts_and_still_ends_in_nul() {
        let mut buffer = [9_u16; 4];
        assert_eq!(u16::write("WDOV26", &mut buffer), 3);
        assert_eq!(buffer, [b'W' as u16, b'D' as u16, b'O' as u16, 0]);
        assert_eq!(u16::write("", &mut buffer), 0);
        assert_eq!(buffer[0], 0);
        assert_eq!(u32::write("WDO", &mut []), 0);
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        assert_eq!(u16::decode(&[0xD800, 65]), "\u{FFFD}A");
        assert_eq!(u32::decode(&[0x0011_0000, 65]), "\u{FFFD}A");
    }
}
