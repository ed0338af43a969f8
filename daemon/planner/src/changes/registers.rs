//! Definitions that may be held elsewhere as soon as they are made: by decorators that register, by bases that
//! keep their subclasses.

use crate::dependents::dotted;
use ruff_python_ast::{Decorator, Expr, Stmt};

/// Decorators that keep nothing of what they get, by their last name.
const KEEPING_NOTHING: [&str; 24] = [
    "property",
    "staticmethod",
    "classmethod",
    "cached_property",
    "lru_cache",
    "cache",
    "wraps",
    "contextmanager",
    "asynccontextmanager",
    "abstractmethod",
    "overload",
    "override",
    "final",
    "setter",
    "getter",
    "deleter",
    "singledispatch",
    "singledispatchmethod",
    "dataclass",
    "define",
    "total_ordering",
    "runtime_checkable",
    "deprecated",
    "no_type_check",
];

/// Bases that keep nothing of their subclasses, by the end of their last name.
const PLAIN_BASES: [&str; 14] = [
    "Error",
    "Exception",
    "Warning",
    "object",
    "ABC",
    "Protocol",
    "Generic",
    "Enum",
    "NamedTuple",
    "TypedDict",
    "dict",
    "list",
    "str",
    "tuple",
];

/// Whether making this definition may put it somewhere else than in its name.
pub(super) fn registers(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::FunctionDef(def) => def.decorator_list.iter().any(keeps),
        Stmt::ClassDef(class) => {
            let arguments = class.arguments.as_ref();
            let plain = |base: &Expr| {
                last(base).is_some_and(|name| PLAIN_BASES.iter().any(|plain| name.ends_with(plain)))
            };
            class.decorator_list.iter().any(keeps)
                || arguments.is_some_and(|all| !all.keywords.is_empty() || !all.args.iter().all(plain))
        }
        _ => false,
    }
}

fn keeps(decorator: &Decorator) -> bool {
    let name = match &decorator.expression {
        Expr::Call(call) => last(&call.func),
        expr => last(expr),
    };
    !name.is_some_and(|name| KEEPING_NOTHING.contains(&name.as_str()))
}

/// The last name of a dotted or subscripted one.
fn last(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Subscript(subscript) => last(&subscript.value),
        _ => dotted(expr)?.rsplit('.').next().map(str::to_owned),
    }
}
