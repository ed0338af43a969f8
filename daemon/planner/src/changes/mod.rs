//! What changed between two texts of a module: functions, and steps in the namespaces of the module and its
//! classes.

mod class;
mod import;
mod lambda;
mod removal;
mod scope;
mod scope_pair;
mod step;
mod walk;

pub(crate) use import::import_changes;
pub(crate) use lambda::LambdaPair;
pub(crate) use scope::{Changes, Definition, FunctionPair, Scope, TargetItem, first_words};
pub(crate) use step::{Draft, Sort, execute};
pub(crate) use walk::find;
