//! Traces of connections.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use otls::TraceLevel;
use otls_explain::{Party, Recorder};
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use serde_json::{Map, Value};

use crate::ending::released;
use crate::failure::{Failure, Result};

/// Records what connections do: every message with its fields, how each key comes about, what was checked.
///
/// With neither `path` nor `echo` the lines of the trace are kept for `take`, with the values of secrets where
/// `secrets` asks for them. With `echo=True` people are told on standard error, one line for each message, without
/// the value of any secret. With `path` a file is written that only its owner may read: a page where the name ends
/// in `.html`, made by `close`; otherwise the lines as they come. A file has the secrets of the connections: who
/// sees it reads them, as with a key log. One that is there already is left alone (`FileExistsError`) unless
/// `overwrite`. No trace has a private key.
///
/// `party` says whose trace it is, such as `"bank"`, and `title` what was run. docs/trace.md has the format. Give
/// it to `otls.connect`, `otls.listen`, `otls.serve` and the like as `trace`, or to `Connection.set_trace`.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Trace(pub(crate) Arc<Recorder>);

#[pymethods]
impl Trace {
    #[new]
    #[pyo3(signature = (path=None, *, party="", title="", echo=false, secrets=false, overwrite=false))]
    fn new(
        path: Option<PathBuf>,
        party: &str,
        title: &str,
        echo: bool,
        secrets: bool,
        overwrite: bool,
    ) -> Result<Self> {
        let party = Party { name: party.to_owned(), title: title.to_owned() };
        let recorder = match path {
            Some(_) if echo => {
                let hint = "make two traces, of one connection each";
                return Err(Failure::misuse("a trace with both a path and echo", hint));
            }
            Some(path) => Recorder::file(&party, &path, overwrite).map_err(|error| os_error(&error))?,
            None if echo && secrets => {
                let hint = "leave secrets out, or give a path";
                return Err(Failure::misuse("a trace with echo shows no secrets", hint));
            }
            None if echo => Recorder::text(Box::new(io::stderr())),
            None if secrets => Recorder::kept(&party, TraceLevel::Secrets),
            None => Recorder::kept(&party, TraceLevel::Messages),
        };
        Ok(Self(Arc::new(recorder)))
    }

    /// Records a step of the program itself (docs/trace.md), with what belongs to it: text, numbers, truth values.
    /// `secret` members are left out where the trace has no secrets.
    #[pyo3(signature = (step, text, *, secret=None, **members))]
    fn story(
        &self,
        step: &str,
        text: &str,
        secret: Option<&Bound<'_, PyDict>>,
        members: Option<&Bound<'_, PyDict>>,
    ) -> Result<()> {
        self.0.story(step, text, values(members)?, values(secret)?);
        Ok(())
    }

    /// The lines since the last call, of a trace that keeps them.
    fn take(&self) -> String {
        String::from_utf8_lossy(&self.0.take()).into_owned()
    }

    /// One page (HTML) of the traces of one run: the text of each, as `take` and the files have it. The page has
    /// what they have. Raises `ValueError` for what is no trace.
    #[staticmethod]
    fn page(py: Python<'_>, traces: Vec<String>) -> PyResult<String> {
        let made = released(py, || {
            let traces: Vec<&str> = traces.iter().map(String::as_str).collect();
            otls_explain::page(&traces)
        });
        made.map_err(|refused| PyValueError::new_err(format!("{refused} ({})", refused.hint())))
    }

    /// Ends the recording; the path of the file that was written, if any. Raises `OSError` where something could
    /// not be written.
    fn close(&self, py: Python<'_>) -> PyResult<Option<PathBuf>> {
        released(py, || self.0.finish()).map_err(|error| os_error(&error))
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py).map(|_| ())
    }

    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __repr__(&self) -> &'static str {
        "<Trace>"
    }
}

/// With the number and the text that `OSError` has of the system's own errors.
fn os_error(error: &io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => {
            let text = error.to_string();
            let end = text.rfind(" (os error").unwrap_or(text.len());
            PyOSError::new_err((number, text.get(..end).unwrap_or_default().to_owned()))
        }
        None => PyOSError::new_err(error.to_string()),
    }
}

/// What JSON has of simple values.
fn values(members: Option<&Bound<'_, PyDict>>) -> Result<Map<String, Value>> {
    let mut values = Map::new();
    for (name, value) in members.into_iter().flat_map(|members| members.iter()) {
        let value = if value.is_none() {
            Value::Null
        } else if let Ok(truth) = value.cast::<PyBool>() {
            truth.is_true().into()
        } else if let Ok(number) = value.extract::<i64>() {
            number.into()
        } else if let Ok(text) = value.extract::<String>() {
            text.into()
        } else {
            return Err(PyTypeError::new_err("a step has text, whole numbers and truth values").into());
        };
        values.insert(name.extract()?, value);
    }
    Ok(values)
}
