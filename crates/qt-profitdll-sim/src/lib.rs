//! A drop-in ProfitDLL: a shared library with the vendor's symbols and ABI, on top of a simulated market.

pub mod orders;
