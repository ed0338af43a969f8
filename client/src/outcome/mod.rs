//! What became of a change in the processes: its lines, its summary, its exit code. Asking for the change
//! is up to the commands.

mod report;
mod summary;

pub use report::Report;
