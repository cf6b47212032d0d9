//! `quantumtrader._core`: conversions only. One file per room; numbers are computed in the crates below.
#![allow(unsafe_code)] // numpy element and array views; each block says why it is sound

mod convert;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
