//! A fault of ours in reading or editing code ends as a refusal: it neither reaches the application nor
//! prints into its streams.

use patchctl_protocol::state::{Reason, Refusal};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

/// Runs something on code objects.
///
/// # Errors
/// `internal` if it panics.
pub fn guarded<T>(action: impl FnOnce() -> T) -> Result<T, Refusal> {
    static QUIET: Once = Once::new();
    // This library's own hook: other libraries bring their own runtime.
    QUIET.call_once(|| set_hook(Box::new(|_| {})));
    catch_unwind(AssertUnwindSafe(action))
        .map_err(|_| Refusal::new(Reason::Internal, "a fault while a code object was read or edited"))
}
