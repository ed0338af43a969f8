//! Which names a statement reads, and calls, when it is executed; and which a function's body does.

use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Arguments, Decorator, Expr, Parameters, Stmt, StmtFunctionDef};

/// Read by whoever asks for the whole namespace (`"..." % locals()`).
pub(super) const EVERYTHING: &str = "*";

/// Dotted names as they stand in the source.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub names: Vec<String>,
    /// Names that are called, or used as decorators.
    pub calls: Vec<String>,
}

impl Reads {
    /// What executing a statement reads. Of a definition: its decorators, and a class's bases; a function's
    /// defaults are told apart ([`Reads::of_defaults`]), bodies of classes are scopes of their own.
    pub fn of_statement(stmt: &Stmt) -> Self {
        let mut collector = Collector { reads: Self::default(), deferred: false, wanted: &|_| true };
        match stmt {
            Stmt::FunctionDef(def) => collector.decorators(&def.decorator_list),
            Stmt::ClassDef(class) => {
                collector.decorators(&class.decorator_list);
                if let Some(arguments) = &class.arguments {
                    collector.class_hooks(arguments);
                    collector.visit_arguments(arguments);
                }
            }
            _ => collector.visit_stmt(stmt),
        }
        collector.reads
    }

    pub fn of_defaults(parameters: &Parameters) -> Self {
        let mut collector = Collector { reads: Self::default(), deferred: false, wanted: &|_| true };
        collector.defaults(parameters);
        collector.reads
    }

    /// What computing a function's annotations reads.
    pub fn of_annotations(def: &StmtFunctionDef) -> Self {
        let mut collector = Collector { reads: Self::default(), deferred: false, wanted: &|_| true };
        let parameters = def.parameters.iter().filter_map(|parameter| parameter.annotation());
        for annotation in parameters.chain(def.returns.as_deref()) {
            collector.visit_expr(annotation);
        }
        collector.reads
    }

    /// What computing an expression reads.
    pub fn of_expression(expr: &Expr) -> Self {
        let mut collector = Collector { reads: Self::default(), deferred: false, wanted: &|_| true };
        collector.visit_expr(expr);
        collector.reads
    }

    /// What computing an expression reads, the defaults of lambdas aside.
    pub fn beside_lambdas(expr: &Expr) -> Self {
        struct Without;
        impl Transformer for Without {
            fn visit_expr(&self, expr: &mut Expr) {
                match expr {
                    Expr::Lambda(lambda) => lambda.parameters = None,
                    _ => transformer::walk_expr(self, expr),
                }
            }
        }
        let mut copy = expr.clone();
        Without.visit_expr(&mut copy);
        Self::of_expression(&copy)
    }

    /// What calling a function may read, inner functions included: names whose first part is wanted.
    pub fn of_body(def: &StmtFunctionDef, wanted: impl Fn(&str) -> bool) -> Self {
        let mut collector = Collector { reads: Self::default(), deferred: true, wanted: &wanted };
        collector.visit_body(&def.body);
        collector.reads
    }
}

/// Whether a function calls the functions that it gets, at once or when its result is read.
fn calls_arguments(name: &str) -> bool {
    const CALLING: [&str; 9] =
        ["map", "filter", "sorted", "min", "max", "reduce", "starmap", "groupby", "takewhile"];
    CALLING.contains(&name.rsplit('.').next().unwrap_or(name))
}

struct Collector<'w> {
    reads: Reads,
    /// Whether the bodies of inner functions and lambdas count.
    deferred: bool,
    /// Whether names that begin with a word count.
    wanted: &'w dyn Fn(&str) -> bool,
}

impl Collector<'_> {
    fn dotted(&self, expr: &Expr) -> Option<String> {
        if (self.wanted)(root(expr)?) { dotted(expr) } else { None }
    }

    /// What making a class calls of its bases and its metaclass.
    fn class_hooks(&mut self, arguments: &Arguments) {
        let bases = arguments.args.iter().filter_map(|base| self.dotted(base));
        let mut calls: Vec<String> = bases.map(|base| format!("{base}.__init_subclass__")).collect();
        let metaclass = arguments.find_keyword("metaclass").and_then(|keyword| self.dotted(&keyword.value));
        for hook in ["__prepare__", "__new__", "__init__"] {
            calls.extend(metaclass.iter().map(|metaclass| format!("{metaclass}.{hook}")));
        }
        self.reads.calls.extend(calls);
    }

    fn decorators(&mut self, decorators: &[Decorator]) {
        for decorator in decorators {
            self.reads.calls.extend(self.dotted(&decorator.expression));
            self.visit_expr(&decorator.expression);
        }
    }

    fn defaults(&mut self, parameters: &Parameters) {
        for default in parameters.iter_non_variadic_params().filter_map(|p| p.default.as_deref()) {
            self.visit_expr(default);
        }
    }
}

impl<'a> Visitor<'a> for Collector<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.decorators(&def.decorator_list);
                self.defaults(&def.parameters);
                if self.deferred {
                    self.visit_body(&def.body);
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_annotation(&mut self, _expr: &'a Expr) {}

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if name.ctx.is_load() => self.reads.names.extend(self.dotted(expr)),
            Expr::Attribute(attribute) if attribute.ctx.is_load() => {
                if root(expr).is_none() {
                    walk_expr(self, expr);
                }
                self.reads.names.extend(self.dotted(expr));
            }
            Expr::Call(call) => {
                let namespace = |name: &str| matches!(name, "locals" | "globals" | "vars");
                if call.arguments.is_empty() && root(&call.func).is_some_and(namespace) {
                    self.reads.names.push(EVERYTHING.to_owned());
                }
                self.reads.calls.extend(self.dotted(&call.func));
                if dotted(&call.func).is_some_and(|name| calls_arguments(&name)) {
                    let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                    let passed = call.arguments.args.iter().chain(keywords);
                    self.reads
                        .calls
                        .extend(passed.filter_map(|argument| self.dotted(argument)).collect::<Vec<_>>());
                }
                walk_expr(self, expr);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.defaults(parameters);
                }
                if self.deferred {
                    self.visit_expr(&lambda.body);
                }
            }
            _ => walk_expr(self, expr),
        }
    }
}

/// The first name of a dotted one.
fn root(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(&name.id),
        Expr::Attribute(attribute) => root(&attribute.value),
        _ => None,
    }
}

/// A name with attributes as dotted text.
pub(crate) fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr)),
        _ => None,
    }
}
