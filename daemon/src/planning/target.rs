//! The target of a module: its original with patches applied. Composed once for each original and patch
//! set; the text itself lies in the content store.

use super::texts::Texts;
use crate::registry::Entry;
use patchctl_planner::{Contribution, Patch, compose, digest};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::{Reason, Refusal};
use std::sync::Arc;

/// What a target is composed of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetKey {
    pub module: String,
    pub is_package: bool,
    pub original: Digest,
    /// In order of application.
    pub patches: Vec<Arc<PatchRef>>,
}

/// A composed target.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Digest of the text.
    pub digest: Digest,
    pub applied: Vec<String>,
    pub skipped: Vec<(String, Refusal)>,
    pub notes: Vec<String>,
    pub contributions: Vec<Contribution>,
    /// Path of a readable copy; empty where the target is the original.
    pub filename: String,
}

impl Target {
    /// Composes the target and stores its text.
    #[must_use]
    pub fn compose(key: &TargetKey, entries: &[Arc<Entry>], texts: &Texts) -> Self {
        let original = || Self { digest: key.original.clone(), ..Self::default() };
        if entries.is_empty() {
            return original();
        }
        let Some(text) = texts.get(&key.original) else {
            let refusal = Refusal::new(Reason::Internal, format!("the text of {} was lost", key.module));
            let skipped = entries.iter().map(|entry| (entry.id().to_owned(), refusal.clone())).collect();
            return Self { skipped, ..original() };
        };
        let patches: Vec<&Patch> = entries.iter().filter_map(|entry| entry.patch.as_deref()).collect();
        let composed = compose(&key.module, key.is_package, &text, &patches);
        let target = Self {
            digest: digest(composed.text.as_bytes()),
            applied: composed.applied,
            skipped: composed.skipped,
            notes: composed.notes,
            contributions: composed.contributions,
            filename: String::new(),
        };
        texts.put(&target.digest, &composed.text);
        if target.digest == key.original { target } else { target.shown(key, &composed.text, texts) }
    }

    fn shown(self, key: &TargetKey, text: &str, texts: &Texts) -> Self {
        match texts.show(&self.digest, &key.module, key.is_package, text) {
            Ok(path) => Self { filename: path.to_string_lossy().into_owned(), ..self },
            Err(error) => {
                tracing::warn!(
                    module = key.module,
                    "failed to write the patched text for tracebacks: {error}"
                );
                self
            }
        }
    }

    /// Estimated memory in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let skipped: usize =
            self.skipped.iter().map(|(id, refusal)| id.len() + refusal.detail.len() + 64).sum();
        let lines: usize = self.contributions.iter().map(|one| one.patch.len() + 40).sum();
        512 + skipped + lines
    }
}
