//! What follows from changed values in statements that did not change themselves: values computed from them
//! are renewed where that is without risk, or named as stale.

mod annotations;
mod callables;
mod changed;
mod mutated;
mod pure;
mod reads;
mod renewed;
mod seeds;
mod spread;
mod told;
mod undecided;
mod values;

pub(crate) use mutated::mutated_by;
pub(crate) use pure::is_pure;
pub(crate) use reads::{Reads, dotted};
pub(crate) use spread::add;
pub(crate) use values::values;
