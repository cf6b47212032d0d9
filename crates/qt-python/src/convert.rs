//! Conversions shared by every binding: event arrays in, arrays out, errors across.

use numpy::{
    Element, PyArray1, PyArrayDescr, PyArrayMethods as _, PyReadonlyArray1, PyUntypedArrayMethods as _,
};
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
        // The trait has no room for an error. The module has asked for the dtype when it was imported, so it is there.
        event_dtype(py)
            .unwrap_or_else(|e| panic!("the event dtype was importable when this module was: {e}"))
            .clone()
    }

    fn clone_ref(&self, _py: Python<'_>) -> Self {
        *self
    }
}

/// The dtype of events, imported once.
///
/// # Errors
/// Whatever importing `quantumtrader._generated.schema` raises.
pub fn event_dtype(py: Python<'_>) -> PyResult<&Bound<'_, PyArrayDescr>> {
    static DTYPE: PyOnceLock<Py<PyArrayDescr>> = PyOnceLock::new();
    let dtype = DTYPE.get_or_try_init(py, || {
        let dtype = py.import("quantumtrader._generated.schema")?.getattr("EVENT")?;
        Ok::<_, PyErr>(dtype.cast_into::<PyArrayDescr>()?.unbind())
    })?;
    Ok(dtype.bind(py))
}

/// A contiguous event array, borrowed from numpy without a copy.
pub struct EventArray<'py>(PyReadonlyArray1<'py, PyEvent>);

impl EventArray<'_> {
    /// The events as a slice.
    pub fn as_slice(&self) -> PyResult<&[Event]> {
        // SAFETY: the borrow keeps other bindings from writing. Nothing keeps numpy from it; whoever writes to an
        // array in another thread while it is being read gets wrong numbers, as everywhere in numpy.
        unsafe { event_memory(&self.0) }
    }
}

/// The memory of an event array as it is now: dtype, shape, alignment and length are looked at in every call.
///
/// # Errors
/// `ValueError` when the array does not hold contiguous, aligned records in one dimension.
///
/// # Safety
/// Until the last use of the slice nothing may resize the array or write to it.
#[inline]
pub unsafe fn event_memory<'a>(array: &'a Bound<'_, PyArray1<PyEvent>>) -> PyResult<&'a [Event]> {
    let dtype = array.dtype();
    let event = event_dtype(array.py())?;
    if array.ndim() != 1 || !(dtype.is(event) || dtype.eq(event)?) {
        return Err(not_events(array));
    }
    let (first, len) = (array.data().cast::<Event>(), array.len());
    if len == 0 {
        return Ok(&[]);
    }
    if !array.is_contiguous() {
        return Err(PyValueError::new_err(
            "events must be contiguous: pass np.ascontiguousarray(events), or slice with step 1",
        ));
    }
    if !first.is_aligned() {
        return Err(PyValueError::new_err("events must be aligned to 8 bytes: pass events.copy()"));
    }
    // SAFETY: checked above; every bit pattern is a valid event; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(first, len) })
}

#[cold]
fn not_events(obj: &Bound<'_, PyAny>) -> PyErr {
    let got = obj.getattr("dtype").map_or_else(|_| obj.get_type().to_string(), |d| d.to_string());
    PyValueError::new_err(format!(
        "events must be a one-dimensional array of quantumtrader.EVENT (64-byte records), got {got}"
    ))
}

impl<'py> FromPyObject<'_, 'py> for EventArray<'py> {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        obj.extract::<PyReadonlyArray1<'py, PyEvent>>().map(Self).map_err(|_| not_events(&obj))
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

/// One event: a record scalar (`events[i]`), or an array that holds exactly one record.
///
/// Goes through the buffer protocol, which costs less than a view of the array interface.
pub fn one_event(obj: &Bound<'_, PyAny>) -> PyResult<Event> {
    let py = obj.py();
    let wrong = || {
        let got = obj.getattr("dtype").map_or_else(|_| obj.get_type().to_string(), |d| d.to_string());
        PyValueError::new_err(format!("an event must be one record of quantumtrader.EVENT, got {got}"))
    };
    let dtype = obj.getattr(pyo3::intern!(py, "dtype")).map_err(|_| wrong())?;
    let event = event_dtype(py)?;
    if !dtype.is(event) && !dtype.eq(event)? {
        return Err(wrong());
    }
    let mut view = std::mem::MaybeUninit::<pyo3::ffi::Py_buffer>::uninit();
    // SAFETY: `obj` is alive, and the interpreter is attached.
    if unsafe { pyo3::ffi::PyObject_GetBuffer(obj.as_ptr(), view.as_mut_ptr(), pyo3::ffi::PyBUF_SIMPLE) } != 0
    {
        return Err(PyErr::fetch(py));
    }
    // SAFETY: the call above succeeded, so the view is filled in; a simple buffer is `len` contiguous bytes, and
    // every bit pattern is a valid event. Record scalars may be unaligned.
    let read = unsafe {
        let view = view.assume_init_mut();
        let read =
            (view.len == size_of::<Event>() as isize).then(|| view.buf.cast::<Event>().read_unaligned());
        pyo3::ffi::PyBuffer_Release(view);
        read
    };
    read.ok_or_else(wrong)
}
