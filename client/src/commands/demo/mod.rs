//! `patchctl demo`: the whole job on a real vulnerable package, in a scratch folder with a daemon of its
//! own. [`story`] is what happens; the other files are what it needs.

mod application;
mod command;
mod environment;
mod flaw;
mod scratch;
mod stage;
mod story;

pub use command::{Args, run};
