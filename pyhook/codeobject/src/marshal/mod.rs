//! Code objects on disk: the marshal format and `.pyc` files.

mod pyc;
mod reader;
mod slots;
mod writer;

pub use pyc::{Pyc, read_pyc};
pub use reader::{MarshalError, read_code};
pub use writer::write_code;
