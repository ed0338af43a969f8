//! What happened, for ever: one SQLite database, written by one thread, hash-chained.

mod chain;
mod event;
mod store;
mod writer;

pub use event::Event;
pub use store::Known;
pub use writer::History;
