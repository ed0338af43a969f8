//! Room on the stack for syntax trees that nest deeply: walking and dropping one is recursive.

/// In bytes; only what is touched takes memory.
const DEEP: usize = 64 << 20;

/// Runs a function on a stack of its own.
pub(crate) fn with_deep_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::grow(DEEP, run)
}
