//! Which statements may be executed again without anybody noticing but by the new value: those that
//! compute an immutable value from other values and do nothing else.

use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement, Stmt};

/// Functions that make immutable values.
const FUNCTIONS: [&str; 21] = [
    "frozenset",
    "tuple",
    "str",
    "int",
    "float",
    "bool",
    "bytes",
    "complex",
    "len",
    "min",
    "max",
    "abs",
    "sum",
    "round",
    "ord",
    "chr",
    "repr",
    "range",
    "hash",
    "slice",
    "re.compile",
];
/// Methods of strings, bytes and numbers that return such.
const METHODS: [&str; 22] = [
    "join",
    "format",
    "lower",
    "upper",
    "title",
    "strip",
    "lstrip",
    "rstrip",
    "encode",
    "decode",
    "replace",
    "casefold",
    "capitalize",
    "removeprefix",
    "removesuffix",
    "center",
    "ljust",
    "rjust",
    "zfill",
    "union",
    "difference",
    "intersection",
];

/// Whether a statement only assigns an immutable value to names.
pub(crate) fn is_pure(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Assign(assign) => assign.targets.iter().all(is_name_target) && is_pure_value(&assign.value),
        Stmt::AnnAssign(assign) => {
            is_name_target(&assign.target) && assign.value.as_deref().is_some_and(is_pure_value)
        }
        _ => false,
    }
}

fn is_name_target(target: &Expr) -> bool {
    match target {
        Expr::Name(_) => true,
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_name_target),
        _ => false,
    }
}

/// Whether an expression computes an immutable value without side effects.
pub(super) fn is_pure_value(expr: &Expr) -> bool {
    match expr {
        Expr::Name(_) => true,
        Expr::Attribute(attribute) => is_pure_value(&attribute.value),
        Expr::UnaryOp(unary) => is_pure_value(&unary.operand),
        Expr::BinOp(binary) => is_pure_value(&binary.left) && is_pure_value(&binary.right),
        Expr::BoolOp(boolean) => boolean.values.iter().all(is_pure_value),
        Expr::Compare(compare) => {
            is_pure_value(&compare.left) && compare.comparators.iter().all(is_pure_value)
        }
        Expr::If(node) => {
            is_pure_value(&node.test) && is_pure_value(&node.body) && is_pure_value(&node.orelse)
        }
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_pure_value),
        Expr::Starred(starred) => is_argument(&starred.value),
        Expr::Subscript(subscript) => is_pure_value(&subscript.value) && is_pure_value(&subscript.slice),
        Expr::Slice(slice) => {
            [&slice.lower, &slice.upper, &slice.step].into_iter().flatten().all(|part| is_pure_value(part))
        }
        Expr::FString(string) => string.value.elements().all(is_element),
        Expr::Call(call) => {
            let arguments = &call.arguments;
            is_known(&call.func)
                && arguments.args.iter().all(is_argument)
                && arguments.keywords.iter().all(|keyword| is_argument(&keyword.value))
        }
        _ => expr.is_literal_expr(),
    }
}

fn is_element(element: &InterpolatedStringElement) -> bool {
    match element {
        InterpolatedStringElement::Literal(_) => true,
        InterpolatedStringElement::Interpolation(part) => {
            let spec = part.format_spec.as_ref();
            is_pure_value(&part.expression) && spec.is_none_or(|spec| spec.elements.iter().all(is_element))
        }
    }
}

/// An argument may be a container that is made for the call alone.
fn is_argument(expr: &Expr) -> bool {
    match expr {
        Expr::List(list) => list.elts.iter().all(is_argument),
        Expr::Set(set) => set.elts.iter().all(is_argument),
        Expr::Dict(dict) => dict
            .items
            .iter()
            .all(|item| item.key.as_ref().is_none_or(is_argument) && is_argument(&item.value)),
        Expr::Call(call) if is_mapping(call) => call.arguments.args[1..].iter().all(is_argument),
        _ => is_pure_value(expr),
    }
}

/// `map(str, ...)`: what it makes is used up by what it is an argument of.
fn is_mapping(call: &ExprCall) -> bool {
    super::reads::dotted(&call.func).is_some_and(|name| name == "map")
        && call.arguments.args.first().is_some_and(is_known)
}

fn is_known(func: &Expr) -> bool {
    if super::reads::dotted(func).is_some_and(|name| FUNCTIONS.contains(&name.as_str())) {
        return true;
    }
    matches!(func, Expr::Attribute(attribute)
        if METHODS.contains(&attribute.attr.as_str()) && is_pure_value(&attribute.value))
}
