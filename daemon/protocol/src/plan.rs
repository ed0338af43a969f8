//! The plan of a module: what the planner found to do between two texts of its source, in the form in
//! which the hook carries it out. Data only; the planner makes it, reconcile executes it.
//!
//! A plan leads from a module's *base*, the text that its untouched objects come from (the original, or
//! the patched text if it was imported with patches), to its *target*. The hook keeps what it replaced, so
//! it goes from any earlier target back to the base by itself and then forward by the plan: import, live
//! add, edit, stacking and removal are one operation, and an undo puts the very same objects back.

use crate::digest::Digest;
use crate::edit::Edit;
use serde::{Deserialize, Serialize};

/// A patch at one content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PatchRef {
    pub id: String,
    pub digest: Digest,
}

/// What brings one module from the text it runs to its target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Digest of the module's original source text; empty where there is no source.
    pub original: Digest,
    /// Digest of the text that the module runs after this plan (equal to `original` after an undo).
    pub target: Digest,
    /// The functions whose code or parts change.
    pub functions: Vec<FunctionChange>,
    /// Skeleton of the running text: only the changed functions inside their enclosing classes and
    /// functions, at their lines. What it compiles to is what the hook expects to find running.
    /// `None` where there is no source: functions are then found by qualname.
    pub old_skeleton: Option<String>,
    /// Skeleton of the target text with the same functions. Decorators stand in both skeletons as a call
    /// without effect, so that line numbers stay.
    pub new_skeleton: String,
    /// `co_filename` for new code: a file that holds the whole target text, so that tracebacks and
    /// `inspect.getsource` show the lines that run. Empty: keep the module's own file name (undo).
    pub filename: String,
    /// Changes of the module's and its classes' namespaces, in source order of the target, deletions last.
    pub steps: Vec<Step>,
    /// Edits of the code that the target text compiles to, in order. Where there is no source: of the code
    /// that runs.
    pub edits: Vec<Edit>,
    /// The whole target text, given for an import where more changes than code objects: compiled instead of
    /// grafting. Without it such an import waits until the module has run.
    pub source: Option<String>,
    /// Values computed by old code that stay behind.
    pub stale: Vec<Stale>,
    /// What a module computes with patched functions at its import, and keeps; where only code objects change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub computed: Vec<Computed>,
    /// Functions that answer differently when called, the changed ones and those that use them: what their
    /// caches hold was computed by old code.
    pub affected: Vec<Affected>,
    /// What can't be brought into a running process; refuses the patch live, not at import.
    pub unsupported: Vec<Unsupported>,
}

/// One function that exists in both texts and differs, in itself or in what its defaults are computed from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionChange {
    /// Names of the enclosing classes, outermost first; empty for the module.
    pub scope: Vec<String>,
    /// Name as it stands in the scope's namespace (after name mangling).
    pub name: String,
    /// `C.method`. Inner functions change with their outermost one, so `<locals>` never occurs.
    pub qualname: String,
    /// `co_firstlineno` in the old and the new skeleton (the line of the first decorator, if any), counted
    /// from 1. 0 in `old_line` where there is no source, in both where only edits change it.
    pub old_line: u32,
    pub new_line: u32,
    pub parts: Parts,
    /// Where parts other than the code change: a text which, compiled and executed in the scope, binds the
    /// plain function (without its decorators), so that its new values can be taken over.
    pub source: Option<String>,
    /// It stands in an `if` or `try` block, or its name is defined more than once in its scope, so that it
    /// may rightly not exist in a process. Both skeletons then hold all definitions of that name.
    pub conditional: bool,
    /// The module itself binds its name to something else afterwards, or deletes it: it may rightly not exist,
    /// whatever the name is bound to.
    pub replaced: bool,
    /// Ids of the patches that change it.
    pub patches: Vec<String>,
}

impl FunctionChange {
    /// Whether a process without this function is as it should be.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.conditional || self.replaced
    }
}

/// Which parts of a function object differ. `code` alone is a store of `__code__`; any other part needs
/// the definition to be executed in its scope to get the new values.
#[expect(clippy::struct_excessive_bools, reason = "each is one attribute of a function object")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parts {
    pub code: bool,
    /// Names, order or kinds of parameters.
    pub signature: bool,
    /// Default values, of either kind, or values that they are computed from.
    pub defaults: bool,
    pub annotations: bool,
    pub docstring: bool,
    /// Decorators: the decorated object is made anew and bound to the name.
    pub decorators: bool,
    /// Plain function, generator, coroutine, asynchronous generator.
    pub kind: bool,
}

impl Parts {
    /// Whether storing a code object is all there is to do.
    #[must_use]
    pub fn is_code_only(self) -> bool {
        self == Self { code: true, ..Self::default() }
    }

    /// Whether new annotations are all.
    #[must_use]
    pub fn is_annotations_only(self) -> bool {
        self == Self { annotations: true, ..Self::default() }
    }
}

