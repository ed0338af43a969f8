//! What `patchd` is told on its command line.

use clap::{Parser, ValueEnum};
use patchctl_protocol::location::{HOME_VARIABLE, Location};
use std::path::PathBuf;

/// The daemon of patchctl: keeps the patches and brings them into every linked Python process.
///
/// It stays in the foreground; `patchctl` starts it when it is needed.
#[derive(Debug, Parser)]
#[command(name = "patchd", version)]
pub struct Options {
    /// Keep everything (socket, patches, history) under this folder.
    #[arg(long, value_name = "DIR", env = HOME_VARIABLE, conflicts_with_all = ["machine", "user"])]
    pub home: Option<PathBuf>,
    /// Serve the whole machine (root only).
    #[arg(long, conflicts_with = "user")]
    pub machine: bool,
    /// Serve the processes of this user, also as root.
    #[arg(long)]
    pub user: bool,
    /// Stay in the foreground, which it does anyway.
    #[arg(long)]
    pub foreground: bool,
    /// Append log lines to `patchd.log` in the state folder instead of writing them to standard error.
    #[arg(long)]
    pub log_file: bool,
    /// How much to log.
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: LogLevel,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl Options {
    /// The places that these options and the environment name.
    #[must_use]
    pub fn location(&self, uid: u32) -> Location {
        let environment = |name: &str| std::env::var_os(name);
        match &self.home {
            Some(folder) => Location::home(&std::path::absolute(folder).unwrap_or_else(|_| folder.clone())),
            None if self.machine => Location::machine(),
            None if self.user => Location::user(uid, &environment),
            None => Location::of_process(uid, &environment),
        }
    }
}
