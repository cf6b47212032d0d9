//! The C ABI of Nelogica's ProfitDLL (4.0), declared once, and the native feed that turns its callbacks into events.
//!
//! Each struct, code, callback and function is declared in exactly one place, by a macro that yields the Rust type and
//! a table of the same text ([`layout`]). The simulator's exports, the ctypes declarations
//! (`quantumtrader/_generated/profitdll.json`) and the reference page come from those tables (`make gen`).
//!
//! Names of structs, fields, constants and functions are the vendor's, letter by letter.

pub mod blob;
pub mod callbacks;
pub mod codes;
pub mod exports;
pub mod feed;
pub mod generate;
pub mod layout;
pub mod python_codes;
pub mod reference_page;
pub mod structs;
pub mod time;
pub mod wide;

pub use wide::Wide;
