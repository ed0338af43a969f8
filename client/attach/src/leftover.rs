//! Folders of attaches that were killed before they could remove theirs: the next attach does.
//!
//! A folder says who uses it by a lock, which the kernel takes back however its holder ends, in any namespace
//! of processes. What a killed attach asked for may still be under way in the target, so its folder stays for
//! an hour.

use crate::delivery::{self, PREFIX, lock};
use crate::process::Process;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

const AGE: Duration = Duration::from_secs(3600);
/// An attach looks at no more entries than this, so that a full folder does not hold it up.
const MOST_ENTRIES: usize = 10_000;

/// Removes what killed attaches left where those to this process have their folders.
pub fn remove(process: &Process) {
    for place in delivery::places(process) {
        for entry in fs::read_dir(place).into_iter().flatten().take(MOST_ENTRIES).flatten() {
            if is_ours(&entry.file_name().to_string_lossy()) && is_left_behind(&entry.path(), process) {
                // It is private to a user who may remove it as well; links in it are not followed.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Whether a name has the form that attaches give: process and moment.
fn is_ours(name: &str) -> bool {
    let words = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    words.is_some_and(|(pid, moment)| pid.parse::<u32>().is_ok() && u128::from_str_radix(moment, 16).is_ok())
}

/// Whether it is an old private folder of this user or the target's, which nobody uses.
fn is_left_behind(path: &Path, process: &Process) -> bool {
    // SAFETY: takes nothing, and can't fail.
    let own = unsafe { libc::geteuid() };
    let is_old_and_private = |data: &fs::Metadata| {
        let owned = data.uid() == own || data.uid() == process.uid;
        let old = data.modified().ok().and_then(|moment| moment.elapsed().ok()).is_some_and(|age| age > AGE);
        data.is_dir() && owned && data.mode() & 0o077 == 0 && old
    };
    fs::symlink_metadata(path).is_ok_and(|data| is_old_and_private(&data)) && lock(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn knows_names_of_attaches() {
        assert!(is_ours("patchctl-attach-10500-18ea7909e4b6c271"));
        for other in ["patchctl-attach-", "patchctl-attach-1", "patchctl-attach-x-1", "patchctl-0", "shop"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
