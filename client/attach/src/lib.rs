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
//!
//! Only x86_64 Linux is known; elsewhere [`attach`] and [`examine`] refuse.

mod delivery;
mod leftover;
mod outcome;
mod process;
mod refusal;
mod version;

#[cfg(target_arch = "x86_64")]
mod attach;
#[cfg(target_arch = "x86_64")]
mod boot;
#[cfg(target_arch = "x86_64")]
mod borrow;
#[cfg(target_arch = "x86_64")]
mod elf;
#[cfg(target_arch = "x86_64")]
mod frame;
#[cfg(target_arch = "x86_64")]
mod maps;
#[cfg(target_arch = "x86_64")]
mod memory;
#[cfg(target_arch = "x86_64")]
mod nudge;
#[cfg(target_arch = "x86_64")]
mod priority;
#[cfg(target_arch = "x86_64")]
mod ptrace;
#[cfg(target_arch = "x86_64")]
mod remote_exec;
#[cfg(target_arch = "x86_64")]
mod runtime;
#[cfg(target_arch = "x86_64")]
mod scratch;
#[cfg(target_arch = "x86_64")]
mod site;
#[cfg(target_arch = "x86_64")]
mod stub;
#[cfg(target_arch = "x86_64")]
mod thread_choice;

#[cfg(not(target_arch = "x86_64"))]
#[path = "unsupported.rs"]
mod attach;

pub use attach::{attach, examine};
pub use delivery::shares_files;
pub use outcome::{Attached, Method, Options, Pause};
pub use process::{Process, all};
pub use refusal::{Refusal, Sort};
pub use version::Version;
