//! What it says that two names are bound to one object: of values that many modules have, nothing.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Small integers of which the interpreter has one object each (`_PY_NSMALLPOSINTS` in CPython's
/// `pycore_global_objects.h`, in its smallest form).
const SMALL: std::ops::RangeInclusive<i64> = -5..=256;

/// Whether only texts tell where a value is from: equal ones may be one object.
pub fn is_shared(object: &Bound<'_, PyAny>) -> bool {
    const SHARED: [&str; 9] =
        ["int", "bool", "str", "bytes", "float", "complex", "NoneType", "module", "tuple"];
    let kind = object.get_type().name();
    kind.is_ok_and(|kind| kind.to_cow().is_ok_and(|kind| SHARED.contains(&&*kind)))
}

/// Whether equal values are likely to be one object all over a process.
pub fn is_common(object: &Bound<'_, PyAny>) -> bool {
    if let Ok(text) = object.cast_exact::<PyString>() {
        let word = |text: &str| text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        return text.to_cow().is_ok_and(|text| word(&text));
    }
    let kind = object.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    match kind.as_str() {
        "NoneType" | "bool" | "ellipsis" => true,
        "int" => object.extract::<i64>().is_ok_and(|number| SMALL.contains(&number)),
        "tuple" | "bytes" => object.len().is_ok_and(|length| length < 2),
        _ => false,
    }
}
