//! The script that runs as `__main__` (`python app.py`): no import happens for it. If it has patches, its first
//! frame is evaluated with the patched code ([`evaluator`]), which the daemon is asked for ([`pending`]) as an
//! import's is. Processes whose script has none pay for one look-up at their start.

mod evaluator;
mod pending;
mod symbols;

pub use pending::{expect, is_pending};
