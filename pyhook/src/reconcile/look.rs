//! Looking at the code of one place: found as its name leads to it, and read as data. Nothing of the
//! application runs: attributes are asked only of objects whose types are the interpreter's own.

use super::holders::Functions;
use super::{codes, edit, records, scope, unwrap};
use crate::{interpreter, modules};
use patchctl_codeobject::{CodeObject, Constant, Version, marshal};
use patchctl_protocol::look::{Hex, LiveCode, Original, Place, Seen};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

/// Most bytes of code and constants that are read, nested code included.
const LIMIT: usize = 1 << 20;
/// What stands between the names of functions in a qualname.
const LOCALS: &str = ".<locals>.";

/// The code at a place.
pub fn look(py: Python<'_>, place: &Place) -> Seen {
    let Some(namespace) = modules::namespace(py, &place.module) else { return Seen::NotLoaded };
    let seen = match find(&namespace, place) {
        Ok(Sight::Code(code)) => read(place, &code),
        Ok(Sight::Other(kind)) => Ok(Seen::NotPython { kind }),
        Ok(Sight::Nothing) => near(&namespace, &place.qualname).map(|near| Seen::NotFound { near }),
        Err(error) => Err(error),
    };
    seen.unwrap_or_else(|error| Seen::Failed { detail: error.to_string() })
}

/// What a name leads to.
enum Sight<'py> {
    Code(Bound<'py, PyAny>),
    /// Something without Python code, by its type.
    Other(String),
    Nothing,
}

fn find<'py>(namespace: &Bound<'py, PyDict>, place: &Place) -> PyResult<Sight<'py>> {
    let qualname = place.qualname.as_str();
    let (outer, inner) = qualname.split_once(LOCALS).unwrap_or((qualname, ""));
    let bound = bound(namespace, outer);
    let function = match bound.as_ref().map(|value| unwrap::function(value, outer)).transpose()?.flatten() {
        Some(function) => Some(function),
        None => named(namespace, place)?,
    };
    let Some(function) = function else {
        return Ok(match bound {
            Some(value) => Sight::Other(describe(&value)?),
            None => Sight::Nothing,
        });
    };
    let code = function.getattr(intern!(function.py(), "__code__"))?;
    let is_whole =
        inner.is_empty() || interpreter::text(&function, "__qualname__").as_deref() == Some(qualname);
    let found = if is_whole { Some(code) } else { nested(&code, inner)? };
    Ok(found.map_or(Sight::Nothing, Sight::Code))
}

/// What a dotted name of the module or of a class in it is bound to.
fn bound<'py>(namespace: &Bound<'py, PyDict>, dotted: &str) -> Option<Bound<'py, PyAny>> {
    let mut names: Vec<String> = dotted.split('.').map(str::to_owned).collect();
    let name = names.pop()?;
    scope::lookup(namespace, &names, &name)
}

/// A live function of that qualified name, whoever holds it in the application.
fn named<'py>(namespace: &Bound<'py, PyDict>, place: &Place) -> PyResult<Option<Bound<'py, PyAny>>> {
    let deleted = records::deleted(&place.module);
    let mut all = Functions::of(namespace.py(), &[(namespace, 1)])?;
    let all = all.take(namespace).into_iter().map(|holder| holder.function);
    let mut held = all.filter(|function| !deleted.contains(&(function.as_ptr() as usize)));
    let name = |function: &Bound<'_, PyAny>| interpreter::text(function, "__qualname__");
    Ok(held.find(|function| name(function).as_deref() == Some(&*place.qualname)))
}

/// The code of a function made within another one, or of a class body or comprehension there.
fn nested<'py>(code: &Bound<'py, PyAny>, names: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut code = code.clone();
    for name in names.split('.').filter(|name| *name != "<locals>") {
        let mut next = None;
        for constant in interpreter::constants(&code)?.iter() {
            if interpreter::is_code(&constant)? && codes::name(&constant)? == name {
                next = Some(constant);
            }
        }
        match next {
            Some(found) => code = found,
            None => return Ok(None),
        }
    }
    Ok(Some(code))
}

fn describe(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyType>() {
        return Ok("a class; name one of its methods".to_owned());
    }
    let name = interpreter::type_name(value).map(|(_, name)| name);
    Ok(format!("no Python function but of type {}", name.as_deref().unwrap_or("of its own")))
}

