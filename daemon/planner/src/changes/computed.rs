//! Classes that a metaclass computes from their bodies (enumerations, named tuples, models), told by the names of
//! their bases.

use super::class_decorator::keeps_nothing;
use super::walk::Walker;
use ruff_python_ast::{Expr, Stmt, StmtClassDef};

/// Bases whose metaclass computes the class from its body, once.
const COMPUTED_BASES: [&str; 13] = [
    "Enum",
    "IntEnum",
    "StrEnum",
    "Flag",
    "IntFlag",
    "ReprEnum",
    "NamedTuple",
    "TypedDict",
    "BaseModel",
    "Struct",
    "SQLModel",
    "Structure",
    "Model",
];

/// Of these, the enumerations: the class that is there can get other members.
const ENUMERATIONS: [&str; 6] = ["Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"];

impl Walker<'_, '_, '_, '_> {
    /// Whether a class, or one of its bases in this module, has a base whose metaclass computes it.
    pub fn is_computed(&self, class: &StmtClassDef) -> bool {
        self.is_below(class, &COMPUTED_BASES)
    }

    /// Whether its metaclass computes nothing from a class but what the class that is there can get.
    pub fn may_make_anew(&self, class: &StmtClassDef) -> bool {
        let keeps = |stmt: &Stmt| match stmt {
            Stmt::FunctionDef(def) => def.name.as_str() == "__init__" && !keeps_nothing(def),
            _ => false,
        };
        self.is_typed_dict(class) || self.is_below(class, &ENUMERATIONS) && !class.body.iter().any(keeps)
    }

    pub fn is_typed_dict(&self, class: &StmtClassDef) -> bool {
        self.is_below(class, &["TypedDict"])
    }

    fn is_below(&self, class: &StmtClassDef, wanted: &[&str]) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        let mut waiting: Vec<&StmtClassDef> = vec![class];
        while let Some(class) = waiting.pop() {
            for base in bases(class) {
                let Some(name) = last_name(base) else { continue };
                if wanted.contains(&name) {
                    return true;
                }
                if !seen.contains(&name) {
                    seen.push(name);
                    let found = find_class(
                        self.new.body(),
                        &|stmt| matches!(stmt, Stmt::ClassDef(other) if other.name.as_str() == name),
                    );
                    waiting.extend(found.and_then(Stmt::as_class_def_stmt));
                }
            }
        }
        false
    }
}

/// Finds a class anywhere in the scopes of a module.
pub(super) fn find_class<'b>(body: &'b [Stmt], wanted: &dyn Fn(&'b Stmt) -> bool) -> Option<&'b Stmt> {
    body.iter().find_map(|stmt| {
        if wanted(stmt) {
            return Some(stmt);
        }
        match stmt {
            Stmt::ClassDef(class) => find_class(&class.body, wanted),
            Stmt::If(node) => find_class(&node.body, wanted).or_else(|| {
                node.elif_else_clauses.iter().find_map(|clause| find_class(&clause.body, wanted))
            }),
            Stmt::Try(node) => find_class(&node.body, wanted)
                .or_else(|| {
                    let mut handlers = node.handlers.iter().filter_map(|h| h.as_except_handler());
                    handlers.find_map(|handler| find_class(&handler.body, wanted))
                })
                .or_else(|| find_class(&node.orelse, wanted))
                .or_else(|| find_class(&node.finalbody, wanted)),
            Stmt::With(node) => find_class(&node.body, wanted),
            Stmt::For(node) => find_class(&node.body, wanted),
            Stmt::While(node) => find_class(&node.body, wanted),
            _ => None,
        }
    })
}

pub(super) fn bases(class: &StmtClassDef) -> &[Expr] {
    class.arguments.as_ref().map_or(&[], |arguments| &arguments.args)
}

/// Whether two classes are named tuples of the same fields, so that no more than defaults differ.
pub(super) fn has_same_fields(old: &StmtClassDef, new: &StmtClassDef) -> bool {
    let named = |class: &StmtClassDef| bases(class).iter().filter_map(last_name).any(|n| n == "NamedTuple");
    let fields = |class: &StmtClassDef| -> Vec<String> {
        let annotated = class.body.iter().filter_map(Stmt::as_ann_assign_stmt);
        annotated.filter_map(|assign| Some(assign.target.as_name_expr()?.id.to_string())).collect()
    };
    named(old) && named(new) && fields(old) == fields(new)
}

/// The last name of a dotted name, or of a subscripted one.
pub(super) fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(&name.id),
        Expr::Attribute(attribute) => Some(&attribute.attr),
        Expr::Subscript(subscript) => last_name(&subscript.value),
        _ => None,
    }
}
