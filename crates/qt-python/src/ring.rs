//! Binding of the ring.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::PyArray1;
use pyo3::prelude::*;
use qt_core::Event;
use qt_core::ring::{Producer, Reader};

use crate::convert::{EventArray, PyEvent, events_to_py, one_event};
use crate::errors::{Raised as _, exception};

enum End {
    Producer(Producer<Event>),
    Reader(Reader<Event>),
}

/// A broadcast ring of events: one producer, any number of readers.
#[pyclass(module = "quantumtrader._core", name = "Ring")]
pub struct PyRing(End);

#[pymethods]
impl PyRing {
    /// Makes a ring: in memory when `path` is None, else in a file that other processes can open.
    #[staticmethod]
    #[pyo3(signature = (path, capacity = 1 << 16))]
    fn create(py: Python<'_>, path: Option<PathBuf>, capacity: u64) -> PyResult<Self> {
        let producer = match path {
            None => Producer::in_memory(capacity),
            Some(path) => Producer::in_file(&path, capacity),
        };
        producer.map(|p| Self(End::Producer(p))).map_err(|e| e.raised(py))
    }

    /// Opens a ring that another process made, to read it.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Reader::open(&path).map(|r| Self(End::Reader(r))).map_err(|e| e.raised(py))
    }

    /// Number of records that the ring holds.
    #[getter]
    fn capacity(&self) -> u64 {
        match &self.0 {
            End::Producer(p) => p.capacity(),
            End::Reader(r) => r.capacity(),
        }
    }

    /// Appends events: an array, or one record.
    fn push(&mut self, py: Python<'_>, events: &Bound<'_, PyAny>) -> PyResult<()> {
        let End::Producer(producer) = &mut self.0 else {
            let text = "this ring was opened to be read; only the one who created it can push";
            return Err(exception(py, "EngineError", &text, None));
        };
        match events.extract::<EventArray<'_>>() {
            Ok(events) => {
                let events = events.as_slice()?;
                py.detach(|| producer.push_many(events));
            }
            Err(not_an_array) => producer.push(one_event(events).map_err(|_| not_an_array)?),
        }
        Ok(())
    }

    /// A reader that starts with the oldest event still held.
    fn reader(&self) -> PyRingReader {
        PyRingReader::new(match &self.0 {
            End::Producer(p) => p.reader(),
            End::Reader(r) => r.another(),
        })
    }
}

/// A reading end of a ring, with a cursor of its own.
///
/// Threads may share it. Whoever waits for the lock does so without the interpreter's.
#[pyclass(frozen, module = "quantumtrader._core", name = "RingReader")]
pub struct PyRingReader(pub(crate) Mutex<Reader<Event>>);

impl PyRingReader {
    pub(crate) const fn new(reader: Reader<Event>) -> Self {
        Self(Mutex::new(reader))
    }

    fn lock(&self) -> MutexGuard<'_, Reader<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyRingReader {
    /// Reads at most `max` events; returns them and how many were lost before the first of them.
    #[pyo3(signature = (max = 1 << 16))]
    fn read<'py>(&self, py: Python<'py>, max: usize) -> (Bound<'py, PyArray1<PyEvent>>, u64) {
        let mut out = Vec::new();
        let lost = py.detach(|| self.lock().read(max, &mut out));
        (events_to_py(py, out), lost)
    }

    /// Events that are there and not read yet, those lost by a lap included.
    #[getter]
    fn behind(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().behind())
    }

    /// Number of the next event to be read, counted since the ring was made; its `sequence` where a feed writes.
    #[getter]
    fn position(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().position())
    }

    /// Skips everything that is there.
    fn skip_to_end(&self, py: Python<'_>) {
        py.detach(|| self.lock().skip_to_end());
    }
}

/// Adds this room's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyRing>()?;
    m.add_class::<PyRingReader>()
}
