//! A fault of ours in reading or editing code ends as a refusal: it neither reaches the application nor
//! prints into its streams.

use crate::fault;
use patchctl_protocol::state::{Reason, Refusal};

/// Runs something on code objects.
///
/// # Errors
/// `internal` if it panics.
pub fn guarded<T>(action: impl FnOnce() -> T) -> Result<T, Refusal> {
    fault::caught(action)
        .map_err(|_| Refusal::new(Reason::Internal, "a fault while a code object was read or edited"))
}
