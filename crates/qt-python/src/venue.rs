//! Binding of the venue.

use numpy::{PyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList};
use qt_core::Event;
use qt_core::book::Touch;
use qt_core::event::PX_NONE;
use qt_venue::{Config, NewOrder, OrderType, QueueModel, Report, SessionSpec, Unsorted};

use crate::convert::{EventArray, PyEvent, event_memory, events_to_py, one_event};
use crate::errors::{Raised as _, exception};

/// Events that a replay copies and applies without the interpreter lock at a time: 256 KiB.
const BLOCK: usize = 4_096;

/// Events from which on releasing the interpreter lock pays.
const DETACH_EVENTS: usize = 2_048;

/// A simulated exchange that fills our orders against recorded events.
#[pyclass(module = "quantumtrader")]
pub struct Venue {
    inner: qt_venue::Venue,
    #[pyo3(get)]
    tick_size: f64,
    #[pyo3(get)]
    point_value: f64,
}

type ReportTuple = (i64, i64, i64, &'static str, i8, i32, i64, bool, f64, &'static str);

fn tuple(r: &Report) -> ReportTuple {
    (r.id, r.client_id, r.ts, r.status.name(), r.side, r.px, r.size, r.maker, r.fee, r.reason)
}

#[pymethods]
impl Venue {
    #[new]
    #[pyo3(signature = (tick_size, point_value, lot=1, latency_ns=0, queue="pessimistic", fee=0.0, adverse_ticks=1))]
    #[allow(clippy::too_many_arguments)] // the signature of the protocol
    fn new(
        py: Python<'_>,
        tick_size: f64,
        point_value: f64,
        lot: i64,
        latency_ns: i64,
        queue: &str,
        fee: f64,
        adverse_ticks: i32,
    ) -> PyResult<Self> {
        let config_error = |message: &str| exception(py, "ConfigError", &message, None);
        for (name, value) in [("tick_size", tick_size), ("point_value", point_value)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(config_error(&format!("{name} is {value}; expected a positive number")));
            }
        }
        let queue = QueueModel::from_name(queue).ok_or_else(|| {
            config_error(&format!(
                "queue \"{queue}\" is not known; use \"pessimistic\", \"proportional\" or \"exact\""
            ))
        })?;
        let inner = qt_venue::Venue::new(Config { lot, latency_ns, queue, fee, adverse_ticks })
            .map_err(|message| config_error(&message))?;
        Ok(Self { inner, tick_size, point_value })
    }

    #[getter]
    fn now_ns(&self) -> i64 {
        self.inner.now_ns()
    }

    #[getter]
    fn position(&self) -> i64 {
        self.inner.position()
    }

    #[getter]
    fn fidelity(&self) -> &'static str {
        self.inner.fidelity().name()
    }

    /// Apply one market event.
    fn update(&mut self, py: Python<'_>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        self.inner.update(&one_event(event)?).map_err(|e| e.raised(py))
    }

    /// Apply market events in order.
    fn update_many(&mut self, py: Python<'_>, events: EventArray<'_>) -> PyResult<()> {
        let events = events.as_slice()?;
        let inner = &mut self.inner;
        let done = if events.len() >= DETACH_EVENTS {
            py.detach(|| inner.update_many(events))
        } else {
            inner.update_many(events)
        };
        done.map_err(|e| e.raised(py))
    }

    /// Let time pass without an event.
    fn advance(&mut self, until_ns: i64) {
        self.inner.advance(until_ns);
    }

    /// Send an order at `now_ns`.
    #[pyo3(signature = (client_id, side, size, r#type, px, reduce_only, now_ns, limit_px=PX_NONE))]
    #[allow(clippy::too_many_arguments)] // the signature of the protocol
    fn submit(
        &mut self,
        py: Python<'_>,
        client_id: i64,
        side: i64,
        size: i64,
        r#type: &str,
        px: i32,
        reduce_only: bool,
        now_ns: i64,
        limit_px: i32,
    ) -> PyResult<()> {
        let order_error = |message: &str| exception(py, "OrderError", &message, None);
        let kind = OrderType::from_name(r#type).ok_or_else(|| {
            order_error(&format!(
                "order {client_id}: type \"{type}\" is not known; use \"market\", \"limit\", \"stop\" or \"stop_limit\"",
            ))
        })?;
        if side != 1 && side != -1 {
            return Err(order_error(&format!(
                "order {client_id}: side is {side}, expected 1 (buy) or -1 (sell)"
            )));
        }
        let order = NewOrder { client_id, side: side as i8, size, kind, px, limit_px, reduce_only };
        self.inner.submit(order, now_ns).map_err(|message| order_error(&message))
    }

    /// Ask to cancel an order at `now_ns`.
    fn cancel(&mut self, py: Python<'_>, client_id: i64, now_ns: i64) -> PyResult<()> {
        self.inner.cancel(client_id, now_ns).map_err(|message| exception(py, "OrderError", &message, None))
    }

    /// Whether this order is a stop that has not been triggered.
    fn is_armed(&self, client_id: i64) -> bool {
        self.inner.is_armed(client_id)
    }

    /// Reports since the last call, in order.
    fn take_reports<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let reports = self.inner.take_reports();
        PyList::new(py, reports.iter().map(tuple))
    }

    /// Recorded touch `(bid_px, bid_sz, ask_px, ask_sz)`.
    fn best(&self) -> (i32, i64, i32, i64) {
        let t = self.inner.best();
        (t.bid_px, t.bid_sz, t.ask_px, t.ask_sz)
    }
}

