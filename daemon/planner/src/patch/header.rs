//! The header of a patch file: who made it, for what, and to which processes it applies.

use patchctl_protocol::client::HeaderInfo;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::plan::Manner;
use pep440_rs::VersionSpecifiers;
use pep508_rs::{Requirement, VerbatimUrl};
use std::collections::BTreeMap;

/// What a patch's header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Given by the file's stem where the header has none.
    pub id: Option<String>,
    /// Dotted name of the target module.
    pub module: Option<String>,
    /// `enabled = false` keeps a patch out of all processes.
    pub enabled: bool,
    /// Distributions and versions that must be installed in the target (PEP 508).
    pub requires: Vec<Requirement<VerbatimUrl>>,
    /// Interpreter versions (PEP 440 specifiers).
    pub python: Option<VersionSpecifiers>,
    /// Qualname to the digest of the function's normalised syntax tree.
    pub fingerprint: BTreeMap<String, Digest>,
    pub reason: Option<String>,
    pub cve: Option<String>,
    pub author: Option<String>,
    pub url: Option<String>,
    pub processes: Processes,
    /// Seconds since the epoch.
    pub expires: Option<f64>,
    /// Smaller is applied earlier.
    pub order: i64,
    /// Ids of patches that stand aside where this one applies.
    pub replaces: Vec<String>,
    /// Ids of patches that must apply too, before this one.
    pub needs: Vec<String>,
    /// Dotted names of values to compute anew, or `all`.
    pub renew: Vec<String>,
    /// Leading folders to take off file names in a diff; found out where not given.
    pub strip: Option<u32>,
    /// Whether caches (`functools.lru_cache`) of functions that it affects are cleared.
    pub clear_caches: bool,
    /// How long to wait, in seconds, for a moment at which no call of what it changes is under way.
    pub quiesce: Option<f64>,
    /// Whether it is put in after that time even so.
    pub force: bool,
}

/// Which processes a patch is meant for; what is not given matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// Pattern (`*`, `?`, `[...]`) over the command line, its words joined by blanks.
    pub cmdline: Option<String>,
    /// Name or number of the user.
    pub user: Option<String>,
    /// Folder of the Python environment (`sys.prefix`), a pattern as well.
    pub prefix: Option<String>,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            id: None,
            module: None,
            enabled: true,
            requires: Vec::new(),
            python: None,
            fingerprint: BTreeMap::new(),
            reason: None,
            cve: None,
            author: None,
            url: None,
            processes: Processes::default(),
            expires: None,
            order: 0,
            replaces: Vec::new(),
            needs: Vec::new(),
            renew: Vec::new(),
            strip: None,
            clear_caches: false,
            quiesce: None,
            force: false,
        }
    }
}

impl Header {
    /// How the patch of this id is brought in.
    #[must_use]
    pub fn manner(&self, id: &str) -> Manner {
        Manner {
            patch: id.to_owned(),
            clear_caches: self.clear_caches,
            quiesce: self.quiesce,
            force: self.force,
        }
    }

    /// The header as far as people ask for it.
    #[must_use]
    pub fn info(&self) -> HeaderInfo {
        HeaderInfo {
            requires: self.requires.iter().map(ToString::to_string).collect(),
            python: self.python.as_ref().map(ToString::to_string),
            reason: self.reason.clone(),
            cve: self.cve.clone(),
            author: self.author.clone(),
            url: self.url.clone(),
            expires: self.expires,
            order: self.order,
            replaces: self.replaces.clone(),
            needs: self.needs.clone(),
            renew: self.renew.clone(),
            clear_caches: self.clear_caches,
            quiesce: self.quiesce,
            force: self.force,
        }
    }
}
