//! What changed between two texts of a module: functions, and steps in the namespaces of the module and its
//! classes.

mod class;
mod scope;
mod step;

pub(crate) use scope::{Changes, Definition, FunctionPair, Scope, TargetItem, find};
pub(crate) use step::Draft;
