//! The script that runs as `__main__` (`python app.py`): no import happens for it. If it has patches, its first
//! frame is evaluated ([`evaluator`]) with the patched code ([`patched`]), which the daemon is asked for as an
//! import's is. Processes whose script has none pay for one look-up at their start.

mod evaluator;
mod patched;
mod pending;
mod symbols;

pub use pending::{expect, is_pending};
