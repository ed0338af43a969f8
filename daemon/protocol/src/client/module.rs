//! Modules, as clients are told of them.

use crate::plan::Plan;
use crate::state::Refusal;
use serde::{Deserialize, Serialize};

/// One module of a checked patch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedModule {
    pub module: String,
    pub file: Option<String>,
    pub refusal: Option<Refusal>,
    /// How each hunk was placed, near misses, files passed over.
    pub notes: Vec<String>,
    pub plan: Option<Plan>,
}

/// Texts of one module, for `diff`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleTexts {
    pub module: String,
    pub file: Option<String>,
    pub original: String,
    pub patched: String,
    /// Processes that run this text.
    pub pids: Vec<u32>,
}
