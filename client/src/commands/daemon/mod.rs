//! `patchctl daemon`: one file for each of its commands.

mod command;
mod install_unit;
mod logs;
mod run;
mod start;
mod status;
mod stop;

pub use command::{Args, run};
