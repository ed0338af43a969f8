//! Which functions and classes behave differently when called, because of what they read and call in turn.

use super::reads::{Reads, dotted};
use super::seeds::key;
use super::spread::Spread;
use crate::changes::{Scope, TargetItem};
use ruff_python_ast::{Stmt, StmtClassDef, StmtFunctionDef};

/// A function and the names of this module that its body uses.
struct Function {
    name: String,
    uses: Vec<String>,
}

impl<'a> Spread<'_, '_, '_, 'a> {
    /// Functions that read changed values or call changed functions behave differently too; so do the
    /// classes whose constructors do.
    pub fn callables(&mut self, items: &[TargetItem<'a>]) {
        let function = |item: &TargetItem<'a>| match item.item.only() {
            Some(Stmt::FunctionDef(def)) => Some(self.function(&item.scope, def)),
            _ => None,
        };
        let functions: Vec<Function> = items.iter().filter_map(function).collect();
        let class = |item: &TargetItem<'a>| {
            let class = item.item.only()?.as_class_def_stmt()?;
            Some((key(&item.scope.namespace, &item.scope.mangle(&class.name)), class))
        };
        let classes: Vec<(String, &StmtClassDef)> = items.iter().filter_map(class).collect();
        let mut grown = true;
        while grown {
            grown = false;
            for function in &functions {
                grown |= self.changed.follow(&function.name, &function.uses);
            }
            for (name, class) in &classes {
                grown |= self.constructor(name, class, &functions);
            }
        }
    }

    fn function(&self, scope: &Scope, def: &StmtFunctionDef) -> Function {
        let reads = Reads::of_body(def, |root| self.changed.is_root(root));
        let mut uses: Vec<String> = reads.names.iter().chain(&reads.calls).cloned().collect();
        uses.sort_unstable();
        uses.dedup();
        let mut uses: Vec<String> =
            uses.iter().filter_map(|name| self.changed.resolve_in_function(scope, name)).collect();
        uses.extend(self.changed.value_root(scope, &Reads::of_defaults(&def.parameters)).cloned());
        Function { name: key(&scope.namespace, &scope.mangle(&def.name)), uses }
    }

    /// A class behaves as the functions that make its instances do, its own or inherited.
    fn constructor(&mut self, name: &str, class: &StmtClassDef, functions: &[Function]) -> bool {
        let bases = class.arguments.iter().flat_map(|arguments| arguments.args.iter());
        let bases: Vec<String> = bases.filter_map(dotted).collect();
        // Making a subclass of it runs these.
        let hooks: Vec<String> = bases.iter().map(|base| format!("{base}.__init_subclass__")).collect();
        let hook = format!("{name}.__init_subclass__");
        let mut grown = false;
        if !functions.iter().any(|function| function.name == hook) {
            grown |= self.changed.follow_calls(&hook, &hooks);
        }
        grown | self.maker(name, &bases, functions)
    }

    fn maker(&mut self, name: &str, bases: &[String], functions: &[Function]) -> bool {
        let makers = ["__init__", "__new__", "__post_init__"].map(|maker| format!("{name}.{maker}"));
        let has_own = functions.iter().any(|function| makers.contains(&function.name));
        if has_own {
            return self.changed.follow(name, &makers);
        }
        self.changed.follow_calls(name, bases)
    }
}
