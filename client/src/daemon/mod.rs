//! The daemon as seen from here: reaching it, asking it, starting it. What is asked stands in the commands.

mod connection;
mod launch;
mod log;
mod places;

pub use connection::Connection;
pub use launch::{Launch, patchd_program};
pub use log::{log_path, tail};
pub use places::Places;