/// Steps a venue through an event array.
#[pyclass(module = "quantumtrader")]
pub struct Replay {
    array: Py<PyArray1<PyEvent>>,
    #[pyo3(get)]
    cursor: usize,
    venue: Py<Venue>,
}

/// Where a replay stops.
#[derive(Clone, Copy)]
enum Until {
    /// After the events with at most this engine time.
    Time(i64),
    /// After this many events of the array.
    Count(usize),
}

impl Until {
    /// Applies leading `events`; returns how many.
    fn apply(self, venue: &mut qt_venue::Venue, events: &[Event]) -> Result<usize, Unsorted> {
        match self {
            Self::Time(until_ns) => venue.replay(events, until_ns),
            Self::Count(_) => venue.update_many(events).map(|()| events.len()),
        }
    }

    /// Whether `events` are a whole block that ends before the stop.
    fn takes_block(self, events: &[Event]) -> bool {
        let before_the_stop = |e: &Event| if let Self::Time(t) = self { e.ts_event <= t } else { true };
        events.len() == BLOCK && events.last().is_some_and(before_the_stop)
    }
}

impl Replay {
    /// Applies events to the venue; returns the cursor and the venue's touch.
    ///
    /// The array belongs to Python, which may write to it, resize it or change its dtype between two calls, or in
    /// another thread while the lock is released. So every call looks at the array anew, and what is applied
    /// without the lock is a copy of ours.
    #[inline]
    fn run(&mut self, py: Python<'_>, until: Until) -> PyResult<Touch> {
        let Self { array, cursor, venue } = self;
        let mut venue = venue.try_borrow_mut(py)?;
        let venue = &mut venue.inner;
        let mut copy = Vec::new();
        loop {
            // SAFETY: no Python code runs before the last use of `block`: the lock is held, or a copy is read.
            let all = unsafe { event_memory(array.bind(py)) }?;
            let end = if let Until::Count(count) = until { count.min(all.len()) } else { all.len() };
            // An array that has become shorter has nothing left.
            let rest = all.get(*cursor..end).unwrap_or(&[]);
            let block = &rest[..rest.len().min(BLOCK)];
            let long = until.takes_block(block);
            let done = if long {
                copy.clear();
                copy.extend_from_slice(block);
                py.detach(|| until.apply(venue, &copy))
            } else {
                until.apply(venue, block)
            };
            let applied = done.map_err(|e| {
                let e = Unsorted { index: *cursor + e.index, ..e };
                *cursor = e.index;
                e.raised(py)
            })?;
            *cursor += applied;
            if !long || applied < BLOCK {
                break;
            }
            py.check_signals()?;
        }
        if let Until::Time(until_ns) = until
            && until_ns >= venue.now_ns()
        {
            venue.advance(until_ns);
        }
        Ok(venue.best())
    }
}

#[pymethods]
impl Replay {
    #[new]
    fn new(events: &Bound<'_, PyAny>, venue: Py<Venue>) -> PyResult<Self> {
        let checked: EventArray<'_> = events.extract()?;
        checked.as_slice()?;
        drop(checked);
        let array = events.cast::<PyArray1<PyEvent>>()?.clone().unbind();
        Ok(Self { array, cursor: 0, venue })
    }

    /// Apply the events with engine time <= `until_ns`, then let time pass to it; returns the cursor.
    fn advance(&mut self, py: Python<'_>, until_ns: i64) -> PyResult<usize> {
        self.run(py, Until::Time(until_ns))?;
        Ok(self.cursor)
    }

