//! The index file: the names of all modules that have patches, written by the daemon beside its socket,
//! read by each starting interpreter instead of waiting for a reply.
//!
//! Form: a line `patchctl-index 1 REVISION`, then one module name a line, sorted, then a line `end`. It is
//! replaced atomically, so a file without its last line is not one of ours.

/// Name of the file in the runtime folder.
pub const FILE_NAME: &str = "index";

/// The index's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    pub revision: u64,
    pub modules: Vec<String>,
}

impl Index {
    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("patchctl-index 1 {}\n", self.revision);
        for name in &self.modules {
            text.push_str(name);
            text.push('\n');
        }
        text.push_str("end\n");
        text
    }

    /// Reads the text; `None` if it is not a whole index of this version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_suffix("end\n")?;
        let mut lines = body.lines();
        let revision = lines.next()?.strip_prefix("patchctl-index 1 ")?.parse().ok()?;
        Some(Self { revision, modules: lines.map(str::to_owned).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn reads_what_it_writes() {
        let index = Index { revision: 7, modules: vec!["a.b".into(), "c".into()] };
        assert_eq!(Index::parse(&index.to_text()), Some(index));
    }

    #[test]
    fn refuses_a_torn_file() {
        let text = Index { revision: 7, modules: vec!["a.b".into()] }.to_text();
        for cut in 0..text.len() {
            assert_eq!(Index::parse(&text[..cut]), None, "cut at {cut}");
        }
    }
}
