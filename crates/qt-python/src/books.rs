//! Binding of the books.

use pyo3::prelude::*;

/// Adds this room's classes to the module.
pub fn register(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
