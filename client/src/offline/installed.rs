//! Which distributions are installed in an interpreter's folders, by the names of their metadata.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Versions by normalised name; where a name occurs twice, the folder searched first counts.
pub struct Installed(HashMap<String, String>);

impl Installed {
    /// Looks into the folders of `sys.path`.
    #[must_use]
    pub fn find(search_path: &[String]) -> Self {
        let mut versions = HashMap::new();
        for folder in search_path {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if let Some((name, version)) = distribution(&name, &entry.path()) {
                    versions.entry(normalised(&name)).or_insert(version);
                }
            }
        }
        Self(versions)
    }

    /// The version of a distribution.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<String> {
        self.0.get(&normalised(name)).cloned()
    }
}

/// Name and version that a metadata folder or file stands for. Versions have no hyphens (PEP 427, PEP 625).
fn distribution(file_name: &str, path: &Path) -> Option<(String, String)> {
    let stem = file_name.strip_suffix(".dist-info").or_else(|| file_name.strip_suffix(".egg-info"))?;
    let mut parts = stem.split('-');
    match (parts.next()?, parts.next()) {
        (name, Some(version)) => Some((name.to_owned(), version.to_owned())),
        (name, None) => Some((name.to_owned(), stated_version(&path.join("PKG-INFO"))?)),
    }
}

fn stated_version(metadata: &Path) -> Option<String> {
    let text = fs::read_to_string(metadata).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Version:")).map(|version| version.trim().to_owned())
}

/// PEP 503: lower case, runs of `-`, `_` and `.` are one `-`.
fn normalised(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::Installed;
    use std::fs;

    #[test]
    fn reads_every_form_of_metadata() {
        let folder = tempfile::tempdir().expect("makes a folder");
        for name in ["Some_Thing-1.2.dist-info", "old-3.4-py3.9.egg-info", "work.egg-info", "x.py"] {
            fs::create_dir(folder.path().join(name)).expect("makes a folder");
        }
        let metadata = folder.path().join("work.egg-info/PKG-INFO");
        fs::write(metadata, "Name: work\nVersion: 5.6\n").expect("writes");
        let installed = Installed::find(&[folder.path().display().to_string(), "/nowhere".into()]);
        assert_eq!(installed.version("some.thing").as_deref(), Some("1.2"));
        assert_eq!(installed.version("old").as_deref(), Some("3.4"));
        assert_eq!(installed.version("work").as_deref(), Some("5.6"));
        assert_eq!(installed.version("x"), None);
    }
}
