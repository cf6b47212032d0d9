//! Binding of the books.

use numpy::{Element, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use qt_core::Event;
use qt_core::book::{Book, L2Book, MAX_LEVELS, MAX_ORDERS, Order, OrderBook, PriceLevel};
use qt_core::event::{PX_NONE, side};

use crate::convert::{EventArray, one_event};

type Row<'py> = (
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i64>>,
);
type Orders<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i32>>,
);
type Rows<'py> = (
    Bound<'py, PyArray2<i32>>,
    Bound<'py, PyArray2<i64>>,
    Bound<'py, PyArray2<i32>>,
    Bound<'py, PyArray2<i64>>,
);

/// Four columns of depth: bid price and size, ask price and size; rows of `levels` values.
struct Depth {
    levels: usize,
    bid_px: Vec<i32>,
    bid_sz: Vec<i64>,
    ask_px: Vec<i32>,
    ask_sz: Vec<i64>,
}

impl Depth {
    fn new(levels: usize, rows: usize) -> Self {
        let n = levels * rows;
        let (bid_px, ask_px) = (Vec::with_capacity(n), Vec::with_capacity(n));
        Self { levels, bid_px, bid_sz: Vec::with_capacity(n), ask_px, ask_sz: Vec::with_capacity(n) }
    }

    fn push(&mut self, book: &impl Book) {
        fill(&mut self.bid_px, &mut self.bid_sz, self.levels, book.levels(side::BUY));
        fill(&mut self.ask_px, &mut self.ask_sz, self.levels, book.levels(side::SELL));
    }

    fn into_row(self, py: Python<'_>) -> Row<'_> {
        (
            PyArray1::from_vec(py, self.bid_px),
            PyArray1::from_vec(py, self.bid_sz),
            PyArray1::from_vec(py, self.ask_px),
            PyArray1::from_vec(py, self.ask_sz),
        )
    }

    fn into_rows(self, py: Python<'_>) -> PyResult<Rows<'_>> {
        let levels = self.levels;
        Ok((
            rows(py, self.bid_px, levels)?,
            rows(py, self.bid_sz, levels)?,
            rows(py, self.ask_px, levels)?,
            rows(py, self.ask_sz, levels)?,
        ))
    }
}

fn rows<T: Element>(py: Python<'_>, values: Vec<T>, levels: usize) -> PyResult<Bound<'_, PyArray2<T>>> {
    let shape = [values.len() / levels, levels];
    PyArray1::from_vec(py, values).reshape(shape)
}

fn fill(px: &mut Vec<i32>, sz: &mut Vec<i64>, levels: usize, shown: impl Iterator<Item = PriceLevel>) {
    let end = px.len() + levels;
    for level in shown.take(levels) {
        px.push(level.px);
        sz.push(level.size);
    }
    px.resize(end, PX_NONE);
    sz.resize(end, 0);
}

fn best_after_each(book: &mut impl Book, events: &[Event]) -> Depth {
    let mut out = Depth::new(1, events.len());
    for e in events {
        book.update(e);
        let touch = book.touch();
        out.bid_px.push(touch.bid_px);
        out.bid_sz.push(touch.bid_sz);
        out.ask_px.push(touch.ask_px);
        out.ask_sz.push(touch.ask_sz);
    }
    out
}

fn depth_after_each(book: &mut impl Book, events: &[Event], levels: usize) -> Depth {
    let mut out = Depth::new(levels, events.len());
    for e in events {
        book.update(e);
        out.push(book);
    }
    out
}

/// A count that Python gave: at least one.
fn at_least_one(name: &str, value: i64) -> PyResult<usize> {
    usize::try_from(value)
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| PyValueError::new_err(format!("{name} is {value}, expected at least 1")))
}

fn checked_side(side: i64) -> PyResult<i8> {
    match side {
        1 => Ok(1),
        -1 => Ok(-1),
        _ => Err(PyValueError::new_err(format!("side is {side}, expected 1 (bid) or -1 (ask)"))),
    }
}

macro_rules! book_class {
    (
        $(#[doc = $doc:literal])*
        $class:ident = $name:literal wraps $book:ident, $new:ident($bound:ident = $default:expr), { $($own:tt)* }
    ) => {
        $(#[doc = $doc])*
        #[pyclass(module = "quantumtrader._core", name = $name)]
        pub struct $class($book);

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = ($bound = $default as i64))]
            fn new($bound: i64) -> PyResult<Self> {
                Ok(Self($book::$new(at_least_one(stringify!($bound), $bound)?)))
            }

            /// False after a gap, until a snapshot is complete.
            #[getter]
            fn valid(&self) -> bool {
                self.0.feed().valid
            }

            /// Gap markers seen.
            #[getter]
            fn gaps(&self) -> u64 {
                self.0.feed().gaps
            }

            /// Records left out because they make no sense.
            #[getter]
            fn rejected(&self) -> u64 {
                self.0.feed().rejected
            }

            /// Levels or orders dropped at the far end because the book was full.
            #[getter]
            fn dropped(&self) -> u64 {
                self.0.feed().dropped
            }

            /// Applies one event: a record scalar, or an array of one record.
            fn update(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
                self.0.update(&one_event(event)?);
                Ok(())
            }

            /// Applies events in order.
            fn update_many(&mut self, py: Python<'_>, events: EventArray<'_>) -> PyResult<()> {
                let events = events.as_slice()?;
                py.detach(|| self.0.update_many(events));
                Ok(())
            }

            /// Best bid and ask: `(bid_px, bid_sz, ask_px, ask_sz)`.
            fn best(&self) -> (i32, i64, i32, i64) {
                let t = self.0.touch();
                (t.bid_px, t.bid_sz, t.ask_px, t.ask_sz)
            }

            /// The best levels of both sides, four arrays of shape (levels,).
            fn depth<'py>(&self, py: Python<'py>, levels: i64) -> PyResult<Row<'py>> {
                let mut out = Depth::new(at_least_one("levels", levels)?, 1);
                out.push(&self.0);
                Ok(out.into_row(py))
            }

            /// Applies events and returns the touch after each one, four arrays of shape (`n_events`,).
            fn best_after_each<'py>(&mut self, py: Python<'py>, events: EventArray<'py>) -> PyResult<Row<'py>> {
                let events = events.as_slice()?;
                Ok(py.detach(|| best_after_each(&mut self.0, events)).into_row(py))
            }

            /// Applies events and returns the levels after each one, four arrays of shape (`n_events`, levels).
            fn depth_after_each<'py>(
                &mut self,
                py: Python<'py>,
                events: EventArray<'py>,
                levels: i64,
            ) -> PyResult<Rows<'py>> {
                let levels = at_least_one("levels", levels)?;
                let events = events.as_slice()?;
                py.detach(|| depth_after_each(&mut self.0, events, levels)).into_rows(py)
            }

            /// Displayed contracts at a price of a side; 0 where there is no level.
            fn size_at(&self, side: i64, px: i32) -> PyResult<i64> {
                Ok(self.0.size_at(checked_side(side)?, px))
            }

            $($own)*
        }
    };
}

