//! The scheduling priority of a thread that holds another process's thread: each hand-over between the
//! two waits for the scheduler, and the target waits with it.

/// Lowest real-time priority; enough to come before all normal threads.
const PRIORITY: i32 = 1;

/// Makes the calling thread real-time, where that is allowed; for a thread that ends soon.
pub fn raise() {
    let parameter = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: `parameter` is valid for reading; only the calling thread changes. Without the capability
    // it stays as it is.
    unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const parameter)
    };
}
