//! Loads an extension into a CPython process that runs already: no debugger, no restart, nothing
//! installed in it before.
//!
//! Python code may run only where the interpreter itself takes it up. From 3.14 on it does so by its
//! remote debugging interface ([`remote_exec`], with a [`nudge`] where its main thread is blocked). Before,
//! and where that has no effect, a thread is started in the process, which takes the GIL as any foreign
//! thread does: one of the process's threads is borrowed ([`mod@borrow`]) for the one call of
//! `pthread_create`, at a moment when it holds no lock of the C library ([`thread_choice`]).
//!
//! Safety of the target comes before success. No breakpoints are set, no code of it is changed, nothing
//! is called from the middle of an allocation. A thread that is held has, at each step, a way back that
//! does not need the holder ([`frame`]). Symbols are read from memory ([`elf`]), so that no file has to be
//! where the target's libraries came from.
//!
//! This crate knows neither the daemon nor the command line.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("patchctl-attach knows x86_64 Linux only; see the `attach` command for how others refuse");

mod attach;
mod boot;
mod borrow;
mod delivery;
mod elf;
mod frame;
mod maps;
mod memory;
mod nudge;
mod priority;
mod process;
mod ptrace;
mod refusal;
mod remote_exec;
mod runtime;
mod scratch;
mod site;
mod stub;
mod thread_choice;

pub use attach::{Attached, Method, Options, Pause, attach, examine};
pub use delivery::shares_files;
pub use process::{Process, all};
pub use refusal::{Refusal, Sort};
pub use runtime::Version;
