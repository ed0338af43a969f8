//! Constants of code objects: Python's objects as data and back. What is no constant to the interpreter
//! itself (a live object that someone put there) is kept as it is.

use super::convert;
use crate::interpreter;
use patchctl_codeobject::{Constant, Text};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyEllipsis, PyFloat, PyFrozenSet, PyInt, PyString, PyTuple};

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

    /// A Python object as data.
    ///
    /// # Errors
    /// What reading it raises.
    pub fn constant(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Constant> {
        if value.is_none() {
            return Ok(Constant::None);
        }
        if value.is_exact_instance_of::<PyString>() {
            return text(value).map(Constant::Str);
        }
        if value.is_exact_instance_of::<PyInt>() {
            return integer(value);
        }
        if value.is_exact_instance_of::<PyTuple>() {
            return self.all(value).map(Constant::Tuple);
        }
        if value.is_exact_instance_of::<PyBool>() {
            return Ok(Constant::Bool(value.is_truthy()?));
        }
        if interpreter::is_code(value)? {
            return Ok(Constant::Code(Box::new(convert::code_object(value, self)?)));
        }
        self.rarer(value)
    }

    fn rarer(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Constant> {
        let bits = |number: Bound<'py, PyAny>| number.extract::<f64>().map(f64::to_bits);
        if value.is_exact_instance_of::<PyFloat>() {
            return Ok(Constant::Float(bits(value.clone())?));
        }
        if value.is_exact_instance_of::<PyBytes>() {
            return Ok(Constant::Bytes(value.extract()?));
        }
        if value.is_exact_instance_of::<PyComplex>() {
            return Ok(Constant::Complex(bits(value.getattr("real")?)?, bits(value.getattr("imag")?)?));
        }
        if value.is_exact_instance_of::<PyFrozenSet>() {
            return self.all(value).map(Constant::FrozenSet);
        }
        if value.is_instance_of::<PyEllipsis>() {
            return Ok(Constant::Ellipsis);
        }
        // Slices are constants from 3.14 on; whoever put one there before knows why.
        if value.py().version_info() >= (3, 14) && value.get_type().name()?.to_cow()? == "slice" {
            let part = |objects: &mut Self, name: &str| objects.constant(&value.getattr(name)?);
            let parts = [part(self, "start")?, part(self, "stop")?, part(self, "step")?];
            return Ok(Constant::Slice(Box::new(parts)));
        }
        Ok(self.opaque(value.clone()))
    }

    fn all(&mut self, values: &Bound<'py, PyAny>) -> PyResult<Vec<Constant>> {
        let mut all = Vec::new();
        // To ask a Python iterator for its length, as collecting does, imports `operator`.
        for value in values.try_iter()? {
            all.push(self.constant(&value?)?);
        }
        Ok(all)
    }

    /// Data as a Python object.
    ///
    /// # Errors
    /// What making it raises.
    pub fn object(
        &self,
        py: Python<'py>,
        constant: &Constant,
        template: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = |items: &[Constant]| -> PyResult<Vec<Bound<'py, PyAny>>> {
            items.iter().map(|item| self.object(py, item, template)).collect()
        };
        Ok(match constant {
            Constant::None => py.None().into_bound(py),
            Constant::Ellipsis => py.Ellipsis().into_bound(py),
            Constant::StopIteration => py.get_type::<pyo3::exceptions::PyStopIteration>().into_any(),
            Constant::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
            Constant::Int(value) => value.into_pyobject(py)?.into_any(),
            Constant::BigInt { negative, magnitude } => {
                let number = py
                    .get_type::<PyInt>()
                    .call_method1("from_bytes", (PyBytes::new(py, magnitude), "little"))?;
                if *negative { number.neg()? } else { number }
            }
            Constant::Float(bits) => PyFloat::new(py, f64::from_bits(*bits)).into_any(),
            Constant::Complex(real, imaginary) => {
                PyComplex::from_doubles(py, f64::from_bits(*real), f64::from_bits(*imaginary)).into_any()
            }
            Constant::Str(text) => string(py, text)?,
            Constant::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
            Constant::Tuple(items) => PyTuple::new(py, all(items)?)?.into_any(),
            Constant::FrozenSet(items) => PyFrozenSet::new(py, all(items)?)?.into_any(),
            Constant::Slice(parts) => {
                py.import("builtins")?.getattr("slice")?.call1(PyTuple::new(py, all(&parts[..])?)?)?
            }
            Constant::Code(code) => convert::new_code(code, template, self)?,
            Constant::Opaque(number) => self.0[*number].clone(),
        })
    }
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
