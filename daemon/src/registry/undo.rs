//! Takes back changes of the patch folder that can't be completed.

use super::folder::Folder;
use patchctl_planner::LARGEST_PATCH;
use std::fs;
use std::path::PathBuf;

/// How to take back changes of the folder.
#[derive(Debug, Default)]
pub struct Undo {
    pub written: Vec<String>,
    /// Names now and before.
    pub renamed: Vec<(String, String)>,
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: String,
    owner: u32,
    link: Option<PathBuf>,
    /// `None` for what is no file that can be read: it does not come back.
    content: Option<Vec<u8>>,
}

impl Undo {
    /// Remembers a file before it is overwritten or removed.
    pub fn keep(&mut self, folder: &Folder, file: &str, owner: u32) {
        let path = folder.path_of(file);
        let link = fs::read_link(&path).ok();
        let readable =
            fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= LARGEST_PATCH);
        let content = if readable { fs::read(&path).ok() } else { None };
        self.kept.push(Kept { file: file.to_owned(), owner, link, content });
    }

    /// Puts everything back as it was, as far as the file system lets it.
    pub fn run(&self, folder: &mut Folder) {
        for file in &self.written {
            let _ = folder.remove(file);
        }
        for (now, before) in self.renamed.iter().rev() {
            let _ = folder.rename(now, before);
        }
        for kept in &self.kept {
            let done = match (&kept.link, &kept.content) {
                (Some(target), _) => folder.link(&kept.file, target, kept.owner),
                (None, Some(content)) => folder.write(&kept.file, content, kept.owner),
                (None, None) => Ok(()),
            };
            if let Err(error) = done {
                tracing::error!(file = kept.file, "failed to take a change back: {error}");
            }
        }
    }
}
