//! What changed between two texts of a module: functions, and steps in the namespaces of the module and its
//! classes.

mod class;
mod import;
mod lambda;
mod scope;
mod step;

pub(crate) use import::import_changes;
pub(crate) use lambda::LambdaPair;
pub(crate) use scope::{Changes, Definition, FunctionPair, Scope, TargetItem, find, first_words};
pub(crate) use step::{Draft, execute};
