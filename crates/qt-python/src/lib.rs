//! `quantumtrader._core`: conversions only. One file per room; numbers are computed in the crates below.
#![allow(unsafe_code)] // numpy element and array views; each block says why it is sound
#![allow(clippy::needless_pass_by_value)] // pyo3 hands extracted arguments over by value

mod books;
mod convert;
mod errors;
mod features;
mod follow;
mod indicators;
mod models;
mod pack;
mod profit;
mod ring;
mod venue;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    convert::event_dtype(m.py())?; // a package without its record says so here, and not in the middle of a call
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add("ENGINE", "rust")?;
    books::register(m)?;
    features::register(m)?;
    indicators::register(m)?;
    models::register(m)?;
    pack::register(m)?;
    profit::register(m)?;
    ring::register(m)?;
    venue::register(m)
}
