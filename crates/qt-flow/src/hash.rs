//! A hash of few instructions. What it hashes comes from an exchange, not from an adversary.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by this hash.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

/// One multiplication per number.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Multiply(u64);

impl Hasher for Multiply {
    #[inline]
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(u64::from(b));
        }
    }

    #[inline]
    fn write_i8(&mut self, x: i8) {
        self.write_u64(u64::from(x.cast_unsigned()));
    }

    #[inline]
    fn write_i32(&mut self, x: i32) {
        self.write_u64(u64::from(x.cast_unsigned()));
    }

    #[inline]
    fn write_i64(&mut self, x: i64) {
        self.write_u64(x.cast_unsigned());
    }

    #[inline]
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(5) ^ x).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
