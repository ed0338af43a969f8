//! Edits in words, for people who check a patch.

use patchctl_protocol::edit::{Edit, InsertAt, Operation};

/// Name of the function, and what is done to it.
#[must_use]
pub fn words(edit: &Edit) -> (String, String) {
    let inner: String = edit.within.iter().map(|name| format!(".<locals>.{name}")).collect();
    (format!("{}{inner}", edit.function.qualname), operation(&edit.operation))
}

fn operation(operation: &Operation) -> String {
    let becomes = |what: &str, from: &str, to: &str| format!("{what} {from} becomes {to}");
    match operation {
        Operation::Unary { from, to } if to.is_empty() => format!("operator {from} goes"),
        Operation::Binary { from, to } | Operation::Unary { from, to } | Operation::Compare { from, to } => {
            becomes("operator", from, to)
        }
        Operation::Negate => "condition turned round".to_owned(),
        Operation::Constant { from, to } => becomes("constant", from, to),
        Operation::Name { from, to, .. } => becomes("name", from, to),
        Operation::Local { from, to, .. } => becomes("variable", from, to),
        Operation::GlobalToConstant { name, value } => becomes("global", name, value),
        Operation::GlobalToLocal { name, local } => becomes("global", name, local),
        Operation::AddArgument { name, default } => format!("argument {name}={default} added"),
        Operation::RenameArgument { from, to } => becomes("argument", from, to),
        Operation::SwapArguments { one, other } => format!("arguments {one} and {other} swapped"),
        Operation::Default { name, value } => becomes("default of", name, value),
        Operation::Insert { at, .. } => match at {
            InsertAt::Entry => "statements inserted at the entry".to_owned(),
            InsertAt::BeforeLine(line) => format!("statements inserted before line {line}"),
            InsertAt::AfterLine(line) => format!("statements inserted after line {line}"),
            InsertAt::Return(_) => "statements inserted before each return".to_owned(),
        },
        Operation::RemoveLine { line } => format!("statement on line {line} removed"),
        Operation::ReplaceLine { line, .. } => format!("statement on line {line} replaced"),
        Operation::Match { pattern, .. } => format!("sequence of {} instructions replaced", pattern.len()),
    }
}
