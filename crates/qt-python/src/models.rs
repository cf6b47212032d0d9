//! Binding of the forest.

use std::sync::{Mutex, PoisonError};

use numpy::{PyArray1, PyArrayMethods as _, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods as _};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat};
use qt_models::{Error, Forest, Scratch};

use crate::errors::{Raised, exception};

/// A trained tree ensemble; see `quantumtrader.models.forest.Forest`.
#[pyclass(module = "quantumtrader._core", name = "Forest", frozen)]
pub struct PyForest {
    forest: Forest,
    /// Memory of evaluations that are over; one more is made only when more threads than ever evaluate at once.
    idle: Mutex<Vec<Scratch>>,
}

impl Raised for Error {
    fn raised(&self, py: Python<'_>) -> PyErr {
        let (class, remedy) = match self {
            Self::Width { .. } | Self::Results { .. } => ("ManifestError", None),
            _ => (
                "DataFormatError",
                Some("Save the model anew with its library, or evaluate it with that library"),
            ),
        };
        exception(py, class, self, remedy)
    }
}

/// What is computed of a row.
#[derive(Clone, Copy)]
enum Wanted {
    Raw,
    Prediction,
}

impl PyForest {
    fn evaluate(&self, rows: &[f64], wanted: Wanted, out: &mut [f64]) -> Result<(), Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = idle().pop().unwrap_or_else(|| self.forest.scratch());
        let done = match wanted {
            Wanted::Raw => self.forest.predict_raw(rows, &mut scratch, out),
            Wanted::Prediction => self.forest.predict(rows, &mut scratch, out),
        };
        idle().push(scratch);
        done
    }

    /// One row: a float, or an array of the classes.
    fn row<'py>(&self, py: Python<'py>, row: &[f64], wanted: Wanted) -> PyResult<Bound<'py, PyAny>> {
        if row.len() != self.forest.num_features() {
            return Err(self.width(py, row.len()));
        }
        if self.forest.num_classes() == 1 {
            let mut out = [0.0];
            py.detach(|| self.evaluate(row, wanted, &mut out)).map_err(|e| e.raised(py))?;
            return Ok(PyFloat::new(py, out[0]).into_any());
        }
        let mut out = vec![0.0; self.forest.num_classes()];
        py.detach(|| self.evaluate(row, wanted, &mut out)).map_err(|e| e.raised(py))?;
        Ok(PyArray1::from_vec(py, out).into_any())
    }

    /// Many rows: one number for each, or one for each row and class.
    fn batch<'py>(
        &self,
        py: Python<'py>,
        batch: &PyReadonlyArray2<'py, f64>,
        wanted: Wanted,
    ) -> PyResult<Bound<'py, PyAny>> {
        let [rows, columns] = [batch.shape()[0], batch.shape()[1]];
        if columns != self.forest.num_features() {
            return Err(self.width(py, columns));
        }
        let classes = self.forest.num_classes();
        let mut out = vec![0.0; rows * classes];
        let values = batch.as_slice()?;
        py.detach(|| self.evaluate(values, wanted, &mut out)).map_err(|e| e.raised(py))?;
        let out = PyArray1::from_vec(py, out);
        if classes == 1 { Ok(out.into_any()) } else { Ok(out.reshape([rows, classes])?.into_any()) }
    }

    fn width(&self, py: Python<'_>, found: usize) -> PyErr {
        Error::Width { features: self.forest.num_features(), found }.raised(py)
    }

    fn any<'py>(&self, x: &Bound<'py, PyAny>, wanted: Wanted) -> PyResult<Bound<'py, PyAny>> {
        let py = x.py();
        if let Ok(row) = x.extract::<PyReadonlyArray1<'py, f64>>()
            && let Ok(row) = row.as_slice()
        {
            return self.row(py, row, wanted);
        }
        if let Ok(batch) = x.extract::<PyReadonlyArray2<'py, f64>>()
            && batch.is_c_contiguous()
        {
            return self.batch(py, &batch, wanted);
        }
        let kwargs = PyDict::new(py);
        kwargs.set_item("dtype", "float64")?;
        kwargs.set_item("order", "C")?;
        let x = py.import("numpy")?.call_method("array", (x,), Some(&kwargs))?;
        if let Ok(row) = x.extract::<PyReadonlyArray1<'py, f64>>() {
            return self.row(py, row.as_slice()?, wanted);
        }
        match x.extract::<PyReadonlyArray2<'py, f64>>() {
            Ok(batch) => self.batch(py, &batch, wanted),
            Err(_) => {
                let found = x.getattr("ndim")?;
                let message = format!("a row or a batch of rows was expected, got {found} dimensions");
                Err(exception(py, "ManifestError", &message, None))
            }
        }
    }
}

#[pymethods]
impl PyForest {
    /// Reads a model's text.
    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn from_text(py: Python<'_>, text: &str) -> PyResult<Self> {
        let forest = py.detach(|| Forest::from_text(text)).map_err(|e| e.raised(py))?;
        Ok(Self { idle: Mutex::new(vec![forest.scratch()]), forest })
    }

    /// Features of a row.
    #[getter]
    fn num_features(&self) -> usize {
        self.forest.num_features()
    }

    /// Scores of a row.
    #[getter]
    fn num_classes(&self) -> usize {
        self.forest.num_classes()
    }

    /// Trees of all classes.
    #[getter]
    fn num_trees(&self) -> usize {
        self.forest.num_trees()
    }

    /// Objective as the model names it.
    #[getter]
    fn objective(&self) -> &str {
        self.forest.objective()
    }

    /// Names of the features; empty when the model has none.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.forest.feature_names().to_vec()
    }

    /// Raw scores of a row, or of each row of a batch.
    #[pyo3(signature = (x, /))]
    fn predict_raw<'py>(&self, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.any(x, Wanted::Raw)
    }

    /// Predictions of a row, or of each row of a batch.
    #[pyo3(signature = (x, /))]
    fn predict<'py>(&self, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.any(x, Wanted::Prediction)
    }

    fn __repr__(&self) -> String {
        format!(
            "Forest({:?}, trees={}, features={}, classes={})",
            self.forest.objective(),
            self.forest.num_trees(),
            self.forest.num_features(),
            self.forest.num_classes()
        )
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyForest>()
}
