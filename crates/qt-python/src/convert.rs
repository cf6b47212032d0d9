//! Conversions shared by every binding: event arrays in, arrays out, errors across.

use numpy::{Element, PyArray1, PyArrayDescr, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use qt_core::Event;

/// An [`Event`] as numpy sees it.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct PyEvent(pub Event);

// SAFETY: `PyEvent` is `repr(transparent)` over the `repr(C)` record whose dtype is generated from the same
// declaration, holds no references, and every bit pattern is a valid value.
unsafe impl Element for PyEvent {
    const IS_COPY: bool = true;

    fn get_dtype(py: Python<'_>) -> Bound<'_, PyArrayDescr> {
        static DTYPE: PyOnceLock<Py<PyArrayDescr>> = PyOnceLock::new();
        DTYPE
            .get_or_init(py, || {
                py.import("quantumtrader._generated.schema")
                    .and_then(|m| m.getattr("EVENT"))
                    .and_then(|d| d.cast_into::<PyArrayDescr>().map_err(Into::into))
                    .map(Bound::unbind)
                    .unwrap_or_else(|e| panic!("the event dtype is not importable: {e}"))
            })
            .bind(py)
            .clone()
    }

    fn clone_ref(&self, _py: Python<'_>) -> Self {
        *self
    }
}

/// A contiguous event array, borrowed from numpy without a copy.
pub struct EventArray<'py>(PyReadonlyArray1<'py, PyEvent>);

impl EventArray<'_> {
    /// The events as a slice.
    pub fn as_slice(&self) -> PyResult<&[Event]> {
        let s = self.0.as_slice().map_err(|_| {
            PyValueError::new_err(
                "events must be contiguous: pass np.ascontiguousarray(events), or slice with step 1",
            )
        })?;
        // SAFETY: `PyEvent` is `repr(transparent)` over `Event`.
        Ok(unsafe { std::slice::from_raw_parts(s.as_ptr().cast::<Event>(), s.len()) })
    }
}

impl<'py> FromPyObject<'_, 'py> for EventArray<'py> {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        obj.extract::<PyReadonlyArray1<'py, PyEvent>>().map(Self).map_err(|_| {
            let got = obj.getattr("dtype").map_or_else(|_| obj.get_type().to_string(), |d| d.to_string());
            PyValueError::new_err(format!(
                "events must be a one-dimensional array of quantumtrader.EVENT (64-byte records), got {got}"
            ))
        })
    }
}

/// Hands a vector of events to numpy without a copy.
pub fn events_to_py(py: Python<'_>, events: Vec<Event>) -> Bound<'_, PyArray1<PyEvent>> {
    let mut events = std::mem::ManuallyDrop::new(events);
    // SAFETY: same allocation, same layout (`repr(transparent)`), length and capacity unchanged.
    let v = unsafe {
        Vec::from_raw_parts(events.as_mut_ptr().cast::<PyEvent>(), events.len(), events.capacity())
    };
    PyArray1::from_vec(py, v)
}

/// Number of events in the array.
pub fn len(a: &EventArray<'_>) -> usize {
    a.0.len()
}
