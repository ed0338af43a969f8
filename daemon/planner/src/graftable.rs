//! Whether an import can take a changed function over by its code object alone, in the place of the old one
//! in the module's code. It can't where the statement that makes the function changes too, or what that
//! statement has to give it.

use crate::changes::FunctionPair;
use crate::dependents::Reads;
use crate::source::Enclosing;
use patchctl_protocol::plan::Parts;
use ruff_python_ast::StmtFunctionDef;
use std::collections::BTreeSet;

/// Names that make the compiler give a method the cell of its class (CPython's `Python/symtable.c`).
const CLASS_CELL: [&str; 2] = ["super", "__class__"];

/// See the module.
pub(crate) fn is_graftable(pair: &FunctionPair<'_>) -> bool {
    let Parts { docstring, defaults, annotations, decorators, .. } = pair.parts;
    // A docstring is an attribute of the function object, so an undo needs more than the old code object.
    let in_code_alone = !(docstring || defaults || annotations || decorators);
    in_code_alone && closure(pair.old, &pair.old_outer) == closure(pair.new, &pair.new_outer)
}

/// The names of enclosing scopes that a method gets as free variables.
fn closure(def: &StmtFunctionDef, outer: &[Enclosing<'_>]) -> BTreeSet<String> {
    let parameters = outer.iter().filter_map(|enclosing| match enclosing {
        Enclosing::Class(class) => class.type_params.as_deref(),
        Enclosing::Branch { .. } => None,
    });
    let parameters: BTreeSet<&str> =
        parameters.flat_map(|parameters| parameters.iter().map(|one| one.name().as_str())).collect();
    let reads = Reads::of_body(def, |root| CLASS_CELL.contains(&root) || parameters.contains(root));
    let first = |name: String| name.split('.').next().unwrap_or_default().to_owned();
    reads.names.into_iter().chain(reads.calls).map(first).collect()
}
