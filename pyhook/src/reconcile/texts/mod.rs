//! What the texts of modules tell about names, where objects can't: who imports them, and what is computed
//! from them while a module runs. Texts alone; no objects.

mod imports;
mod lines;
mod text;
mod uses;

pub use imports::{Imported, imports};
pub use text::Text;
pub use uses::Counts;

use lines::{Line, is_word, lines};
