//! Code that was found: where, in which version, and what it was before its patches.

use crate::exit::Exit;
use crate::output::Output;
use crate::wording::count;
use patchctl_codeobject::{CodeObject, Version};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What was found, and where there was nothing.
#[derive(Default)]
pub struct Found {
    pub subjects: Vec<Subject>,
    pub others: Vec<Other>,
}

/// One code, of all processes that run the very same.
pub struct Subject {
    pub home: Home,
    /// As in `sys.version_info`, as far as it is known.
    pub python: String,
    pub version: Version,
    pub live: Code,
    /// What it was, where that is something else.
    pub original: Option<Code>,
    /// A patch made it: there is no original.
    pub is_new: bool,
    /// The process never had the original: its module was imported patched as a whole.
    pub is_original_absent: bool,
    pub patches: Vec<String>,
}

/// A code object and the text it stands in.
#[derive(Clone)]
pub struct Code {
    pub object: CodeObject,
    /// Text of the whole file, if it is known.
    pub text: Option<Arc<str>>,
}

/// Where code is.
#[derive(Clone)]
pub enum Home {
    Processes(Vec<u32>),
    Interpreter(String),
    File(String),
}

/// A process that has no such code.
#[derive(Clone, Serialize)]
pub struct Other {
    pub pid: u32,
    /// `not-loaded`, `not-found`, `not-python`, `too-large`, `failed` or `unanswered`.
    pub answer: &'static str,
    pub detail: String,
    /// Whether that is a failure rather than a fact.
    pub is_failure: bool,
}

impl Found {
    /// Says of the processes that have no such code why.
    pub fn tell_others(&self, output: &mut Output) {
        for other in &self.others {
            output.talk(format_args!("process {}: {}", other.pid, other.detail));
        }
    }

    /// Whether every process could be looked at.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.others.iter().any(|other| other.is_failure) { Exit::Failed } else { Exit::Ok }
    }
}

impl Subject {
    /// What it was before its patches, or what it is; says so where that is not in the process.
    pub fn before(&self, output: &mut Output) -> Option<&Code> {
        if self.is_original_absent {
            output.talk("the process has no original: its module was imported patched as a whole");
            return None;
        }
        if self.is_new {
            output.talk("there is no original: a patch made it");
            return None;
        }
        Some(self.original.as_ref().unwrap_or(&self.live))
    }

    /// What JSON documents say of it beside the code.
    #[must_use]
    pub fn facts(&self) -> Value {
        let mut document = json!({
            "python": self.python,
            "file": self.live.object.filename.to_string(),
            "patches": self.patches,
            "new": self.is_new,
            "original_absent": self.is_original_absent,
        });
        match &self.home {
            Home::Processes(pids) => document["pids"] = json!(pids),
            Home::Interpreter(path) => document["interpreter"] = json!(path),
            Home::File(path) => document["file"] = json!(path),
        }
        document
    }

    /// Where, in words.
    #[must_use]
    pub fn whereabouts(&self) -> String {
        let place = match &self.home {
            Home::Processes(pids) => {
                let all: Vec<String> = pids.iter().map(u32::to_string).collect();
                format!("{} ({})", count(pids.len(), "process"), all.join(", "))
            }
            Home::Interpreter(path) | Home::File(path) => path.clone(),
        };
        let patched = match (&self.patches[..], &self.original) {
            ([], None) => String::new(),
            ([], Some(_)) => ", changed".to_owned(),
            (patches, _) if self.is_new => format!(", made by {}", patches.join(", ")),
            (patches, _) => format!(", patched by {}", patches.join(", ")),
        };
        format!("{place}, CPython {}{patched}", self.python)
    }
}
