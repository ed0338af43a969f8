//! The two packages that the demo can use: a real release from the registry, and a sample that this
//! program carries. What is done with them stands in [`super::environment`].

/// A hole, its package, and what shows it.
pub struct Flaw {
    /// Id of the patch.
    pub id: &'static str,
    /// What goes wrong, as a sentence.
    pub about: &'static str,
    pub origin: Origin,
    /// The file that the fix changes, relative to site-packages.
    pub file: &'static str,
    /// The patch's header lines between `# /// patch` and `# ///`.
    pub header: &'static [&'static str],
    /// Source of the long-running application.
    pub application: &'static str,
}

/// Where the package comes from.
pub enum Origin {
    /// Two releases of a distribution in the registry.
    Registry { name: &'static str, vulnerable: &'static str, fixed: &'static str },
    /// The file's text before and after the fix.
    Carried { vulnerable: &'static str, fixed: &'static str },
}

/// urllib3 before 1.26.17 sends a Cookie header on to another host when it follows a redirect.
pub const URLLIB3: Flaw = Flaw {
    id: "urllib3-cookie-leak",
    about: "CVE-2023-43804: when urllib3 follows a redirect to another host, it hands the Cookie header over.",
    origin: Origin::Registry { name: "urllib3", vulnerable: "1.26.16", fixed: "1.26.17" },
    file: "urllib3/util/retry.py",
    header: &[
        "requires = [\"urllib3>=1.26,<1.26.17\"]",
        "cve = \"CVE-2023-43804\"",
        "reason = \"cookies leak on a redirect to another host\"",
    ],
    application: include_str!("urllib3_app.py"),
};

/// A sample package that hands out files outside of its folder.
pub const SAMPLE: Flaw = Flaw {
    id: "parcel-traversal",
    about: "The sample package parcel hands out files outside of the folder that it serves.",
    origin: Origin::Carried {
        vulnerable: include_str!("sample/vulnerable.py"),
        fixed: include_str!("sample/fixed.py"),
    },
    file: "parcel.py",
    header: &["reason = \"files outside of the served folder can be read\""],
    application: include_str!("sample/app.py"),
};

impl Flaw {
    /// The header as it stands at the top of the diff.
    #[must_use]
    pub fn header_block(&self) -> String {
        let lines: Vec<String> = self.header.iter().map(|line| format!("# {line}\n")).collect();
        format!("# /// patch\n{}# ///\n", lines.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, Origin, SAMPLE, URLLIB3};
    use crate::looking::for_file;

    fn parsed(flaw: &Flaw, vulnerable: &str, fixed: &str) -> patchctl_planner::Patch {
        let diff = flaw.header_block() + &for_file(flaw.file, vulnerable, fixed);
        patchctl_planner::parse(&format!("{}.diff", flaw.id), diff.as_bytes(), None).expect("parses")
    }

    #[test]
    fn the_diffs_are_patches() {
        let Origin::Carried { vulnerable, fixed } = SAMPLE.origin else { panic!("the sample is carried") };
        let patch = parsed(&SAMPLE, vulnerable, fixed);
        assert_eq!((patch.id.as_str(), patch.modules.as_slice()), (SAMPLE.id, &["parcel".to_owned()][..]));
        let patch = parsed(&URLLIB3, "a = 1\n", "a = 2\n");
        assert_eq!(patch.modules, ["urllib3.util.retry"]);
        assert_eq!(patch.header.requires.len(), 1);
    }
}
