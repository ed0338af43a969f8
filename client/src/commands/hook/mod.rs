//! `patchctl hook`: one file for each of its commands.

mod command;
mod install;
mod status;
mod target;
mod uninstall;

pub use command::{Args, run};
