//! Edit patches from the command line: the options of `patchctl add MODULE:FUNCTION`, and the patch file that
//! they stand for. What the operations mean is known to the planner alone, which parses the file.

mod options;
mod write;

pub use options::EditOptions;
