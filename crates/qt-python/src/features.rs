//! Binding of the features.

use std::collections::BTreeMap;
use std::ffi::c_char;

use numpy::{Element as _, PyArray1, PyArray2, PyArrayDescr, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use qt_core::Event;
use qt_features::fitted::MICROPRICE_STATES;
use qt_features::prelude::{Footprint, PriceRow};
use qt_features::{Config, EVIDENCE, Fitted, MicropriceTable, VpinBucket};

use crate::convert::{EventArray, PyEvent, events_to_py, one_event};
use crate::errors::Raised as _;
use crate::follow::{Wanted, follow};
use crate::ring::PyRingReader;

/// `PyVoidScalarObject` of numpy's `arrayscalars.h`, the same in every numpy since 1.20: what `events[i]` is.
#[repr(C)]
struct VoidScalar {
    refcount: isize,
    class: *mut pyo3::ffi::PyTypeObject,
    size: isize,
    data: *const c_char,
    dtype: *mut pyo3::ffi::PyObject,
}

/// Reads record scalars without a detour over the buffer protocol.
struct Scalars {
    void: Py<PyType>,
    event: Py<PyArrayDescr>,
    /// Whether a scalar made for the purpose was read right through [`VoidScalar`].
    trusted: bool,
}

impl Scalars {
    fn get(py: Python<'_>) -> PyResult<&'static Self> {
        static SCALARS: PyOnceLock<Scalars> = PyOnceLock::new();
        SCALARS.get_or_try_init(py, || {
            let numpy = py.import("numpy")?;
            let void: Bound<'_, PyType> = numpy.getattr("void")?.cast_into()?;
            let event = PyEvent::get_dtype(py);
            let known = Event { ts_event: 0x5eed_0123_4567, px: 42, reserved: 7, ..Event::default() };
            let probe = PyArray1::from_slice(py, &[PyEvent(known)]);
            let probe = probe.get_item(0)?;
            let large_enough = void.getattr("__basicsize__")?.extract::<usize>()? >= size_of::<VoidScalar>();
            let mut scalars = Self { void: void.unbind(), event: event.unbind(), trusted: large_enough };
            scalars.trusted = scalars.read(&probe) == Some(known);
            Ok(scalars)
        })
    }

    /// The event in a record scalar of exactly the event dtype; `None` for anything else.
    #[inline]
    fn read(&self, obj: &Bound<'_, PyAny>) -> Option<Event> {
        if !self.trusted || obj.get_type().as_ptr() != self.void.as_ptr() {
            return None;
        }
        let scalar = obj.as_ptr().cast::<VoidScalar>();
        // SAFETY: `obj` is a `numpy.void` instance, whose layout starts as `VoidScalar` does: `__basicsize__` is
        // large enough, and a known record was read back through it. The dtype is compared before the data are
        // read, and the event dtype has 64 bytes of which every pattern is valid. Records may be unaligned.
        unsafe {
            if (*scalar).dtype != self.event.as_ptr() || (*scalar).data.is_null() {
                return None;
            }
            Some((*scalar).data.cast::<Event>().read_unaligned())
        }
    }
}

/// `quantumtrader.types.Fitted`, by its attributes.
#[derive(FromPyObject)]
struct FittedArgument {
    vpin_bucket: Option<i64>,
    vpin_from_ns: Option<i64>,
    microprice: Option<(i64, Vec<f64>)>,
    pin: Vec<(i64, f64)>,
}

impl FittedArgument {
    fn fitted(self) -> PyResult<Fitted> {
        let table = |(from, values): (i64, Vec<f64>)| match <[f64; MICROPRICE_STATES]>::try_from(values) {
            Ok(adjustment) => Ok(MicropriceTable { from, adjustment }),
            Err(values) => Err(PyValueError::new_err(format!(
                "the micro-price table has {} states; expected {MICROPRICE_STATES}",
                values.len()
            ))),
        };
        let microprice = self.microprice.map(table).transpose()?;
        let from = self.vpin_from_ns.unwrap_or(i64::MIN);
        let vpin_bucket = self.vpin_bucket.map(|contracts| VpinBucket { from, contracts });
        Ok(Fitted { vpin_bucket, microprice, pin: self.pin })
    }
}

/// Features over a stream of events; see `quantumtrader._protocols.FeatureEngineProtocol`.
///
/// Events go in by `update` (one record: `events[i]`, the quickest door for one event, or an array of one) or by
/// `update_many` (an array, without a copy and with the interpreter lock released); rows come out by `take`.
#[pyclass(module = "quantumtrader._core", name = "FeatureEngine")]
pub struct PyFeatureEngine {
    engine: qt_features::FeatureEngine,
    scalars: &'static Scalars,
    /// `clock`, `warmup` and `rlp_sign` as they were given.
    texts: [String; 3],
    /// `fitted` as it was given.
    fitted: Option<Py<PyAny>>,
    /// Thresholds of detectors as they were given.
    settings: BTreeMap<String, f64>,
}

/// Arguments of the class, as pickle keeps them.
type Arguments<'a, 'py> = (
    Vec<String>,
    f64,
    f64,
    &'a str,
    &'a str,
    &'a str,
    Option<f64>,
    Option<Bound<'py, PyAny>>,
    Vec<&'static str>,
    BTreeMap<String, f64>,
);

#[pymethods]
impl PyFeatureEngine {
    #[new]
    #[pyo3(signature = (names, tick_size, point_value, clock = "event", warmup = "full", rlp_sign = "drop", session_seconds = None, fitted = None, detect = None, settings = None))]
    #[allow(clippy::too_many_arguments)] // as Python sees it: keywords
    fn new(
        py: Python<'_>,
        names: Vec<String>,
        tick_size: f64,
        point_value: f64,
        clock: &str,
        warmup: &str,
        rlp_sign: &str,
        session_seconds: Option<f64>,
        fitted: Option<Bound<'_, PyAny>>,
        detect: Option<Vec<String>>,
        settings: Option<BTreeMap<String, f64>>,
    ) -> PyResult<Self> {
        let inputs = match &fitted {
            Some(given) => given.extract::<FittedArgument>()?.fitted()?,
            None => Fitted::default(),
        };
        let (detect, settings) = (detect.unwrap_or_default(), settings.unwrap_or_default());
        let given: Vec<_> = settings.iter().map(|(name, value)| (name.clone(), *value)).collect();
        let engine = Config::parse(names, tick_size, point_value, clock, warmup, rlp_sign)
            .map(|config| config.with_session_seconds(session_seconds).with_fitted(inputs))
            .and_then(|config| config.detecting(&detect, &given))
            .and_then(qt_features::FeatureEngine::new)
            .map_err(|e| e.raised(py))?;
        let texts = [clock, warmup, rlp_sign].map(str::to_string);
        let fitted = fitted.map(Bound::unbind);
        Ok(Self { engine, scalars: Scalars::get(py)?, texts, fitted, settings })
    }

    /// Feature names in column order.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.engine.config().names.clone()
    }

    /// Engine time: the greatest `ts_event` seen; the least int64 before the first event.
    #[getter]
    fn now_ns(&self) -> i64 {
        self.engine.now_ns()
    }

    /// Applies one event; True when a row became due.
    fn update(&mut self, py: Python<'_>, event: &Bound<'_, PyAny>) -> PyResult<bool> {
        let event = match self.scalars.read(event) {
            Some(event) => event,
            None => one_event(event)?,
        };
        self.engine.update(&event).map_err(|e| e.raised(py))
    }

    /// Applies events in order; returns how many rows became due.
    #[allow(clippy::needless_pass_by_value)] // the argument owns the borrow of the array
    fn update_many(&mut self, py: Python<'_>, events: EventArray<'_>) -> PyResult<usize> {
        let slice = events.as_slice()?;
        let engine = &mut self.engine;
        py.detach(|| engine.update_many(slice)).map_err(|e| e.raised(py))
    }

    /// Follows a ring until a row is due, for at most `wait_ns`, without the interpreter lock.
    ///
    /// Returns the events that were applied (those of `instrument` whose kind is in the bits of `kinds`; a gap stands in
    /// front where some were lost), the time on the receive clock at which the first row was ready and the receive time
    /// of the event that completed it (both 0 without a row), and how many events were lost.
    #[pyo3(signature = (reader, wait_ns, instrument = 0, kinds = u32::MAX, max = 1 << 14))]
    fn follow<'py>(
        &mut self,
        py: Python<'py>,
        reader: &PyRingReader,
        wait_ns: i64,
        instrument: u16,
        kinds: u32,
        max: usize,
    ) -> PyResult<(Bound<'py, PyArray1<PyEvent>>, i64, i64, u64)> {
        let (engine, wanted) = (&mut self.engine, Wanted { instrument, kinds, max, wait_ns });
        let followed = py.detach(|| follow(engine, &reader.0, wanted)).map_err(|e| e.raised(py))?;
        Ok((events_to_py(py, followed.applied), followed.ready, followed.stamp, followed.lost))
    }

    /// Hands over the rows due since the last call: times, values and event counts.
    #[allow(clippy::type_complexity)]
    fn take<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyArray1<i64>>, Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<i64>>)> {
        let rows = self.engine.take();
        let shape = [rows.times.len(), self.engine.width()];
        let values = PyArray1::from_vec(py, rows.values).reshape(shape)?;
        Ok((PyArray1::from_vec(py, rows.times), values, PyArray1::from_vec(py, rows.counts)))
    }

    /// Hands over the detections since the last call: times, codes of kinds, sides, scores, confidences, prices, evidence.
    #[allow(clippy::type_complexity)]
    fn take_detections<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<(
        Bound<'py, PyArray1<i64>>,
        Bound<'py, PyArray1<u8>>,
        Bound<'py, PyArray1<i8>>,
        Bound<'py, PyArray1<f64>>,
        Bound<'py, PyArray1<f64>>,
        Bound<'py, PyArray1<i64>>,
        Bound<'py, PyArray2<f64>>,
    )> {
        let found = self.engine.take_detections();
        let evidence: Vec<f64> = found.iter().flat_map(|d| d.evidence).collect();
        Ok((
            PyArray1::from_iter(py, found.iter().map(|d| d.ts)),
            PyArray1::from_iter(py, found.iter().map(|d| d.kind as u8)),
            PyArray1::from_iter(py, found.iter().map(|d| d.side)),
            PyArray1::from_iter(py, found.iter().map(|d| d.score)),
            PyArray1::from_iter(py, found.iter().map(|d| d.confidence)),
            PyArray1::from_iter(py, found.iter().map(|d| i64::from(d.px))),
            PyArray1::from_vec(py, evidence).reshape([found.len(), EVIDENCE])?,
        ))
    }

    /// What detectors dropped because a table was full.
    #[getter]
    fn dropped(&self) -> u64 {
        self.engine.dropped_by_detectors()
    }

    /// Feature values now, shape (n_features,); NaN before the first event.
    fn snapshot<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let mut row = Vec::with_capacity(self.engine.width());
        self.engine.snapshot(&mut row);
        PyArray1::from_vec(py, row)
    }

    /// Rows of the last closed footprint, from the lowest price up: price, bought, sold and total volume.
    #[allow(clippy::type_complexity)]
    fn footprint<'py>(
        &self,
        py: Python<'py>,
    ) -> (
        Bound<'py, PyArray1<i32>>,
        Bound<'py, PyArray1<i64>>,
        Bound<'py, PyArray1<i64>>,
        Bound<'py, PyArray1<i64>>,
    ) {
        let rows = self.engine.footprint().map_or(&[][..], Footprint::rows);
        let column = |get: fn(&PriceRow) -> i64| PyArray1::from_iter(py, rows.iter().map(get));
        let px = PyArray1::from_iter(py, rows.iter().map(|r| r.px));
        (px, column(|r| r.buy), column(|r| r.sell), column(|r| r.total))
    }

    /// Returns to the state of a new engine.
    fn reset(&mut self, py: Python<'_>) -> PyResult<()> {
        self.engine.reset().map_err(|e| e.raised(py))
    }

    /// Pickles the configuration: the copy is a new engine.
    #[allow(clippy::type_complexity)]
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, Arguments<'_, 'py>) {
        let c = self.engine.config();
        let [clock, warmup, rlp_sign] = &self.texts;
        let args = (
            c.names.clone(),
            c.tick_size,
            c.point_value,
            &**clock,
            &**warmup,
            &**rlp_sign,
            c.session_seconds,
            self.fitted.as_ref().map(|given| given.bind(py).clone()),
            c.detect.iter().map(|k| k.name()).collect(),
            self.settings.clone(),
        );
        (py.get_type::<Self>(), args)
    }
}

/// Adds this room's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyFeatureEngine>()
}
