//! The commands, one file each: an `Args` struct, whose comments are the help, and a `run` function.

pub mod add;
pub mod attach;
pub mod audit;
pub mod change;
pub mod check;
pub mod completions;
pub mod daemon;
pub mod demo;
pub mod detach;
pub mod diff;
pub mod dis;
pub mod disable;
pub mod enable;
pub mod history;
pub mod hook;
pub mod inspect;
pub mod list;
pub mod man;
pub mod off;
pub mod on;
pub mod ps;
pub mod remove;
pub mod show;
pub mod switch;
