//! Names in the patch folder: which files are patches, which are switched off, and which ids are good.

/// Suffix of a patch file that is switched off.
pub const DISABLED: &str = ".disabled";
const SUFFIXES: [&str; 4] = ["diff", "patch", "py", "toml"];
const LONGEST_ID: usize = 128;

/// A file name of the patch folder, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// Without `.disabled`: what the parser is told.
    pub plain: &'a str,
    pub stem: &'a str,
    pub disabled: bool,
}

/// Takes a file name apart; `None` for files that are none of ours: other suffixes, dot files, and what
/// editors leave behind.
#[must_use]
pub fn patch_file(name: &str) -> Option<Name<'_>> {
    let (plain, disabled) = match name.strip_suffix(DISABLED) {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let (stem, suffix) = plain.rsplit_once('.')?;
    let ours = SUFFIXES.contains(&suffix) && !stem.is_empty() && !stem.starts_with(['.', '#']);
    ours.then_some(Name { plain, stem, disabled })
}

/// The file's name in the patch folder for a patch with this id, given the name it came with.
///
/// # Errors
/// That the suffix is none that a patch has.
pub fn file_name(id: &str, given: &str) -> Result<String, String> {
    match given.rsplit_once('.') {
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => Ok(format!("{id}.{suffix}")),
        _ => Err(format!("{given}: a patch file ends in .diff, .patch, .py or .toml")),
    }
}

/// # Errors
/// What is wrong with an id: it names a file, and stands in tables and commands.
pub fn check_id(id: &str) -> Result<(), String> {
    let plain = |c: char| c.is_alphanumeric() || "._+-".contains(c);
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(format!("an id has 1 to {LONGEST_ID} bytes, not {}", id.len()));
    }
    if let Some(odd) = id.chars().find(|c| !plain(*c)) {
        return Err(format!("{id:?} is no id: {odd:?} is neither a letter, a digit nor one of . _ + -"));
    }
    if id.starts_with(['.', '-']) || id.ends_with(DISABLED) {
        return Err(format!("{id:?} is no id: it starts with '.' or '-', or ends in {DISABLED}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check_id, file_name, patch_file};

    #[test]
    fn takes_patch_files_and_passes_over_the_rest() {
        for name in ["a.diff", "a.patch", "a.b.py", "a.toml"] {
            assert!(!patch_file(name).expect(name).disabled);
        }
        let off = patch_file("a.b.py.disabled").expect("is one");
        assert!(off.disabled && off.plain == "a.b.py" && off.stem == "a.b");
        for name in
            [".a.diff.swp", ".hidden.py", "#a.py#", "a.py~", "README.md", "a", ".py", "4913", "a.diff.tmp"]
        {
            assert_eq!(patch_file(name), None, "{name}");
        }
    }

    #[test]
    fn an_id_is_a_file_name_and_nothing_else() {
        for id in ["fix", "CVE-2023-43804", "a.b_c+d", "späße"] {
            check_id(id).expect(id);
        }
        for id in ["", "../x", "a/b", ".x", "-x", "a b", "a\n", "x.disabled", &"x".repeat(200)] {
            assert!(check_id(id).is_err(), "{id:?}");
        }
        assert_eq!(file_name("fix", "upstream.patch"), Ok("fix.patch".into()));
        assert!(file_name("fix", "upstream.txt").is_err());
    }
}
