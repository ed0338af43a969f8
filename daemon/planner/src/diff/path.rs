//! File names as they stand in the header lines of a diff.

/// The file name behind `--- ` or `+++ `: without timestamp and quotes; `None` for `/dev/null`.
pub(super) fn name(rest: &str) -> Option<String> {
    let rest = rest.trim_end_matches('\r');
    let name = if rest.starts_with('"') {
        unquote(rest)
    } else {
        rest.split('\t').next().unwrap_or(rest).trim_end().to_owned()
    };
    (name != "/dev/null").then_some(name)
}

/// The two names of a line `diff --git a/x b/x`, without their prefixes; `None` where they can't be told
/// apart (other names are given by the lines that follow).
pub(super) fn git_names(rest: &str) -> Option<(String, String)> {
    if let Some(inner) = rest.strip_prefix('"') {
        let end = inner.find("\" ")? + 2;
        return Some((unquote(&rest[..end]), name(rest[end..].trim_start())?));
    }
    let middle = rest.match_indices(' ').map(|(at, _)| at);
    let same = |at: &usize| without_prefix(&rest[..*at]) == without_prefix(&rest[at + 1..]);
    let at = middle.clone().find(same).or_else(|| middle.clone().next().filter(|_| middle.count() == 1))?;
    Some((rest[..at].to_owned(), rest[at + 1..].to_owned()))
}

fn without_prefix(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, rest)| rest)
}

/// Takes the leading folders off both names: `strip` of them where given, else the `a/` and `b/` of Git
/// (or its mnemonic letters), else, where the names differ in their first folder alone, that folder.
pub(super) fn strip(
    old: Option<String>,
    new: Option<String>,
    count: Option<u32>,
) -> (Option<String>, Option<String>) {
    if let Some(count) = count {
        let cut = |name: String| components_off(&name, count);
        return (old.map(cut), new.map(cut));
    }
    let letter = |name: &Option<String>| name.as_deref().is_none_or(has_letter);
    let differ = match (&old, &new) {
        (Some(old), Some(new)) => old != new && without_prefix(old) == without_prefix(new),
        _ => false,
    };
    if letter(&old) && letter(&new) || differ {
        let cut = |name: String| components_off(&name, 1);
        return (old.map(cut), new.map(cut));
    }
    (old, new)
}

/// Git's prefixes: `a/` and `b/`; with `diff.mnemonicPrefix` also commit, index, worktree and object.
fn has_letter(name: &str) -> bool {
    let mut bytes = name.bytes();
    matches!(bytes.next(), Some(b'a' | b'b' | b'c' | b'i' | b'w' | b'o')) && bytes.next() == Some(b'/')
}

fn components_off(name: &str, count: u32) -> String {
    let mut rest = name;
    for _ in 0..count {
        rest = without_prefix(rest);
    }
    rest.to_owned()
}

/// Takes the quotes and C escapes off a name as Git writes it.
fn unquote(text: &str) -> String {
    let inner = text.trim_start_matches('"');
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => bytes.push(escape(&mut rest)),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn escape(rest: &mut std::iter::Peekable<std::str::Bytes<'_>>) -> u8 {
    let Some(first) = rest.next() else { return b'\\' };
    let mut value = match first {
        b'n' => return b'\n',
        b't' => return b'\t',
        b'0'..=b'7' => first - b'0',
        other => return other,
    };
    for _ in 0..2 {
        let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
        value = value.wrapping_mul(8).wrapping_add(digit - b'0');
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        assert_eq!(name("a/x.py\t2024-01-01 00:00"), Some("a/x.py".into()));
        assert_eq!(name("/dev/null"), None);
        assert_eq!(name("\"a/caf\\303\\251.py\""), Some("a/café.py".into()));
        let both = git_names("a/my file.py b/my file.py");
        assert_eq!(both, Some(("a/my file.py".into(), "b/my file.py".into())));
    }

    #[test]
    fn strips_prefixes() {
        let pair = |old: &str, new: &str, count| {
            let (old, new) = strip(Some(old.into()), Some(new.into()), count);
            (old.unwrap_or_default(), new.unwrap_or_default())
        };
        let same = |name: &str| (name.to_owned(), name.to_owned());
        assert_eq!(pair("a/pkg/x.py", "b/pkg/x.py", None), same("pkg/x.py"));
        assert_eq!(pair("pkg/x.py", "pkg/x.py", None), same("pkg/x.py"));
        assert_eq!(pair("p-1.0/pkg/x.py", "p-1.1/pkg/x.py", None), same("pkg/x.py"));
        assert_eq!(pair("q/a/pkg/x.py", "q/a/pkg/x.py", Some(2)), same("pkg/x.py"));
        assert_eq!(strip(None, Some("b/new.py".into()), None), (None, Some("new.py".into())));
    }
}
