//! Edit patches on the command line: the options of `patchctl add MODULE:FUNCTION`, the patch file that they
//! stand for, and edits in words. What the operations mean is known to the planner alone, which parses the file.

mod options;
mod words;
mod write;

pub use options::EditOptions;
pub use words::words;
