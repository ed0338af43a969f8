//! Python patches: a text that mirrors its module is spliced into the module's source, so that everything
//! behind is source to source.

mod place;
mod reindent;
mod splice;

pub(crate) use splice::splice;
