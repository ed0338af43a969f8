//! Values that a scope makes anew: the statements after them that change them in place are executed again, too,
//! or the value would lack what these put there.

use super::scope_pair::ScopePair;
use crate::dependents::{dotted, mutated_by};
use ruff_python_ast::{Expr, Stmt};
use std::collections::BTreeMap;

/// Functions that make a container of their own.
const CONTAINERS: [&str; 14] = [
    "list",
    "dict",
    "set",
    "bytearray",
    "deque",
    "defaultdict",
    "OrderedDict",
    "Counter",
    "ChainMap",
    "collections.deque",
    "collections.defaultdict",
    "collections.OrderedDict",
    "collections.Counter",
    "collections.ChainMap",
];

/// How sure it is that a statement makes an object that nobody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Container,
    /// By a call, which may answer an object that was there before: what is stored into that twice is stored once.
    Unknown,
}

impl ScopePair<'_, '_> {
    /// Whether an executed statement makes the value of a name anew.
    pub fn is_made_anew(&self, name: &str) -> bool {
        let makes = |index: &usize| {
            let mut made = self.items.new[*index].stmts.iter().filter_map(made_by);
            made.any(|(bound, made)| bound == name && made.is_some())
        };
        self.execute.iter().any(makes)
    }

    /// Executes what completes the values that are made anew.
    pub fn execute_mutators(&mut self) {
        let mut anew: BTreeMap<String, Made> = BTreeMap::new();
        for (index, item) in self.items.new.iter().enumerate() {
            let mutated = mutated_by(item.stmts);
            let made = |name: &String| match anew.get(name) {
                Some(Made::Container) => true,
                Some(Made::Unknown) => item.stmts.iter().all(is_store),
                None => false,
            };
            if !mutated.is_empty() && mutated.iter().all(made) {
                self.execute.insert(index);
            }
            for (name, made) in item.stmts.iter().filter_map(made_by) {
                match made.filter(|_| self.execute.contains(&index)) {
                    Some(made) => anew.insert(name, made),
                    None => anew.remove(&name),
                };
            }
        }
    }
}

/// The name that a statement binds to a value, and how that is made; not told where it is another's.
fn made_by(stmt: &Stmt) -> Option<(String, Option<Made>)> {
    let (target, value) = match stmt {
        Stmt::Assign(assign) => match &assign.targets[..] {
            [target] => (target, &assign.value),
            _ => return None,
        },
        Stmt::AnnAssign(assign) => (&*assign.target, assign.value.as_ref()?),
        _ => return None,
    };
    Some((target.as_name_expr()?.id.to_string(), made(value)))
}

fn made(value: &Expr) -> Option<Made> {
    match value {
        Expr::List(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::ListComp(_)
        | Expr::DictComp(_)
        | Expr::SetComp(_) => Some(Made::Container),
        Expr::Call(call) => match dotted(&call.func) {
            Some(name) if CONTAINERS.contains(&name.as_str()) => Some(Made::Container),
            _ => Some(Made::Unknown),
        },
        _ => None,
    }
}

/// Whether a statement stores values and does nothing else in place.
fn is_store(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Assign(_) | Stmt::AnnAssign(_))
}
