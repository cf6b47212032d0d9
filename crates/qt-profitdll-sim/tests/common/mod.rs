//! What the tests share.

pub mod decoder;
pub mod stream;
