//! A statement compiled by the target interpreter, to be spliced into a function.
//!
//! The text is compiled inside `def o(cells): def p(locals): statement; SENTINEL`, so that
//! the function's variables are addressed as the function addresses them. The sentinel
//! marks where the statement ends, for the compiler may copy and move what follows it.

use super::error::EditError;
use crate::tables::{Op, rules};
use crate::{CodeObject, Constant, Text, Version, flags};

/// Global name whose load ends the statement.
pub const SENTINEL: &str = "__patchctl_end__";

const OUTER: &str = "__patchctl_outer__";
const INNER: &str = "__patchctl_inner__";

/// The text of a statement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// Python source.
    pub text: &'a str,
    /// Indices of the lines that begin inside a string, and so must not be indented.
    pub in_strings: &'a [usize],
    /// The class around the function: names with two underscores are mangled for it.
    pub class: Option<&'a str>,
}

/// A compiled statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Code of the innermost function around it, or of the module for a module's statement.
    pub code: CodeObject,
}

impl Statement {
    /// The source to compile (mode `exec`) for a statement that is to go into `code`.
    ///
    /// `new_locals` are names a later edit or an earlier one adds to the function.
    #[must_use]
    pub fn source(code: &CodeObject, version: Version, text: Source<'_>, new_locals: &[Text]) -> String {
        if code.flags & flags::OPTIMIZED == 0 {
            return format!("{}\n{SENTINEL}\n", text.text);
        }
        let indent = if text.class.is_some() { " " } else { "" };
        let is_cell = |name: &&Text| code.cellvars.contains(name) || code.freevars.contains(name);
        let plain = |name: &&Text| name.as_str().is_some_and(|name| !name.starts_with('.'));
        let join = |names: Vec<&Text>| {
            let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
            names.join(", ")
        };
        let cells: Vec<&Text> = code.cellvars.iter().chain(&code.freevars).filter(plain).collect();
        let locals = code.varnames.iter().chain(new_locals).filter(|name| !is_cell(name));
        let locals = join(locals.filter(plain).collect());
        let globals = join(stored_globals(code, version));
        let mut source = text.class.map(|class| format!("class {class}:\n")).unwrap_or_default();
        source +=
            &format!("{indent}def {OUTER}({}):\n{indent} def {INNER}({locals}):\n", join(cells.clone()));
        if !globals.is_empty() {
            source += &format!("{indent}  global {globals}\n");
        }
        if !cells.is_empty() {
            source += &format!("{indent}  nonlocal {}\n", join(cells));
        }
        for (number, line) in text.text.lines().enumerate() {
            let continues = text.in_strings.contains(&number);
            source += &if continues { format!("{line}\n") } else { format!("{indent}  {line}\n") };
        }
        source + &format!("{indent}  {SENTINEL}\n")
    }

    /// Takes the statement out of the module compiled from [`Statement::source`].
    ///
    /// # Errors
    /// When the statement needs cells of its own, or yields.
    pub fn from_module(module: &CodeObject) -> Result<Self, EditError> {
        let nested = |code: &CodeObject, name: &str| {
            let mut nested = code.nested();
            nested.find(|(_, nested)| nested.name == name).map(|(_, nested)| nested.clone())
        };
        let classes = module.nested().filter_map(|(_, class)| nested(class, OUTER)).next();
        let outer = nested(module, OUTER).or(classes);
        let inner = outer.and_then(|outer| nested(&outer, INNER));
        let code = inner.unwrap_or_else(|| module.clone());
        if !code.cellvars.is_empty() {
            return Err(EditError::Impossible("the statement closes over a variable that is no cell yet"));
        }
        if code.is_generator_like() {
            return Err(EditError::Impossible("the statement yields or awaits"));
        }
        Ok(Self { code })
    }
}

/// Names the function assigns as globals.
fn stored_globals(code: &CodeObject, version: Version) -> Vec<&Text> {
    let Ok(body) = crate::decode(code, version) else { return Vec::new() };
    let stores = body.instructions.iter().filter(|i| matches!(i.op, Op::StoreGlobal | Op::DeleteGlobal));
    let mut names: Vec<&Text> = stores.filter_map(|i| code.names.get(i.arg as usize)).collect();
    names.sort();
    names.dedup();
    names
}

/// A constant of a statement with the names of the functions around it made those of the
/// function it goes to.
pub(super) fn rehomed(value: &Constant, home: &CodeObject, version: Version) -> Constant {
    let prefix = format!("{OUTER}.<locals>.{INNER}.");
    let renamed = |text: &Text| {
        let rest = text.as_str().and_then(|text| Some(text.split_once(&prefix)?.1));
        let qualname = if rules(version).unified_slots { &home.qualname } else { &home.name };
        rest.map(|rest| Text::from(format!("{qualname}.{rest}")))
    };
    match value {
        Constant::Str(text) => Constant::Str(renamed(text).unwrap_or_else(|| text.clone())),
        Constant::Code(code) => {
            let mut code = code.clone();
            code.filename = home.filename.clone();
            code.qualname = renamed(&code.qualname).unwrap_or(code.qualname);
            code.consts = code.consts.iter().map(|value| rehomed(value, home, version)).collect();
            Constant::Code(code)
        }
        other => other.clone(),
    }
}
