//! Constants of code objects that hold no others: Python's objects as data and back; and the live objects that
//! someone put there, which are kept as they are.

use patchctl_codeobject::{Constant, Text};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyEllipsis, PyFloat, PyInt, PyString};

/// The objects that stand in code objects without being data, by number ([`Constant::Opaque`]).
#[derive(Default)]
pub struct Objects<'py>(Vec<Bound<'py, PyAny>>);

impl<'py> Objects<'py> {
    /// An object as a constant of its own.
    pub fn opaque(&mut self, object: Bound<'py, PyAny>) -> Constant {
        let known = self.0.iter().position(|other| other.is(&object));
        Constant::Opaque(known.unwrap_or_else(|| {
            self.0.push(object);
            self.0.len() - 1
        }))
    }

    /// The object of that number.
    pub fn get(&self, number: usize) -> Option<&Bound<'py, PyAny>> {
        self.0.get(number)
    }
}

/// A Python object as data; `None` for what holds others, and for what is no constant.
///
/// # Errors
/// What reading it raises.
pub fn plain(value: &Bound<'_, PyAny>) -> PyResult<Option<Constant>> {
    let bits = |number: Bound<'_, PyAny>| number.extract::<f64>().map(f64::to_bits);
    Ok(Some(if value.is_none() {
        Constant::None
    } else if value.is_exact_instance_of::<PyString>() {
        Constant::Str(text(value)?)
    } else if value.is_exact_instance_of::<PyInt>() {
        integer(value)?
    } else if value.is_exact_instance_of::<PyBool>() {
        Constant::Bool(value.is_truthy()?)
    } else if value.is_exact_instance_of::<PyFloat>() {
        Constant::Float(bits(value.clone())?)
    } else if value.is_exact_instance_of::<PyBytes>() {
        Constant::Bytes(value.extract()?)
    } else if value.is_exact_instance_of::<PyComplex>() {
        Constant::Complex(bits(value.getattr("real")?)?, bits(value.getattr("imag")?)?)
    } else if value.is_instance_of::<PyEllipsis>() {
        Constant::Ellipsis
    } else {
        return Ok(None);
    }))
}

/// Data as a Python object; `None` for what holds others, and for what is no data.
///
/// # Errors
/// What making it raises.
pub fn plain_object<'py>(py: Python<'py>, constant: &Constant) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(Some(match constant {
        Constant::None => py.None().into_bound(py),
        Constant::Ellipsis => py.Ellipsis().into_bound(py),
        Constant::StopIteration => py.get_type::<pyo3::exceptions::PyStopIteration>().into_any(),
        Constant::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Constant::Int(value) => value.into_pyobject(py)?.into_any(),
        Constant::BigInt { negative, magnitude } => {
            let number =
                py.get_type::<PyInt>().call_method1("from_bytes", (PyBytes::new(py, magnitude), "little"))?;
            if *negative { number.neg()? } else { number }
        }
        Constant::Float(bits) => PyFloat::new(py, f64::from_bits(*bits)).into_any(),
        Constant::Complex(real, imaginary) => {
            PyComplex::from_doubles(py, f64::from_bits(*real), f64::from_bits(*imaginary)).into_any()
        }
        Constant::Str(text) => string(py, text)?,
        Constant::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Constant::Tuple(_)
        | Constant::FrozenSet(_)
        | Constant::Slice(_)
        | Constant::Code(_)
        | Constant::Opaque(_) => return Ok(None),
    }))
}

/// A text as the crate keeps it.
///
/// # Errors
/// That it is none.
pub fn text(value: &Bound<'_, PyAny>) -> PyResult<Text> {
    let string = value.cast::<PyString>()?;
    if let Ok(text) = string.to_cow() {
        return Ok(Text::from(&*text));
    }
    let bytes = string.call_method1("encode", ("utf-8", "surrogatepass"))?;
    Ok(Text::from_surrogatepass(bytes.extract()?))
}

/// The Python text.
///
/// # Errors
/// That it is no UTF-8, surrogates or not.
pub fn string<'py>(py: Python<'py>, text: &Text) -> PyResult<Bound<'py, PyAny>> {
    match text.as_str() {
        Some(text) => Ok(PyString::new(py, text).into_any()),
        None => PyBytes::new(py, text.as_bytes()).call_method1("decode", ("utf-8", "surrogatepass")),
    }
}

fn integer(value: &Bound<'_, PyAny>) -> PyResult<Constant> {
    if let Ok(small) = value.extract::<i64>() {
        return Ok(Constant::Int(small));
    }
    let bits: usize = value.call_method0("bit_length")?.extract()?;
    let magnitude = value.abs()?.call_method1("to_bytes", (bits.div_ceil(8), "little"))?;
    Ok(Constant::BigInt { negative: value.lt(0)?, magnitude: magnitude.extract()? })
}
