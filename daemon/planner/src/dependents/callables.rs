//! Which functions and classes behave differently when called, because of what they read and call in turn.

use super::reads::Reads;
use super::seeds::key;
use super::spread::Spread;
use crate::changes::{Scope, TargetItem};
use ruff_python_ast::{Stmt, StmtClassDef, StmtFunctionDef};

impl<'a> Spread<'_, '_, '_, 'a> {
    /// Functions that read changed values or call changed functions behave differently too; so do the
    /// classes whose constructors do.
    pub fn callables(&mut self, items: &[TargetItem<'a>]) {
        let functions: Vec<(&Scope, String, Reads)> = items
            .iter()
            .filter_map(|item| match item.item.only() {
                Some(Stmt::FunctionDef(def)) => {
                    let name = key(&item.scope.namespace, &item.scope.mangle(&def.name));
                    let mut reads = Reads::of_body(def);
                    reads.names.extend(self.default_names(&item.scope, def));
                    Some((&item.scope, name, reads))
                }
                _ => None,
            })
            .collect();
        let classes: Vec<(&Scope, &StmtClassDef)> = items
            .iter()
            .filter_map(|item| Some((&item.scope, item.item.only()?.as_class_def_stmt()?)))
            .collect();
        loop {
            let mut grown = false;
            for (scope, name, reads) in &functions {
                if self.changed.callable(name).is_none()
                    && let Some(root) = self.changed.body_root(scope, reads).cloned()
                {
                    grown |= self.changed.add_callable(name.clone(), &root);
                }
                if !self.changed.is_recoded(name) && self.changed.body_recoded(scope, reads) {
                    grown |= self.changed.add_recoded(name.clone());
                }
            }
            for (scope, class) in &classes {
                grown |= self.constructor(scope, class, &functions);
            }
            if !grown {
                return;
            }
        }
    }

    /// Defaults as a function's body would read them: what they stand for in the class is named through it.
    fn default_names(&self, scope: &Scope, def: &StmtFunctionDef) -> Vec<String> {
        let reads = Reads::of_defaults(&def.parameters);
        self.changed.value_root(scope, &reads).cloned().into_iter().collect()
    }

    fn constructor(
        &mut self,
        scope: &Scope,
        class: &StmtClassDef,
        functions: &[(&Scope, String, Reads)],
    ) -> bool {
        let name = key(&scope.namespace, &scope.mangle(&class.name));
        if self.changed.callable(&name).is_some() {
            return false;
        }
        let makers = ["__init__", "__new__", "__post_init__"].map(|maker| format!("{name}.{maker}"));
        let own = makers.iter().find_map(|maker| self.changed.callable(maker)).cloned();
        let has_own = functions.iter().any(|(_, function, _)| makers.contains(function));
        let inherited = || {
            let bases = class.arguments.iter().flat_map(|arguments| arguments.args.iter());
            let mut names = bases.filter_map(super::reads::dotted);
            names.find_map(|base| self.changed.callable(&base)).cloned()
        };
        let root = own.or_else(|| if has_own { None } else { inherited() });
        let recoded = makers.iter().any(|maker| self.changed.is_recoded(maker));
        if recoded {
            self.changed.add_recoded(name.clone());
        }
        root.is_some_and(|root| self.changed.add_callable(name, &root))
    }
}