    /// Apply events until `count` of the array have been applied; returns the cursor.
    fn advance_to(&mut self, py: Python<'_>, count: usize) -> PyResult<usize> {
        self.run(py, Until::Count(count))?;
        Ok(self.cursor)
    }

    /// Iterate over the rest of the array in steps of engine time; see `Steps`.
    fn every(slf: Py<Self>, py: Python<'_>, step_ns: i64) -> PyResult<Steps> {
        if step_ns <= 0 {
            let message = format!("step_ns is {step_ns}; expected a positive number of nanoseconds");
            return Err(exception(py, "ConfigError", &message, None));
        }
        let replay = slf.try_borrow(py)?;
        // SAFETY: no Python code runs before the last use of the events.
        let events = unsafe { event_memory(replay.array.bind(py)) }?;
        let now_ns = events.get(replay.cursor).map_or(0, |e| e.ts_event);
        drop(replay);
        Ok(Steps { replay: slf, step_ns, now_ns, given: [const { None }; 4] })
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.array.bind(py).len()
    }
}

type Int<'py> = Bound<'py, PyInt>;
type Step<'py> = (i64, Int<'py>, Int<'py>, Int<'py>, Int<'py>);

/// The integer object for `value`: the one in `last` where that is the same.
fn kept<'py>(py: Python<'py>, last: &mut Option<(i64, Py<PyInt>)>, value: i64) -> Int<'py> {
    match last {
        Some((same, object)) if *same == value => object.bind(py).clone(),
        _ => {
            let object = PyInt::new(py, value);
            *last = Some((value, object.clone().unbind()));
            object
        }
    }
}

/// One step of engine time per `next`: `(now_ns, bid_px, bid_sz, ask_px, ask_sz)` after every event with time
/// <= `now_ns`. Ends once the array is used up.
///
/// The iterator protocol has no arguments to parse and the touch comes along, so a step costs one call.
#[pyclass(module = "quantumtrader")]
pub struct Steps {
    replay: Py<Replay>,
    step_ns: i64,
    now_ns: i64,
    /// Bid price and size, ask price and size as they were given last: most steps change none or one of them.
    given: [Option<(i64, Py<PyInt>)>; 4],
}

#[pymethods]
impl Steps {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Step<'py>>> {
        let mut replay = self.replay.try_borrow_mut(py)?;
        if replay.cursor >= replay.array.bind(py).len() {
            return Ok(None);
        }
        self.now_ns = self.now_ns.saturating_add(self.step_ns);
        let t = replay.run(py, Until::Time(self.now_ns))?;
        let [bid_px, bid_sz, ask_px, ask_sz] = &mut self.given;
        Ok(Some((
            self.now_ns,
            kept(py, bid_px, t.bid_px.into()),
            kept(py, bid_sz, t.bid_sz),
            kept(py, ask_px, t.ask_px.into()),
            kept(py, ask_sz, t.ask_sz),
        )))
    }
}

/// A seeded synthetic session; every record carries `Flag.SYNTHETIC`.
#[pyfunction]
#[pyo3(signature = (
    seed=7, *, duration_ns=7_200_000_000_000, max_events=0, start_px=10_800,
    open_ns=qt_venue::generator::DEFAULT_OPEN_NS, intensity=100, volatility=100, trend=0, instrument=0
))]
#[allow(clippy::too_many_arguments)] // keyword arguments
fn generate_session(
    py: Python<'_>,
    seed: i128,
    duration_ns: i64,
    max_events: i64,
    start_px: i32,
    open_ns: i64,
    intensity: i64,
    volatility: i64,
    trend: i64,
    instrument: u16,
) -> PyResult<Bound<'_, PyArray1<PyEvent>>> {
    let seed = u64::try_from(seed).map_err(|_| {
        let message = format!("generate_session: seed is {seed}, expected 0 to {}", u64::MAX);
        exception(py, "ConfigError", &message, None)
    })?;
    let spec = SessionSpec {
        seed,
        duration_ns,
        max_events,
        start_px,
        open_ns,
        intensity,
        volatility,
        trend,
        instrument,
    };
    let events = py
        .detach(|| qt_venue::generate_session(&spec))
        .map_err(|message| exception(py, "ConfigError", &message, None))?;
    Ok(events_to_py(py, events))
}

/// Adds this room's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Venue>()?;
    m.add_class::<Replay>()?;
    m.add_class::<Steps>()?;
    m.add_function(wrap_pyfunction!(generate_session, m)?)
}
