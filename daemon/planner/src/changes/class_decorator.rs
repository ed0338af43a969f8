//! What decorators do with the class that they get: some compute methods from its body, others put it into a
//! registry, where a class made anew beside it has no business.

use crate::dependents::dotted;
use crate::source::{Source, same_decorators, same_expr};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Decorator, Expr, Stmt, StmtClassDef, StmtFunctionDef};

/// Decorators that make methods out of a class's body and do nothing else, by their last name.
const COMPUTING: [&str; 14] = [
    "dataclass",
    "attrs",
    "attributes",
    "s",
    "define",
    "frozen",
    "mutable",
    "total_ordering",
    "unique",
    "final",
    "runtime_checkable",
    "deconstructible",
    "python_2_unicode_compatible",
    "dataclass_transform",
];

/// Decorators that compute nothing from the values in a class's body, by their last name: what `six` makes anew by
/// the metaclass has the same body, and `zope.interface` only notes what the class is.
const NOT_COMPUTING: [&str; 2] = ["add_metaclass", "implementer"];

/// Functions that look at a class and keep nothing of it.
const LOOKING: [&str; 12] = [
    "setattr",
    "getattr",
    "hasattr",
    "delattr",
    "vars",
    "dir",
    "issubclass",
    "isinstance",
    "type",
    "wraps",
    "super",
    "repr",
];

/// Whether all decorators of a class are known to make methods from its body and no more.
pub(super) fn only_compute(decorators: &[Decorator]) -> bool {
    decorators.iter().all(|decorator| is_among(&COMPUTING, decorator))
}

/// Whether a decorator may have computed something from a class's body.
pub(super) fn may_compute(decorator: &Decorator) -> bool {
    !is_among(&NOT_COMPUTING, decorator)
}

fn is_among(known: &[&str], decorator: &Decorator) -> bool {
    name(decorator).is_some_and(|name| known.contains(&name.rsplit('.').next().unwrap_or(&name)))
}

/// Whether a class may be made anew beside the one that is there without anybody else noticing: its decorators
/// compute from it, as far as their names or their text in this module tell.
pub(super) fn may_run_again(source: &Source<'_>, class: &StmtClassDef) -> bool {
    class.decorator_list.iter().all(|decorator| {
        only_compute(std::slice::from_ref(decorator))
            || name(decorator).and_then(|name| definition(source.body(), &name)).is_some_and(keeps_nothing)
    })
}

/// Whether a running class can be as if it had been made with the decorators that it has now: the new ones may
/// run again, and those that are gone left nothing but methods which are known.
pub(super) fn may_change(source: &Source<'_>, old: &StmtClassDef, new: &StmtClassDef) -> bool {
    let (before, after) = (&old.decorator_list, &new.decorator_list);
    let kept = |one: &Decorator| after.iter().any(|other| same_expr(&one.expression, &other.expression));
    same_decorators(before, after)
        || may_run_again(source, new)
            && before.iter().all(|one| kept(one) || only_compute(std::slice::from_ref(one)))
}

fn name(decorator: &Decorator) -> Option<String> {
    match &decorator.expression {
        Expr::Call(call) => dotted(&call.func),
        expr => dotted(expr),
    }
}

fn definition<'a>(body: &'a [Stmt], name: &str) -> Option<&'a StmtFunctionDef> {
    let functions = body.iter().filter_map(Stmt::as_function_def_stmt);
    functions.filter(|def| def.name.as_str() == name).last()
}

/// Whether a decorator of this module hands the class to nobody: its first parameter, and that of the functions
/// within, is neither stored elsewhere nor passed to what may keep it.
pub(super) fn keeps_nothing(def: &StmtFunctionDef) -> bool {
    let mut keeping = Keeping { classes: Vec::new(), found: false };
    keeping.function(def);
    !keeping.found
}

struct Keeping {
    classes: Vec<String>,
    found: bool,
}

impl Keeping {
    fn function(&mut self, def: &StmtFunctionDef) {
        let first = def.parameters.iter_non_variadic_params().next();
        self.classes.extend(first.map(|parameter| parameter.parameter.name.to_string()));
        self.visit_body(&def.body);
    }

    fn is_class(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Name(name) if self.classes.iter().any(|class| *class == name.id.as_str()))
    }
}

impl<'a> Visitor<'a> for Keeping {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => return self.function(def),
            Stmt::Assign(assign) if self.is_class(&assign.value) => {
                self.found |= assign.targets.iter().any(|target| !target.is_name_expr());
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            let looks = dotted(&call.func)
                .is_some_and(|name| LOOKING.contains(&name.rsplit('.').next().unwrap_or(&name)));
            let passes = call.arguments.args.iter().any(|argument| self.is_class(argument));
            self.found |= passes && !looks && !self.is_class(&call.func);
        }
        walk_expr(self, expr);
    }
}
