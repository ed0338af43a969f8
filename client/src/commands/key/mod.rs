//! `patchctl key`: one file for each of its commands.

mod command;
mod folder;
mod forget;
mod generate;
mod list;
mod trust;

pub use command::{Args, run};
pub use folder::Keys;
