//! Code objects of the interpreter as data, and back. What did not change stays the very same object.

use super::constants::{Objects, plain, plain_object, string, text};
use crate::interpreter;
use patchctl_codeobject::{CodeObject, Constant, Text};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyTuple};

/// A code object as data.
///
/// # Errors
/// That it is none.
pub fn code_object<'py>(code: &Bound<'py, PyAny>, objects: &mut Objects<'py>) -> PyResult<CodeObject> {
    let py = code.py();
    let number = |name| code.getattr(name)?.extract::<u32>();
    let bytes = |name| Ok::<_, PyErr>(code.getattr(name)?.cast_into::<PyBytes>()?.as_bytes().to_vec());
    let names = |name| {
        let names = code.getattr(name)?.cast_into::<PyTuple>()?;
        names.iter().map(|name| text(&name)).collect::<PyResult<Vec<_>>>()
    };
    let name = text(&code.getattr(intern!(py, "co_name"))?)?;
    let has_table = py.version_info() >= (3, 11);
    let constants = code.getattr(intern!(py, "co_consts"))?.cast_into::<PyTuple>()?;
    Ok(CodeObject {
        argcount: number(intern!(py, "co_argcount"))?,
        posonlyargcount: number(intern!(py, "co_posonlyargcount"))?,
        kwonlyargcount: number(intern!(py, "co_kwonlyargcount"))?,
        stacksize: number(intern!(py, "co_stacksize"))?,
        flags: number(intern!(py, "co_flags"))?,
        code: bytes(intern!(py, "co_code"))?,
        consts: constants.iter().map(|value| constant(&value, objects)).collect::<PyResult<_>>()?,
        names: names(intern!(py, "co_names"))?,
        varnames: names(intern!(py, "co_varnames"))?,
        freevars: names(intern!(py, "co_freevars"))?,
        cellvars: names(intern!(py, "co_cellvars"))?,
        filename: text(&code.getattr(intern!(py, "co_filename"))?)?,
        qualname: if has_table { text(&code.getattr(intern!(py, "co_qualname"))?)? } else { name.clone() },
        name,
        firstlineno: code.getattr(intern!(py, "co_firstlineno"))?.extract()?,
        linetable: bytes(&pyo3::types::PyString::intern(py, line_table(py)))?,
        exceptiontable: if has_table { bytes(intern!(py, "co_exceptiontable"))? } else { Vec::new() },
        slot_kinds: Vec::new(),
    })
}

fn line_table(py: Python<'_>) -> &'static str {
    if py.version_info() >= (3, 10) { "co_linetable" } else { "co_lnotab" }
}

/// A code object like `code` (which is `old` as data) that is `new` as data.
///
/// # Errors
/// What making it raises, or that it came out otherwise than meant.
pub fn changed<'py>(
    code: &Bound<'py, PyAny>,
    old: &CodeObject,
    new: &CodeObject,
    objects: &Objects<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = code.py();
    let changes = PyDict::new(py);
    let number =
        |name: &str, old: u32, new: u32| if old == new { Ok(()) } else { changes.set_item(name, new) };
    number("co_argcount", old.argcount, new.argcount)?;
    number("co_posonlyargcount", old.posonlyargcount, new.posonlyargcount)?;
    number("co_kwonlyargcount", old.kwonlyargcount, new.kwonlyargcount)?;
    number("co_stacksize", old.stacksize, new.stacksize)?;
    number("co_flags", old.flags, new.flags)?;
    if old.firstlineno != new.firstlineno {
        changes.set_item("co_firstlineno", new.firstlineno)?;
    }
    let bytes = |name: &str, old: &[u8], new: &[u8]| {
        if old == new { Ok(()) } else { changes.set_item(name, PyBytes::new(py, new)) }
    };
    bytes("co_code", &old.code, &new.code)?;
    bytes(line_table(py), &old.linetable, &new.linetable)?;
    bytes("co_exceptiontable", &old.exceptiontable, &new.exceptiontable)?;
    let word = |name: &str, old: &Text, new: &Text| {
        if old == new { Ok(()) } else { changes.set_item(name, string(py, new)?) }
    };
    word("co_filename", &old.filename, &new.filename)?;
    word("co_name", &old.name, &new.name)?;
    if py.version_info() >= (3, 11) {
        word("co_qualname", &old.qualname, &new.qualname)?;
    }
    let words = |name: &str, old: &[Text], new: &[Text]| -> PyResult<()> {
        if old == new {
            return Ok(());
        }
        let all = new.iter().map(|text| string(py, text)).collect::<PyResult<Vec<_>>>()?;
        changes.set_item(name, PyTuple::new(py, all)?)
    };
    words("co_names", &old.names, &new.names)?;
    words("co_varnames", &old.varnames, &new.varnames)?;
    words("co_freevars", &old.freevars, &new.freevars)?;
    words("co_cellvars", &old.cellvars, &new.cellvars)?;
    if old.varnames.len() != new.varnames.len() {
        changes.set_item("co_nlocals", new.varnames.len())?;
    }
    if old.consts != new.consts {
        changes.set_item("co_consts", constants(code, old, new, objects)?)?;
    }
    if changes.is_empty() {
        return Ok(code.clone());
    }
    let made = code.call_method("replace", (), Some(&changes))?;
    check(&made, new)?;
    Ok(made)
}

