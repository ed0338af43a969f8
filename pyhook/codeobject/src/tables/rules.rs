//! What differs between the versions besides the opcode numbers. Every version is one
//! value of [`Rules`], so that the algorithms ask for a rule, never for a version.
//!
//! Sources: Python/compile.c, Python/flowgraph.c, Python/assemble.c, Python/ceval.c,
//! Python/bytecodes.c, Objects/codeobject.c and Objects/exception_handling_notes.txt of
//! each branch.

use super::Op;
use crate::Version;

/// Form of the line table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// `co_lnotab`: pairs of byte and line increments.
    Lnotab,
    /// Line ranges of PEP 626.
    Ranges,
    /// Location entries with columns; `merge` joins equal neighbours.
    Locations {
        /// One entry for consecutive instructions at one location.
        merge: bool,
    },
}

/// How exception handlers are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handlers {
    /// `SETUP_*` push blocks at run time.
    Blocks,
    /// `co_exceptiontable`.
    Table,
}

/// Layout of a `COMPARE_OP` operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareLayout {
    /// Bits below the operator number.
    pub shift: u32,
    /// Bit that converts the result to a bool; 0 if there is none.
    pub to_bool: u32,
    /// Whether the low four bits say which outcomes count as true.
    pub masks: bool,
}

/// The rules of one version.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Bytes per unit of a jump operand.
    pub jump_unit: u32,
    /// Form of the line table.
    pub lines: LineFormat,
    /// How exception handlers are found.
    pub handlers: Handlers,
    /// Locals, cells and free variables share one array of slots.
    pub unified_slots: bool,
    /// Stack depth at the start of a generator-like code object (the value sent first).
    pub generator_depth: u32,
    /// Smallest `co_stacksize`.
    pub min_stack: u32,
    /// Loading an unbound local by `LOAD_FAST` crashes instead of raising.
    pub unchecked_loads: bool,
    /// Conditional jumps take `True` and `False` only.
    pub exact_bools: bool,
    /// A cell is loaded by `LOAD_FAST` of its slot.
    pub cells_by_load_fast: bool,
    /// Layout of `COMPARE_OP` operands.
    pub compare: CompareLayout,
    /// Values `RESUME` can have.
    pub resume: &'static [u32],
    /// Highest bit for `SET_FUNCTION_ATTRIBUTE`.
    pub function_attributes: u32,
    /// What must follow `END_FOR`, because it is skipped or popped with it.
    pub after_end_for: Option<Op>,
    /// The operand of `YIELD_VALUE` says whether another iterator is awaited.
    pub yields_tell_await: bool,
    /// An iterator being looped over takes two slots: itself and an index or NULL.
    pub two_slot_iterators: bool,
}

const PLAIN_COMPARE: CompareLayout = CompareLayout { shift: 0, to_bool: 0, masks: false };

const PY39: Rules = Rules {
    jump_unit: 1,
    lines: LineFormat::Lnotab,
    handlers: Handlers::Blocks,
    unified_slots: false,
    generator_depth: 0,
    min_stack: 0,
    unchecked_loads: false,
    exact_bools: false,
    cells_by_load_fast: false,
    compare: PLAIN_COMPARE,
    resume: &[],
    function_attributes: 0,
    after_end_for: None,
    yields_tell_await: false,
    two_slot_iterators: false,
};

const PY310: Rules = Rules { jump_unit: 2, lines: LineFormat::Ranges, generator_depth: 1, ..PY39 };

const PY311: Rules = Rules {
    lines: LineFormat::Locations { merge: false },
    handlers: Handlers::Table,
    unified_slots: true,
    resume: &[0, 1, 2, 3],
    ..PY310
};

const PY312: Rules = Rules {
    lines: LineFormat::Locations { merge: true },
    unchecked_loads: true,
    compare: CompareLayout { shift: 4, to_bool: 0, masks: true },
    ..PY311
};

const PY313: Rules = Rules {
    generator_depth: 0,
    min_stack: 1,
    exact_bools: true,
    cells_by_load_fast: true,
    compare: CompareLayout { shift: 5, to_bool: 16, masks: true },
    resume: &[0, 1, 2, 3, 5, 6, 7],
    function_attributes: 8,
    after_end_for: Some(Op::PopTop),
    yields_tell_await: true,
    ..PY312
};

const PY314: Rules = Rules { function_attributes: 16, after_end_for: Some(Op::PopIter), ..PY313 };

const PY315: Rules = Rules { resume: &[0, 1, 2, 3, 4, 9, 10, 11], two_slot_iterators: true, ..PY314 };

/// The rules of a version.
#[must_use]
pub fn rules(version: Version) -> &'static Rules {
    match version {
        Version::Py39 => &PY39,
        Version::Py310 => &PY310,
        Version::Py311 => &PY311,
        Version::Py312 => &PY312,
        Version::Py313 => &PY313,
        Version::Py314 => &PY314,
        Version::Py315 => &PY315,
    }
}
