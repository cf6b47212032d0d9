//! Binding of the indicators.

use numpy::{PyArray1, PyArrayMethods as _, PyReadonlyArray1, PyUntypedArrayMethods as _};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use qt_features::indicators::Indicator;

use crate::errors::Raised as _;

/// An indicator over prices: `Indicator("ema", 20)`; see `quantumtrader._protocols.IndicatorProtocol`.
#[pyclass(module = "quantumtrader._core", name = "Indicator")]
pub struct PyIndicator(Indicator);

#[pymethods]
impl PyIndicator {
    #[new]
    #[pyo3(signature = (name, /, *parameters))]
    fn new(py: Python<'_>, name: &str, parameters: Vec<i64>) -> PyResult<Self> {
        Indicator::new(name, &parameters).map(Self).map_err(|e| e.raised(py))
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Its parameters, defaults included.
    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.parameters())
    }

    /// The value after the last step; NaN until warm.
    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    /// Takes one number, or high, low and close, and returns the value; NaN until warm.
    #[pyo3(signature = (x, low = None, close = None, /))]
    fn update(&mut self, x: f64, low: Option<f64>, close: Option<f64>) -> PyResult<f64> {
        let step = match (low, close) {
            (None, None) if self.0.inputs().len() == 1 => [x, 0.0, 0.0],
            (Some(low), Some(close)) if self.0.inputs().len() == 3 => [x, low, close],
            _ => return Err(self.wrong_inputs()),
        };
        Ok(self.0.update(step))
    }

    /// Takes many steps; returns the value after each.
    #[pyo3(signature = (x, low = None, close = None, /))]
    fn update_many<'py>(
        &mut self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        low: Option<Bound<'py, PyAny>>,
        close: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let wide = self.0.inputs().len() == 3;
        if low.is_some() != wide || close.is_some() != wide {
            return Err(self.wrong_inputs());
        }
        let first = column(x)?;
        let rest = [low.as_ref().map(column).transpose()?, close.as_ref().map(column).transpose()?];
        let mut columns = [first.as_slice()?, &[], &[]];
        for (slice, array) in columns[1..].iter_mut().zip(&rest) {
            if let Some(array) = array {
                *slice = array.as_slice()?;
            }
        }
        let [high, low, close] = columns.map(<[f64]>::len);
        if wide && (low != high || close != high) {
            let text = format!("high, low and close differ in length: {high}, {low}, {close}");
            return Err(PyValueError::new_err(text));
        }
        // Every element is written below, so none is cleared first.
        let out = py.import("numpy")?.call_method1("empty", (high,))?.cast_into::<PyArray1<f64>>()?;
        let mut target = out.readwrite();
        let (slice, indicator) = (target.as_slice_mut()?, &mut self.0);
        py.detach(|| indicator.update_many(columns, slice));
        drop(target);
        Ok(out)
    }

    /// Returns to the state of a new indicator.
    fn reset(&mut self) {
        self.0.reset();
    }

    fn __repr__(&self) -> String {
        let parameters: Vec<String> = self.0.parameters().iter().map(ToString::to_string).collect();
        format!("Indicator('{}', {})", self.0.name(), parameters.join(", "))
    }

    /// Pickles the configuration: the copy is a new indicator.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let mut arguments = vec![self.0.name().into_pyobject(py)?.into_any()];
        for n in self.0.parameters() {
            arguments.push(n.into_pyobject(py)?.into_any());
        }
        Ok((py.get_type::<Self>(), PyTuple::new(py, arguments)?))
    }
}

impl PyIndicator {
    #[cold]
    fn wrong_inputs(&self) -> PyErr {
        let inputs = self.0.inputs().join(", ");
        PyTypeError::new_err(format!("{} takes ({inputs})", self.0.name()))
    }
}

/// A column of numbers: a contiguous float64 array as it is, anything else through numpy.
fn column<'py>(given: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, f64>> {
    if let Ok(array) = given.extract::<PyReadonlyArray1<'py, f64>>()
        && array.is_contiguous()
    {
        return Ok(array);
    }
    let py = given.py();
    let options = PyDict::new(py);
    options.set_item("dtype", "float64")?;
    let array = py.import("numpy")?.call_method("ascontiguousarray", (given,), Some(&options))?;
    array.extract::<PyReadonlyArray1<'py, f64>>().map_err(|_| {
        let dimensions = array.getattr("ndim").map_or_else(|_| "?".into(), |n| n.to_string());
        PyValueError::new_err(format!("numbers must be one-dimensional, got {dimensions} dimensions"))
    })
}

/// Adds this room's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyIndicator>()
}
