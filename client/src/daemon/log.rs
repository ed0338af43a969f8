//! The log of a daemon that `patchctl` started: where it is, and its last lines.

use patchctl_protocol::location::Location;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Most of the file that is read to find the last lines, in bytes.
const WINDOW: u64 = 256 << 10;

/// The log's path.
#[must_use]
pub fn log_path(location: &Location) -> PathBuf {
    location.state.join("patchd.log")
}

/// The last `count` lines of a file, however long it is.
///
/// # Errors
/// That it can't be read.
pub fn tail(path: &Path, count: usize) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
    let mut bytes = Vec::new();
    file.take(WINDOW).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(count);
    Ok(lines[first..].iter().flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::{WINDOW, tail};

    #[test]
    fn gives_the_last_lines_of_a_long_file() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("log");
        let line = "x".repeat(1000);
        let mut text = format!("{line}\n").repeat(usize::try_from(WINDOW / 500).expect("fits"));
        text.push_str("one\ntwo\n");
        std::fs::write(&path, text).expect("writes");
        assert_eq!(tail(&path, 2).expect("reads"), "one\ntwo\n");
        assert_eq!(tail(&path, 0).expect("reads"), "");
    }
}
