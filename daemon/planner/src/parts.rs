//! Which parts of a function object two definitions of it differ in.

use crate::source::{same_body, same_decorators, same_optional, same_type_params};
use patchctl_protocol::plan::Parts;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ParameterWithDefault, Parameters, Stmt, StmtFunctionDef};

/// Compares two definitions.
pub(crate) fn parts(old: &StmtFunctionDef, new: &StmtFunctionDef) -> Parts {
    let (old_docstring, old_body) = split_docstring(&old.body);
    let (new_docstring, new_body) = split_docstring(&new.body);
    let signature = !same_signature(&old.parameters, &new.parameters);
    let docstring = old_docstring != new_docstring;
    let kind = kind(old) != kind(new);
    let type_params = !same_type_params(old.type_params.as_deref(), new.type_params.as_deref());
    Parts {
        code: signature || docstring || kind || type_params || !same_body(old_body, new_body),
        signature,
        defaults: !same_values(&old.parameters, &new.parameters, |p| p.default.as_deref()),
        annotations: type_params || !same_annotations(old, new),
        docstring,
        decorators: !same_decorators(&old.decorator_list, &new.decorator_list),
        kind,
    }
}

/// The docstring, if any, and the statements behind it.
fn split_docstring(body: &[Stmt]) -> (Option<&str>, &[Stmt]) {
    if let [Stmt::Expr(first), rest @ ..] = body
        && let Expr::StringLiteral(literal) = &*first.value
    {
        return (Some(literal.value.to_str()), rest);
    }
    (None, body)
}

/// Names, order and kinds of parameters.
fn same_signature(old: &Parameters, new: &Parameters) -> bool {
    let names = |list: &[ParameterWithDefault]| -> Vec<String> {
        list.iter().map(|p| p.parameter.name.to_string()).collect()
    };
    let variadic = |p: &Parameters| {
        (p.vararg.as_ref().map(|p| p.name.to_string()), p.kwarg.as_ref().map(|p| p.name.to_string()))
    };
    names(&old.posonlyargs) == names(&new.posonlyargs)
        && names(&old.args) == names(&new.args)
        && names(&old.kwonlyargs) == names(&new.kwonlyargs)
        && variadic(old) == variadic(new)
}

/// Whether every parameter has the same value of some sort, by name.
fn same_values<'a>(
    old: &'a Parameters,
    new: &'a Parameters,
    value: impl Fn(&'a ParameterWithDefault) -> Option<&'a Expr>,
) -> bool {
    let list = |parameters: &'a Parameters| -> Vec<(&'a str, &'a Expr)> {
        let with = |p: &'a ParameterWithDefault| Some((p.parameter.name.as_str(), value(p)?));
        parameters.iter_non_variadic_params().filter_map(with).collect()
    };
    let (old, new) = (list(old), list(new));
    let same = |((a, x), (b, y)): (&(&str, &Expr), &(&str, &Expr))| a == b && same_optional(Some(x), Some(y));
    old.len() == new.len() && old.iter().zip(&new).all(same)
}

fn same_annotations(old: &StmtFunctionDef, new: &StmtFunctionDef) -> bool {
    let list = |def: &'_ StmtFunctionDef| -> Vec<(String, Expr)> {
        let parameters = def.parameters.iter();
        let named = parameters.filter_map(|p| Some((p.name().to_string(), p.annotation()?.clone())));
        named.collect()
    };
    let (olds, news) = (list(old), list(new));
    let same =
        |((a, x), (b, y)): (&(String, Expr), &(String, Expr))| a == b && same_optional(Some(x), Some(y));
    same_optional(old.returns.as_deref(), new.returns.as_deref())
        && olds.len() == news.len()
        && olds.iter().zip(&news).all(same)
}

/// Whether a function is asynchronous, and whether it is a generator.
fn kind(def: &StmtFunctionDef) -> (bool, bool) {
    let mut finder = YieldFinder { found: false };
    finder.visit_body(&def.body);
    (def.is_async, finder.found)
}

/// Looks for `yield` in a function's own scope.
struct YieldFinder {
    found: bool,
}

impl<'a> Visitor<'a> for YieldFinder {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ if self.found => {}
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Yield(_) | Expr::YieldFrom(_) => self.found = true,
            Expr::Lambda(_) | Expr::Generator(_) => {}
            _ => walk_expr(self, expr),
        }
    }
}
