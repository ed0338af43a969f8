//! Code that calls another function: for function objects whose closure can't take the new code. The
//! target travels in `co_consts`, where any object may stand.

use super::codes;
use crate::interpreter;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The constant in whose place the target is put.
const PLACEHOLDER: &str = "patchctl: target of a call";

/// What ends a refusal for want of a cell.
const NOT_CAPTURED: &str = "which no existing closure captured";

/// A function like `function` with this code: its cells where the names are the same, and a cell with the
/// class for `__class__`, or with a type parameter.
///
/// # Errors
/// `unsupported-change` if the code needs a variable that this function never captured.
pub fn function_with<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    code: &Bound<'py, PyAny>,
    class: Option<&Bound<'py, PyType>>,
) -> Result<Bound<'py, PyAny>, Refusal> {
    let make = || -> PyResult<Result<Bound<'py, PyAny>, String>> {
        let own = codes::free_variables(&function.getattr("__code__")?)?;
        let cells = function.getattr("__closure__")?;
        let mut closure = Vec::new();
        for name in codes::free_variables(code)? {
            let position = own.iter().position(|other| *other == name);
            if let Some(position) = position {
                closure.push(cells.get_item(position)?);
                continue;
            }
            let of_class = class.filter(|_| name == "__class__").map(|class| class.clone().into_any());
            let owners = [Some(function), class.map(|class| class.as_any())];
            let mut parameters = owners.into_iter().flatten().map(|owner| type_parameter(owner, &name));
            let value = match of_class {
                Some(class) => Some(class),
                None => parameters.find_map(Result::transpose).transpose()?,
            };
            match value {
                Some(value) => closure.push(interpreter::builtins(py)?.cell.bind(py).call1((value,))?),
                None => return Ok(Err(name)),
            }
        }
        let arguments = (
            code,
            function.getattr("__globals__")?,
            function.getattr("__name__")?,
            function.getattr("__defaults__")?,
            PyTuple::new(py, closure)?,
        );
        let new = interpreter::builtins(py)?.function.bind(py).call1(arguments)?;
        for name in ["__kwdefaults__", "__qualname__", "__module__", "__doc__"] {
            new.setattr(name, function.getattr(name)?)?;
        }
        Ok(Ok(new))
    };
    match make() {
        Ok(Ok(function)) => Ok(function),
        Ok(Err(name)) => {
            let detail =
                format!("the new code needs the variable {name} of an enclosing function, {NOT_CAPTURED}");
            Err(Refusal::new(Reason::UnsupportedChange, detail))
        }
        Err(error) => Err(super::refusal(py, Reason::Internal, "making a function", &error)),
    }
}

/// Whether a function that nobody can call any more may be what a refusal is about: closures in rings live on
/// until the collector comes.
pub fn may_be_about_garbage(refusal: &Refusal) -> bool {
    refusal.detail.ends_with(NOT_CAPTURED)
}

/// The type parameter of that name which a function or class has (PEP 695).
fn type_parameter<'py>(owner: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Ok(parameters) = owner.getattr("__type_params__") else { return Ok(None) };
    for parameter in parameters.try_iter()? {
        let parameter = parameter?;
        if interpreter::text(&parameter, "__name__").as_deref() == Some(name) {
            return Ok(Some(parameter));
        }
    }
    Ok(None)
}

/// Code with the free variables and the kind of `old` and the parameters of `new` that calls `target` with all
/// its arguments.
///
/// # Errors
/// What compiling raises.
pub fn code_calling<'py>(
    py: Python<'py>,
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let free = codes::free_variables(old)?;
    let (parameters, arguments) = parameters(new)?;
    let call = format!("{PLACEHOLDER:?}.__call__({arguments})");
    let mention =
        if free.is_empty() { String::new() } else { format!("   None and ({},)\n", free.join(", ")) };
    let (keyword, body) = match codes::kind(old)? {
        0 => ("def", format!("   return {call}\n")),
        0x20 => ("def", format!("   return (yield from {call})\n")),
        0x80 => ("async def", format!("   return await {call}\n")),
        _ => ("async def", format!("   async for value in {call}: yield value\n")),
    };
    let name: String = new.getattr("co_name")?.extract()?;
    let name = if name.starts_with('<') { "function".to_owned() } else { name };
    let outer = format!("def outer({}):\n {keyword} {name}({parameters}):\n{mention}{body}", free.join(", "));
    let line: usize = new.getattr("co_firstlineno")?.extract()?;
    let source = format!("{}{outer}", "\n".repeat(line.saturating_sub(2)));
    let file: String = new.getattr("co_filename")?.extract()?;
    let module = interpreter::compile(py, &source, &file)?;
    let found = codes::within(&module)?.into_iter().nth(1);
    let code = found.ok_or_else(|| pyo3::exceptions::PyRuntimeError::new_err("no code in the trampoline"))?;
    with_target(py, &code, new, target)
}

fn with_target<'py>(
    py: Python<'py>,
    code: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut constants = Vec::new();
    for constant in interpreter::constants(code)?.iter() {
        let is_placeholder = constant.extract::<String>().is_ok_and(|text| text == PLACEHOLDER);
        constants.push(if is_placeholder { target.clone() } else { constant });
    }
    let changes = PyDict::new(py);
    changes.set_item("co_consts", PyTuple::new(py, constants)?)?;
    changes.set_item("co_name", new.getattr("co_name")?)?;
    if let Ok(qualname) = new.getattr("co_qualname") {
        changes.set_item("co_qualname", qualname)?;
    }
    code.call_method("replace", (), Some(&changes))
}

/// A parameter list like the code's, and the arguments that hand all of it on.
fn parameters(code: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
    const VARARGS: u32 = 4;
    const VARKEYWORDS: u32 = 8;
    let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
    let number = |name: &str| code.getattr(name)?.extract::<usize>();
    let (positional, only, keyword) =
        (number("co_argcount")?, number("co_posonlyargcount")?, number("co_kwonlyargcount")?);
    let flags: u32 = code.getattr("co_flags")?.extract()?;
    let mut parameters: Vec<String> = names[..positional].to_vec();
    let mut arguments = parameters.clone();
    let mut next = positional + keyword;
    if only > 0 {
        parameters.insert(only, "/".to_owned());
    }
    if flags & VARARGS != 0 {
        parameters.push(format!("*{}", names[next]));
        arguments.push(format!("*{}", names[next]));
        next += 1;
    } else if keyword > 0 {
        parameters.push("*".to_owned());
    }
    for name in &names[positional..positional + keyword] {
        parameters.push(name.clone());
        arguments.push(format!("{name}={name}"));
    }
    if flags & VARKEYWORDS != 0 {
        parameters.push(format!("**{}", names[next]));
        arguments.push(format!("**{}", names[next]));
    }
    Ok((parameters.join(", "), arguments.join(", ")))
}