book_class! {
    /// The book by price level.
    PyL2Book = "L2Book" wraps L2Book, with_max_levels(max_levels = MAX_LEVELS), {}
}

book_class! {
    /// The book by order.
    PyOrderBook = "OrderBook" wraps OrderBook, with_max_orders(max_orders = MAX_ORDERS), {
        /// Edits and deletes of ids that were not in the book.
        #[getter]
        fn unknown_ids(&self) -> u64 {
            self.0.unknown_ids()
        }

        fn __len__(&self) -> usize {
            self.0.order_count()
        }

        /// Number of orders that display something at a price of a side.
        fn orders_at(&self, side: i64, px: i32) -> PyResult<u32> {
            Ok(self.0.orders_at(checked_side(side)?, px))
        }

        /// `(side, px, size, broker)` of an order, `None` when it is not in the book.
        fn order(&self, order_id: i64) -> Option<(i8, i32, i32, i32)> {
            self.0.order(order_id).map(|o| (o.side, o.px, o.size, o.broker))
        }

        /// Every order of a side in its priority, best first: `(order_id, px, size, broker)`, four arrays.
        fn orders<'py>(&self, py: Python<'py>, side: i64) -> PyResult<Orders<'py>> {
            let orders = self.0.orders(checked_side(side)?);
            let column = |pick: fn(&Order) -> i32| PyArray1::from_iter(py, orders.iter().map(pick));
            Ok((
                PyArray1::from_iter(py, orders.iter().map(|o| o.id)),
                column(|o| o.px),
                column(|o| o.size),
                column(|o| o.broker),
            ))
        }

        /// `(contracts, orders)` ahead of an order at its price, `None` when it is not in the book.
        fn queue_ahead(&self, order_id: i64) -> Option<(i64, u32)> {
            self.0.queue_ahead(order_id)
        }
    }
}

/// Adds this room's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyL2Book>()?;
    m.add_class::<PyOrderBook>()
}
