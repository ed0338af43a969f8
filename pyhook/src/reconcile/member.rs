//! Members of lists and sets as places for values: where one of some objects stands, told by identity.

use pyo3::prelude::*;
use pyo3::types::{PyList, PySet};

/// Which of the objects is a member.
///
/// # Errors
/// What iterating raises.
pub fn read<'py>(
    container: &Bound<'py, PyAny>,
    objects: &[Py<PyAny>],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let is_one = |member: &Bound<'py, PyAny>| objects.iter().any(|object| object.is(member));
    if let Ok(list) = container.cast::<PyList>() {
        return Ok(list.iter().find(is_one));
    }
    Ok(container.cast::<PySet>()?.iter().find(is_one))
}

/// Puts a value in the place of the objects' first member, or behind all; takes that member out without a value.
///
/// # Errors
/// What the container raises.
pub fn write(
    container: &Bound<'_, PyAny>,
    objects: &[Py<PyAny>],
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let found = read(container, objects)?;
    if let Ok(list) = container.cast::<PyList>() {
        let at = found.and_then(|found| list.iter().position(|member| member.is(&found)));
        return match (at, value) {
            (Some(at), Some(value)) => list.set_item(at, value),
            (Some(at), None) => list.del_item(at),
            (None, Some(value)) => list.append(value),
            (None, None) => Ok(()),
        };
    }
    let set = container.cast::<PySet>()?;
    if let Some(found) = found {
        set.discard(found)?;
    }
    value.map_or(Ok(()), |value| set.add(value))
}
