//! What a module originally is: its source text, as far as the daemon can have it.

use super::source::Sources;
use super::texts::Texts;
use crate::registry::View;
use patchctl_planner::digest;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{LoaderKind, ModuleFacts, Phase};
use std::path::Path;

/// A module's original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Original {
    /// Its text is in the content store, under this digest.
    Text(Digest),
    /// It has none: a patch brings the module along. The digest is that of the empty text.
    New(Digest),
    /// A `.pyc` without source.
    Sourceless,
    /// Not Python code.
    Native,
    /// The text is with the process only.
    Unread,
    /// The text that the process was started with is in no place any more.
    Lost,
}

impl Original {
    /// Finds the original of a module as a process has it.
    #[must_use]
    pub fn find(facts: &ModuleFacts, phase: Phase, uid: u32, view: &View, from: (&Sources, &Texts)) -> Self {
        let (sources, texts) = from;
        if let Some(text) = &facts.source {
            return Self::store(text, texts);
        }
        let known = facts.original.as_ref().filter(|known| texts.get(known).is_some());
        match (known, phase) {
            (Some(known), Phase::Live) => return Self::Text(known.clone()),
            (None, Phase::Live) if facts.original.is_some() && facts.running.is_some() => return Self::Lost,
            _ => {}
        }
        match facts.loader {
            LoaderKind::Native => return Self::Native,
            LoaderKind::Sourceless => return Self::Sourceless,
            _ => {}
        }
        let Some(origin) = &facts.origin else {
            return if is_new(&facts.name, view) { Self::store_new(texts) } else { Self::Unread };
        };
        let path = Path::new(origin);
        match sources.read(path, uid) {
            Some((digest, Some(text))) => {
                texts.put(&digest, &text);
                Self::Text(digest)
            }
            Some((digest, None)) if texts.get(&digest).is_some() => Self::Text(digest),
            Some(_) => sources.text(path).map_or(Self::Unread, |text| Self::store(&text, texts)),
            None => known.map_or(Self::Unread, |known| Self::Text(known.clone())),
        }
    }

    fn store(text: &str, texts: &Texts) -> Self {
        let digest = digest(text.as_bytes());
        texts.put(&digest, text);
        Self::Text(digest)
    }

    fn store_new(texts: &Texts) -> Self {
        let empty = digest(b"");
        texts.put(&empty, "");
        Self::New(empty)
    }

    /// Digest of the original text, if there is one.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Text(digest) | Self::New(digest) => Some(digest),
            _ => None,
        }
    }
}

/// Whether a patch brings this module along as a new file.
fn is_new(module: &str, view: &View) -> bool {
    view.of_module(module)
        .any(|(entry, _)| entry.patch.as_ref().is_some_and(|patch| patch.new_module(module).is_some()))
}
