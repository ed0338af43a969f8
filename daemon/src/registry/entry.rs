//! One registered patch.

use patchctl_planner::Patch;
use patchctl_protocol::client::{PatchInfo, PatchKind};
use patchctl_protocol::plan::PatchRef;
use std::path::PathBuf;
use std::sync::Arc;

/// A patch file of the folder and what is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id and digest, shared by everything that names this patch at this content.
    pub reference: Arc<PatchRef>,
    /// Name in the patch folder.
    pub file: String,
    /// Target of a symbolic link.
    pub link: Option<PathBuf>,
    /// Name of the trusted key that signed it.
    pub signed_by: Option<String>,
    /// Whose patch: the owner of the file.
    pub owner: u32,
    pub enabled: bool,
    /// The last version that could be read; `None` if there was none yet.
    pub patch: Option<Arc<Patch>>,
    /// Why the file can't be read, if so.
    pub broken: Option<String>,
    /// Its time has passed.
    pub expired: bool,
    pub added_by: Option<u32>,
    /// Seconds since the epoch.
    pub added_at: Option<f64>,
}

impl Entry {
    #[must_use]
    pub fn id(&self) -> &str {
        &self.reference.id
    }

    /// The patch, if processes are to have it.
    #[must_use]
    pub fn in_effect(&self) -> Option<&Arc<Patch>> {
        self.patch.as_ref().filter(|_| self.enabled && !self.expired)
    }

    /// When it leaves by itself, in seconds since the epoch.
    #[must_use]
    pub fn expires(&self) -> Option<f64> {
        self.patch.as_ref()?.header.expires
    }

    /// For clients.
    #[must_use]
    pub fn info(&self) -> PatchInfo {
        let patch = self.patch.as_deref();
        PatchInfo {
            id: self.id().to_owned(),
            digest: self.reference.digest.clone(),
            kind: patch.map_or_else(|| kind_of(&self.file), |patch| patch.kind),
            file: self.file.clone(),
            link: self.link.as_ref().map(|path| path.to_string_lossy().into_owned()),
            enabled: self.enabled,
            expired: self.expired,
            signed_by: self.signed_by.clone(),
            broken: self.broken.clone(),
            modules: patch.map(|patch| patch.modules.clone()).unwrap_or_default(),
            header: patch.map(|patch| patch.header.info()).unwrap_or_default(),
            added_by: self.added_by,
            added_at: self.added_at,
            passed_over: patch.map(|patch| patch.passed_over.clone()).unwrap_or_default(),
        }
    }
}

/// The kind by the file's name, for a file that can't be read.
fn kind_of(file: &str) -> PatchKind {
    match file.trim_end_matches(super::naming::DISABLED).rsplit_once('.') {
        Some((_, "py")) => PatchKind::Python,
        Some((_, "toml")) => PatchKind::Edits,
        _ => PatchKind::Diff,
    }
}
