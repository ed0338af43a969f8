//! Edits of compiled code, as a plan carries them: what an edit patch says, in the form in which the hook
//! carries it out. Data only; the planner reads them from the patch file.
//!
//! Values are Python expressions, which the target interpreter evaluates; statements are Python source,
//! which it compiles.

use crate::state::Refusal;
use serde::{Deserialize, Serialize};

/// One edit of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Id of the patch.
    pub patch: String,
    /// Line of the patch file where it stands, counted from 1.
    pub line: u32,
    /// The function that stands in the module or in a class.
    pub function: Function,
    /// Names of the code objects on the way from that function to the one that is edited. `<lambda>[1]` is
    /// the second of that name.
    #[serde(default)]
    pub within: Vec<String>,
    #[serde(default)]
    pub place: Place,
    pub operation: Operation,
}

/// What came of edits that were tried on the code of a module which no process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Examined {
    /// Where they apply, and what only a process can tell.
    pub notes: Vec<String>,
    /// Functions that the module's code does not have by that name.
    pub missing: Vec<String>,
    pub refusal: Option<Refusal>,
}

/// A function by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Names of the enclosing classes, outermost first; empty for the module.
    pub scope: Vec<String>,
    /// Name as it stands in the scope's namespace (after name mangling); empty for the body of the scope
    /// itself.
    pub name: String,
    /// `C.method`, or `<module>`.
    pub qualname: String,
}

impl Function {
    /// Whether it is the body of a module or class, which runs once.
    #[must_use]
    pub fn is_body(&self) -> bool {
        self.name.is_empty()
    }
}

/// Which occurrence is meant; by default the only one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Line of the file.
    pub line: Option<i32>,
    /// Lines after the first one of the function.
    pub relative_line: Option<i32>,
    pub nth: Option<Nth>,
    /// How many there must be to choose from.
    pub of: Option<u32>,
    /// How many must be chosen; one unless all are asked for.
    pub count: Option<u32>,
}

/// A choice among occurrences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nth {
    /// That one, from 0; negative from the end.
    Index(i64),
    All,
}

/// What an edit does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Binary {
        from: String,
        to: String,
    },
    /// `to` is empty where the operator goes.
    Unary {
        from: String,
        to: String,
    },
    Compare {
        from: String,
        to: String,
    },
    Negate,
    Constant {
        from: String,
        to: String,
    },
    Name {
        kind: Option<NameKind>,
        from: String,
        to: String,
    },
    Local {
        from: String,
        to: String,
        access: Access,
    },
    GlobalToConstant {
        name: String,
        value: String,
    },
    GlobalToLocal {
        name: String,
        local: String,
    },
    AddArgument {
        name: String,
        default: String,
    },
    RenameArgument {
        from: String,
        to: String,
    },
    SwapArguments {
        one: String,
        other: String,
    },
    /// Another default value for an argument.
    Default {
        name: String,
        value: String,
    },
    Insert {
        at: InsertAt,
        statement: Statement,
    },
    RemoveLine {
        line: i32,
    },
    ReplaceLine {
        line: i32,
        statement: Statement,
    },
    Match {
        pattern: Vec<Instruction>,
        replacement: Vec<Instruction>,
    },
}

impl Operation {
    /// Whether a function made by the unedited code that surrounds it would lack something: what an edit
    /// changes beside the code object.
    #[must_use]
    pub fn changes_defaults(&self) -> bool {
        matches!(self, Self::AddArgument { .. } | Self::RenameArgument { .. } | Self::Default { .. })
    }
}

/// Python source of one or more statements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    pub text: String,
    /// Indices of the lines that begin inside a string: they can't be indented.
    pub in_strings: Vec<usize>,
}

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    Global,
    Attribute,
    Import,
}

/// How a variable is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    #[default]
    Load,
    Store,
}

/// Where a statement is inserted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InsertAt {
    Entry,
    BeforeLine(i32),
    AfterLine(i32),
    /// Before every return; the value returned is in the variable of that name, if given.
    Return(Option<String>),
}

/// One instruction of a sequence to match, or to put in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// A word of the portable vocabulary, the name of an instruction in lower case, `*` for any, or `label`.
    pub op: String,
    pub operand: Operand,
}

/// Operand of an [`Instruction`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operand {
    None,
    /// Any at all.
    Any,
    /// Any, and known by this name from then on.
    Capture(String),
    /// A name, operator, number, or, for a constant, an expression.
    Text(String),
}
