//! A drop-in ProfitDLL: a shared library with the vendor's symbols and ABI, on top of a simulated market.

pub mod agents;
pub mod exports;
pub mod feed;
pub mod market;
pub mod orders;
pub mod scenario;
pub mod sim;
pub mod trouble;
