//! Binding of the native feed. What the library calls never passes through here: only set-up, reading and messages do.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use qt_core::event::Event;
use qt_core::ring::Reader;
use qt_profitdll::feed::{Feed, FeedError, Message, Settings, Value};

use crate::convert::{PyEvent, events_to_py};
use crate::errors::{Raised, exception};
use crate::ring::PyRingReader;

/// The native feed of one library; see `quantumtrader.profitdll.feed.FeedProtocol`.
///
/// Threads may share it. Whoever waits for a lock does so without the interpreter's.
#[pyclass(frozen, module = "quantumtrader._core", name = "ProfitFeed")]
pub struct PyProfitFeed {
    feed: Feed,
    own: Mutex<Own>,
    history: Py<PyRingReader>,
}

/// The feed's own reader.
struct Own {
    reader: Reader<Event>,
    /// Instruments added, which all miss what the reader misses.
    indices: Vec<u16>,
    lost: u64,
}

impl Own {
    fn read(&mut self, max: usize) -> Vec<Event> {
        let mut events = Vec::new();
        let lost = self.reader.read(max, &mut events);
        if let Some(first) = events.first().copied().filter(|_| lost > 0) {
            self.lost += lost;
            events.splice(0..0, self.indices.iter().map(|&instrument| first.gap_before(instrument, lost)));
        }
        events
    }
}

impl PyProfitFeed {
    /// Works with the feed's own reader.
    fn with_own<T: Send>(&self, py: Python<'_>, act: impl FnOnce(&mut Own) -> T + Send) -> T {
        py.detach(|| act(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[pymethods]
impl PyProfitFeed {
    #[new]
    #[pyo3(signature = (char_width = 2, *, path = None, capacity = 1 << 16, history_capacity = 1 << 18, messages = 1 << 14, edit_is_change = true))]
    fn new(
        py: Python<'_>,
        char_width: usize,
        path: Option<PathBuf>,
        capacity: u64,
        history_capacity: u64,
        messages: usize,
        edit_is_change: bool,
    ) -> PyResult<Self> {
        let settings = Settings { char_width, path, capacity, history_capacity, messages, edit_is_change };
        let feed = Feed::new(&settings).map_err(|e| e.raised(py))?;
        let own = Mutex::new(Own { reader: feed.reader(), indices: Vec::new(), lost: 0 });
        let history = Py::new(py, PyRingReader::new(feed.history()))?;
        Ok(Self { feed, own, history })
    }

    /// Address of every callback, by the name of its slot and by that of its setter.
    fn callbacks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, address) in self.feed.callbacks() {
            dict.set_item(name, address)?;
        }
        Ok(dict)
    }

    /// Tells where the functions of the library are that callbacks need; 0 takes one away.
    fn set_functions(&self, py: Python<'_>, addresses: &Bound<'_, PyDict>) -> PyResult<()> {
        for (name, address) in addresses {
            let name: String = name.extract()?;
            // SAFETY: as safe as any call through ctypes: whoever hands over an address says what is there.
            unsafe { self.feed.set_function(&name, address.extract()?) }.map_err(|e| e.raised(py))?;
        }
        Ok(())
    }

    /// Adds an instrument: callbacks about its ticker become records with `index`.
    fn add_instrument(
        &self,
        py: Python<'_>,
        ticker: &str,
        exchange: &str,
        index: u16,
        tick_size: f64,
    ) -> PyResult<()> {
        self.feed.add_instrument(ticker, exchange, index, tick_size).map_err(|e| e.raised(py))?;
        self.with_own(py, |own| own.indices.push(index));
        Ok(())
    }

    /// Tells an exchange time that has passed for sure, ns UTC.
    fn set_exchange_time(&self, py: Python<'_>, ts_ns: i64) -> PyResult<()> {
        self.feed.set_exchange_time(ts_ns).map_err(|e| e.raised(py))
    }

    /// Marks a gap on every instrument.
    fn mark_gap(&self, py: Python<'_>) -> PyResult<()> {
        self.feed.mark_gap().map_err(|e| e.raised(py))
    }

    /// Reads at most `max` events, and a gap on every instrument in front of them when some were lost.
    #[pyo3(signature = (max = 1 << 16))]
    fn read<'py>(&self, py: Python<'py>, max: usize) -> Bound<'py, PyArray1<PyEvent>> {
        let events = self.with_own(py, |own| own.read(max));
        events_to_py(py, events)
    }

    /// A reader of the ring with a cursor of its own.
    fn reader(&self) -> PyRingReader {
        PyRingReader::new(self.feed.reader())
    }

    /// The reader of the trades of history requests.
    #[getter]
    fn history(&self, py: Python<'_>) -> Py<PyRingReader> {
        self.history.clone_ref(py)
    }

    /// Takes the control messages that wait, oldest first.
    fn take_messages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for message in self.feed.take_messages() {
            list.append(tuple(py, message)?)?;
        }
        Ok(list)
    }

    /// What was counted.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, count) in self.feed.counters().all() {
            dict.set_item(name, count)?;
        }
        dict.set_item("lost", self.with_own(py, |own| own.lost))?;
        Ok(dict)
    }

    /// Ends the feed: callbacks find nothing from now on.
    fn close(&self) {
        self.feed.close();
    }
}

/// `(kind, ts_recv, *values)`.
fn tuple(py: Python<'_>, message: Message) -> PyResult<Bound<'_, PyTuple>> {
    let mut items = Vec::with_capacity(message.values.len() + 2);
    items.push(pyo3::types::PyString::intern(py, message.kind).into_any());
    items.push(message.ts_recv.into_pyobject(py)?.into_any());
    for value in message.values {
        items.push(match value {
            Value::Missing => py.None().into_bound(py),
            Value::Int(n) => n.into_pyobject(py)?.into_any(),
            Value::Float(x) => x.into_pyobject(py)?.into_any(),
            Value::Text(text) => text.into_pyobject(py)?.into_any(),
            Value::Kept(text) => text.as_ref().into_pyobject(py)?.into_any(),
        });
    }
    PyTuple::new(py, items)
}

impl Raised for FeedError {
    fn raised(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Ring(error) => error.raised(py),
            Self::Occupied(_) | Self::Gone => exception(py, "EngineError", self, None),
            _ => exception(py, "ConfigError", self, None),
        }
    }
}

/// Adds this room's class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyProfitFeed>()
}
