//! From a process's question to its plans: guards, sources, composition and planning, each remembered so
//! that many processes cost one. Everything here may block; the server calls it on threads that may, unless the
//! same was answered just now.

mod answered;
mod asker;
mod cache;
mod decode;
mod distributions;
mod locate;
mod module;
mod planner;
mod refusals;
mod selection;
mod settle;
mod source;
mod sourceless;
mod target;
mod texts;

pub use answered::{Answered, Question};
pub use asker::Asker;
pub use locate::locate;
pub use module::Original;
pub use planner::{Planner, manners};
pub use selection::Selection;
