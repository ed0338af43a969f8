//! The process that asks: what guards and source look-up need to know of it.

use crate::process::{Process, user_name};
use patchctl_protocol::hook::Hello;
use std::path::PathBuf;

/// A process with what its hook said of itself.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    pub process: Process,
    pub user: String,
    pub hello: Hello,
    /// The folders of its `sys.path`.
    pub folders: Vec<PathBuf>,
}

impl Asker {
    #[must_use]
    pub fn new(process: Process, hello: Hello) -> Self {
        let folders =
            hello.search_path.iter().filter(|path| path.starts_with('/')).map(PathBuf::from).collect();
        Self { user: user_name(process.uid), process, hello, folders }
    }
}
