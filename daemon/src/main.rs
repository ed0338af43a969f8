//! `patchd`, the daemon of patchctl. Here it starts and ends; what it does stands in the modules.
//!
//! Arrows: `server` calls `handlers`, these ask `registry`, `history` and `planning`; `watcher` sends
//! messages to `registry`. Each of registry and history is owned by one thread.

mod access;
mod daemon;
mod files;
mod handlers;
mod history;
mod memory;
mod options;
mod places;
mod planning;
mod process;
mod registry;
mod run;
mod server;
mod watcher;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    run::run(&options::Options::parse())
}
