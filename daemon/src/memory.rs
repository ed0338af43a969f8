//! Gives memory back to the operating system after planning: a syntax tree takes many times its text, and
//! the C library keeps what was freed for itself.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Work comes in groups (many processes, many modules): wait until it is over.
const QUIET: Duration = Duration::from_millis(500);

/// Gives memory back some time after each `worked`.
pub async fn look_after(worked: Arc<Notify>) {
    loop {
        worked.notified().await;
        tokio::time::sleep(QUIET).await;
        let _ = tokio::task::spawn_blocking(give_back).await;
    }
}

#[cfg(target_env = "gnu")]
fn give_back() {
    // SAFETY: malloc_trim takes no pointer and locks what it touches (glibc, malloc/malloc.c).
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
fn give_back() {}