/// The names in the scope that the qualname is of which look like its last one.
fn near(namespace: &Bound<'_, PyDict>, qualname: &str) -> PyResult<Vec<String>> {
    const MOST: usize = 3;
    let (outer, name) = qualname.rsplit_once('.').unwrap_or(("", qualname));
    let names: Vec<String> = match outer {
        "" => namespace.keys().iter().filter_map(|key| key.extract().ok()).collect(),
        outer => match bound(namespace, outer).and_then(|value| value.cast_into::<PyType>().ok()) {
            Some(class) => scope::names(&class),
            None => Vec::new(),
        },
    };
    let similar = |other: &&String| {
        let (other, name) = (other.to_lowercase(), name.to_lowercase());
        other.len() > 2
            && name.len() > 2
            && (other.contains(&name) || name.contains(&other) || other[..].get(..3) == name.get(..3))
    };
    Ok(names.iter().filter(similar).take(MOST).cloned().collect())
}

fn read(place: &Place, code: &Bound<'_, PyAny>) -> PyResult<Seen> {
    let py = code.py();
    let creators = records::creators(&place.module, &place.qualname);
    let (original, patches) = match records::replaced(py, &place.module, code) {
        Some((original, patches)) => (Some(original.map(|code| code.into_bound(py))), patches),
        None => (None, creators.clone().unwrap_or_default()),
    };
    let all = std::iter::once(code).chain(original.iter().flatten());
    let mut room = LIMIT;
    for code in all {
        match measure(code, room)? {
            Some(rest) => room = rest,
            None => return Ok(Seen::TooLarge { limit: LIMIT as u64 }),
        }
    }
    let original = match original {
        None if creators.is_some() => Original::Nothing,
        None => Original::Same,
        Some(None) => Original::Absent,
        Some(Some(original)) => Original::Kept(data(&original)?),
    };
    Ok(Seen::Code(Box::new(LiveCode { live: data(code)?, original, patches })))
}

/// What is left of the room once a code object has its bytes; `None` if it has more.
fn measure(value: &Bound<'_, PyAny>, room: usize) -> PyResult<Option<usize>> {
    /// What every value takes besides its content.
    const EACH: usize = 8;
    let bytes = if let Ok(text) = value.cast_exact::<PyString>() {
        text.len()?
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        bytes.len()?
    } else if let Ok(items) = value.cast_exact::<PyTuple>() {
        return all(items, room);
    } else if interpreter::is_code(value)? {
        let code = value.getattr(intern!(value.py(), "co_code"))?.len()?;
        let Some(rest) = room.checked_sub(4 * code + EACH) else { return Ok(None) };
        return all(&interpreter::constants(value)?, rest);
    } else {
        0
    };
    Ok(room.checked_sub(bytes + EACH))
}

fn all(items: &Bound<'_, PyTuple>, room: usize) -> PyResult<Option<usize>> {
    let mut room = room;
    for item in items.iter() {
        match measure(&item, room)? {
            Some(rest) => room = rest,
            None => return Ok(None),
        }
    }
    Ok(Some(room))
}

/// Marshal data of a code object, without the interpreter's help: that would tell audit hooks.
fn data(code: &Bound<'_, PyAny>) -> PyResult<Hex> {
    let info = code.py().version_info();
    let version = Version::new(u32::from(info.major), u32::from(info.minor));
    let mut objects = edit::Objects::default();
    let mut object = edit::code_object(code, &mut objects)?;
    name_objects(&mut object, &objects);
    let data = version.and_then(|version| marshal::write_code(&object, version));
    let data =
        data.ok_or_else(|| pyo3::exceptions::PyValueError::new_err("no format for this interpreter"))?;
    Ok(Hex::of(&data))
}

/// Objects that are no data become texts that name their types.
fn name_objects(code: &mut CodeObject, objects: &edit::Objects<'_>) {
    for constant in &mut code.consts {
        name_object(constant, objects);
    }
}

fn name_object(constant: &mut Constant, objects: &edit::Objects<'_>) {
    match constant {
        Constant::Opaque(number) => {
            let name = objects.get(*number).and_then(interpreter::type_name).map(|(_, name)| name);
            *constant = Constant::from(&*format!("<object of type {}>", name.unwrap_or_default()));
        }
        Constant::Code(code) => name_objects(code, objects),
        Constant::Tuple(items) | Constant::FrozenSet(items) => {
            items.iter_mut().for_each(|item| name_object(item, objects));
        }
        _ => {}
    }
}
