//! What changed between two texts of a module: functions, and steps in the namespaces of the module and its
//! classes.

mod anew;
mod annotation;
mod class;
mod class_decorator;
mod computed;
mod entry;
mod found;
mod import;
mod instance;
mod lambda;
mod registers;
mod removal;
mod scope;
mod scope_pair;
mod step;
mod subclass;
mod walk;

pub(crate) use found::{Changes, Definition, FunctionPair, TargetItem};
pub(crate) use import::import_changes;
pub(crate) use lambda::{LambdaPair, all as all_lambdas, bound_name as lambda_name};
pub(crate) use scope::Scope;
pub(crate) use step::{Draft, Sort, execute, first_words};
pub(crate) use walk::find;