/// A change of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Names of the enclosing classes, outermost first; empty for the module.
    pub scope: Vec<String>,
    pub action: Action,
    /// The names that the statement binds in the scope (after name mangling), those of classes and
    /// functions included.
    pub binds: Vec<String>,
    /// What the statement stores elsewhere than in a name: `Retry.DEFAULT = ...`, `TABLE["x"] = ...`.
    pub places: Vec<Place>,
    /// Text that does the step when compiled and executed (leading newlines keep its line numbers, enclosing
    /// classes stand around it, `from __future__` lines before it). Absent for a deletion.
    pub source: Option<String>,
    /// Line in the target text, counted from 1; for a deletion, in the old one.
    pub line: u32,
    /// Whether the old text bound these names too (change), or not (new).
    pub replaces: bool,
    /// It calls or reads what other changes of this plan make new (a renewed value, a new value computed by
    /// a changed function), so it is done after all functions have their new code.
    pub late: bool,
    /// Making the definition may put it somewhere (a decorator that registers, a base that keeps its
    /// subclasses): whoever removes or replaces it takes it out of there.
    #[serde(default)]
    pub registers: bool,
    /// Names (dotted, of the module) of what the statement changes in place: whoever takes the step back puts
    /// back what these held.
    #[serde(default)]
    pub mutates: Vec<String>,
    /// Names of the scope whose objects the statement may change in place (`TABLE.update(...)`,
    /// `install(Handler)`), and those that it deletes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<String>,
    /// The constant (its expression) that the names are bound to, of a deletion: were; absent where they are bound
    /// to anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// Names that the statement before it bound, and this one does on some of its ways; of a deletion, that others
    /// bind in branches of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_times: Vec<String>,
    /// Of a star import: the names that statements behind it bind, which keep what they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub star: Option<Vec<String>>,
    /// The sort of change, for people.
    pub kind: StepKind,
    pub patches: Vec<String>,
}

impl Step {
    /// A name of the step's scope as reports show it: dotted, within the module.
    #[must_use]
    pub fn label(&self, name: &str) -> String {
        self.scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }
}

/// A store into an object: an attribute or an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Expression of the object, evaluated in the module's namespace.
    pub object: String,
    /// The attribute's name, or the expression of the item's key.
    pub key: String,
    /// Whether `key` is an item's key.
    pub item: bool,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Execute `source` in the scope.
    Execute,
    /// Delete the names.
    Delete,
    /// Make the class (named by the last name of `scope`) anew beside the old one by executing its whole
    /// statement (`source`), and take over the attributes that differ: for classes whose decorators compute
    /// from their body (dataclasses). `binds` names the attributes that the body itself changed.
    Regenerate,
    /// Execute `source` in the class named by `scope` for the annotations that it makes; what can't be
    /// computed stays behind.
    Annotate,
    /// Assign `__bases__` of the class named by `scope`: `source` binds the class anew, for its bases.
    Rebase,
}

/// The sort of a namespace change, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    NewFunction,
    NewMethod,
    NewClass,
    NewImport,
    NewValue,
    ChangedFunction,
    ChangedClass,
    ChangedImport,
    ChangedValue,
    RemovedFunction,
    RemovedClass,
    RemovedImport,
    RemovedValue,
    Statement,
    Renewed,
}

/// A value computed by old code at import, which a live patch leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// Dotted name within the module, such as `Retry.DEFAULT`; or the statement's first words.
    pub name: String,
    /// Line in the target text, counted from 1.
    pub line: u32,
    /// The changed name that it was computed from.
    pub because: String,
    /// The module's file, where the process knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Stale {
    /// What is said to be behind a stale annotation: no value goes back to it.
    pub const ANNOTATION: &str = "its annotation";
}

/// A value that is computed by patched code when the module is imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    pub value: Stale,
    /// Ids of the patches that it goes back to.
    pub patches: Vec<String>,
}

/// A function that answers differently when called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Dotted name within the module, as it stands in its namespaces (after name mangling).
    pub name: String,
    /// Line in the target text, counted from 1.
    pub line: u32,
    /// The changed name that it goes back to; its own where it changed itself.
    pub because: String,
    /// Ids of the patches behind that change.
    pub patches: Vec<String>,
}

/// How a patch is brought into a process, where its header says more than that it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    pub patch: String,
    /// Caches (`functools.lru_cache`) of the functions that it affects are cleared, when it comes and when it
    /// goes.
    pub clear_caches: bool,
    /// It is put in only at a moment at which no call of what it changes is under way; how long to wait for
    /// that, in seconds.
    pub quiesce: Option<f64>,
    /// It is put in after that time even so.
    pub force: bool,
}

/// A change that a running process can't take over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// Dotted name within the module.
    pub name: String,
    pub line: u32,
    pub detail: String,
    pub patches: Vec<String>,
}
