//! Columns to event records.

use std::collections::HashMap;

use numpy::{PyReadonlyArray1, PyReadwriteArray1, dtype};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use qt_core::Event;

use crate::convert::{PyEvent, one_event};

/// Records made at a time: 16 KiB, which the nearest cache holds while one column after the other is filled in.
/// A record then goes to its place as one whole cache line.
const BLOCK: usize = 256;

macro_rules! columns {
    ($($field:ident: $ty:ty),+) => {
        /// The columns that are there, borrowed from numpy.
        #[derive(Default)]
        struct Arrays<'py> { $($field: Option<PyReadonlyArray1<'py, $ty>>),+ }

        /// The same without the interpreter.
        struct Columns<'a> { $($field: Option<&'a [$ty]>),+ }

        impl<'py> Arrays<'py> {
            fn new(given: HashMap<String, Bound<'py, PyAny>>) -> PyResult<Self> {
                let mut out = Self::default();
                for (name, values) in given {
                    match name.as_str() {
                        $(stringify!($field) => out.$field = Some(values.extract().map_err(|_| {
                            PyValueError::new_err(format!("{name} must be an array of {}", dtype::<$ty>(values.py())))
                        })?),)+
                        _ => return Err(PyValueError::new_err(format!("events have no field {name:?}"))),
                    }
                }
                Ok(out)
            }

            /// The columns as slices; all of them have `rows` values.
            fn columns(&self, rows: usize) -> PyResult<Columns<'_>> {
                Ok(Columns { $($field: match &self.$field {
                    None => None,
                    Some(array) => Some(checked(stringify!($field), array.as_slice()?, rows)?),
                }),+ })
            }
        }

        impl Columns<'_> {
            /// Sets the fields of `block` that have a column, from row `start` on.
            fn fill(&self, block: &mut [Event], start: usize) {
                $(if let Some(values) = self.$field {
                    for (event, &value) in block.iter_mut().zip(&values[start..]) {
                        event.$field = value;
                    }
                })+
            }
        }
    };
}

columns! {
    ts_event: i64, ts_recv: i64, sequence: i64, id: i64,
    px: i32, px_ask: i32, size: i32, size_ask: i32, ref_a: i32, ref_b: i32,
    instrument: u16, flags: u16, kind: u8, action: u8, side: i8
}

fn checked<'a, T>(name: &str, values: &'a [T], rows: usize) -> PyResult<&'a [T]> {
    if values.len() == rows {
        return Ok(values);
    }
    Err(PyValueError::new_err(format!("{name} has {} values, expected {rows}", values.len())))
}

/// Writes a record per row into `out`: the fields of `template`, and of `columns` where there is one.
///
/// Row `i` goes to `out[places[i]]`.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // the argument owns the borrow of the array
fn pack_events<'py>(
    py: Python<'py>,
    mut out: PyReadwriteArray1<'py, PyEvent>,
    places: PyReadonlyArray1<'py, i64>,
    template: &Bound<'py, PyAny>,
    columns: HashMap<String, Bound<'py, PyAny>>,
) -> PyResult<()> {
    let template = one_event(template)?;
    let places = places.as_slice()?;
    let arrays = Arrays::new(columns)?;
    let columns = arrays.columns(places.len())?;
    let out = out.as_slice_mut()?;
    let len = out.len();
    py.detach(|| pack(out, places, template, &columns))
        .map_err(|place| PyIndexError::new_err(format!("place {place} is outside the {len} records of out")))
}

/// The place that is not in `out`, if there is one.
fn pack(out: &mut [PyEvent], places: &[i64], template: Event, columns: &Columns<'_>) -> Result<(), i64> {
    let mut block = [template; BLOCK];
    for (n, places) in places.chunks(BLOCK).enumerate() {
        columns.fill(&mut block[..places.len()], n * BLOCK);
        for (&event, &place) in block.iter().zip(places) {
            *usize::try_from(place).ok().and_then(|at| out.get_mut(at)).ok_or(place)? = PyEvent(event);
        }
    }
    Ok(())
}

/// Adds this room's function to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(pack_events, m)?)
}