/// A Python object as data.
///
/// # Errors
/// What reading it raises.
pub fn constant<'py>(value: &Bound<'py, PyAny>, objects: &mut Objects<'py>) -> PyResult<Constant> {
    if let Some(constant) = plain(value)? {
        return Ok(constant);
    }
    if value.is_exact_instance_of::<PyTuple>() {
        return all(value, objects).map(Constant::Tuple);
    }
    if interpreter::is_code(value)? {
        return Ok(Constant::Code(Box::new(code_object(value, objects)?)));
    }
    if value.is_exact_instance_of::<PyFrozenSet>() {
        return all(value, objects).map(Constant::FrozenSet);
    }
    // Slices are constants from 3.14 on; whoever put one there before knows why.
    if value.py().version_info() >= (3, 14) && value.get_type().name()?.to_cow()? == "slice" {
        let mut part = |name: &str| constant(&value.getattr(name)?, objects);
        return Ok(Constant::Slice(Box::new([part("start")?, part("stop")?, part("step")?])));
    }
    Ok(objects.opaque(value.clone()))
}

fn all<'py>(values: &Bound<'py, PyAny>, objects: &mut Objects<'py>) -> PyResult<Vec<Constant>> {
    let mut all = Vec::new();
    // To ask a Python iterator for its length, as collecting does, imports `operator`.
    for value in values.try_iter()? {
        all.push(constant(&value?, objects)?);
    }
    Ok(all)
}

/// Data as a Python object; `template` is any code object.
///
/// # Errors
/// What making it raises.
pub fn object<'py>(
    constant: &Constant,
    template: &Bound<'py, PyAny>,
    objects: &Objects<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = template.py();
    if let Some(object) = plain_object(py, constant)? {
        return Ok(object);
    }
    let all = |items: &[Constant]| -> PyResult<Vec<Bound<'py, PyAny>>> {
        items.iter().map(|item| object(item, template, objects)).collect()
    };
    Ok(match constant {
        Constant::Tuple(items) => PyTuple::new(py, all(items)?)?.into_any(),
        Constant::FrozenSet(items) => PyFrozenSet::new(py, all(items)?)?.into_any(),
        Constant::Slice(parts) => {
            py.import("builtins")?.getattr("slice")?.call1(PyTuple::new(py, all(&parts[..])?)?)?
        }
        Constant::Code(code) => new_code(code, template, objects)?,
        Constant::Opaque(number) => objects.get(*number).cloned().ok_or_else(unknown)?,
        _ => return Err(unknown()),
    })
}

fn unknown() -> PyErr {
    PyValueError::new_err("a constant of no known kind")
}

/// The new tuple of constants: the old objects where they are the same.
fn constants<'py>(
    code: &Bound<'py, PyAny>,
    old: &CodeObject,
    new: &CodeObject,
    objects: &Objects<'py>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = code.py();
    let own = code.getattr(intern!(py, "co_consts"))?.cast_into::<PyTuple>()?;
    let mut all = Vec::new();
    for (index, constant) in new.consts.iter().enumerate() {
        let object = match (old.consts.get(index), constant) {
            (Some(before), _) if before == constant => own.get_item(index)?,
            (Some(Constant::Code(before)), Constant::Code(after)) => {
                changed(&own.get_item(index)?, before, after, objects)?
            }
            _ => object(constant, code, objects)?,
        };
        all.push(object);
    }
    PyTuple::new(py, all)
}

/// A code object that there was not before; `template` is any other one.
///
/// # Errors
/// See [`changed`].
fn new_code<'py>(
    new: &CodeObject,
    template: &Bound<'py, PyAny>,
    objects: &Objects<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut old = code_object(template, &mut Objects::default())?;
    // None of its constants is to be taken for one of the new.
    old.consts = vec![Constant::Opaque(usize::MAX)];
    changed(template, &old, new, objects)
}

/// The interpreter's own word on what it was given.
fn check(made: &Bound<'_, PyAny>, new: &CodeObject) -> PyResult<()> {
    let same = |name: &str, wanted: &[u8]| -> PyResult<bool> {
        Ok(made.getattr(name)?.cast_into::<PyBytes>()?.as_bytes() == wanted)
    };
    let tables = same("co_code", &new.code)? && same(line_table(made.py()), &new.linetable)?;
    if tables && made.getattr("co_stacksize")?.extract::<u32>()? == new.stacksize {
        return Ok(());
    }
    Err(PyValueError::new_err("the interpreter changed the code it was given"))
}
