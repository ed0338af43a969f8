//! The option that all commands of `patchctl hook` take.

use std::path::PathBuf;

/// Which interpreter.
#[derive(clap::Args)]
pub struct Target {
    /// The interpreter, or the folder of a virtual environment
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub python: PathBuf,
}
