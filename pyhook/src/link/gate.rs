//! The gate between the link's thread and the interpreter. Attaching to an interpreter that is being
//! finalized ends the thread in the middle of its frames (before CPython 3.14), so at exit the gate is
//! closed, after waiting for whoever is inside.

use crate::{fault, interpreter};
use pyo3::prelude::*;
use std::cell::RefCell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Busy,
    Closed,
}

static STATE: Mutex<State> = Mutex::new(State::Idle);
static CHANGED: Condvar = Condvar::new();

/// Longest wait at exit for a reconcile under way. One that takes longer hangs in code of a patch.
const PATIENCE: Duration = Duration::from_secs(5);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs something with the GIL; nothing comes of it if the interpreter is going away, or after a fault of ours.
pub fn inside<T>(action: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = enter()?;
    fault::contained(|| Python::try_attach(action)).flatten()
}

/// Runs something without the GIL that takes locks of ours, and so must not be under way in a fork.
pub fn apart<T>(action: impl FnOnce() -> T) -> Option<T> {
    let _inside = enter()?;
    fault::contained(action)
}

/// Being inside; leaves when dropped.
struct Inside(());

/// Goes in; `None` once the gate is closed.
fn enter() -> Option<Inside> {
    let mut state = state();
    (*state == State::Idle).then(|| {
        *state = State::Busy;
        Inside(())
    })
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut state = state();
        if *state == State::Busy {
            *state = State::Idle;
        }
        CHANGED.notify_all();
    }
}

/// Closes the gate for good.
pub fn close() {
    let state = state();
    let waited = CHANGED.wait_timeout_while(state, PATIENCE, |state| *state == State::Busy);
    let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
    *state = State::Closed;
}

thread_local! {
    /// What a thread that forks holds meanwhile, so that no other thread's lock is copied.
    static HELD: RefCell<Option<MutexGuard<'static, State>>> = const { RefCell::new(None) };
}

/// Longest wait before a fork for what is under way.
const FORK_PATIENCE: Duration = Duration::from_secs(1);

/// Before a fork that Python does not know of: nobody is inside, nor changes the state. Else the child had locks
/// of the interpreter, or of ours, that nobody gives back.
pub fn hold() {
    let deadline = Instant::now() + FORK_PATIENCE;
    loop {
        let now = state();
        if *now != State::Busy || Instant::now() >= deadline {
            HELD.with_borrow_mut(|held| *held = Some(now));
            return;
        }
        drop(now);
        // Whoever is inside may wait for the GIL.
        interpreter::without_gil(|| {
            let left = deadline.saturating_duration_since(Instant::now());
            drop(CHANGED.wait_timeout_while(state(), left, |state| *state == State::Busy));
        });
    }
}

/// After it; in the child nobody is inside, for it has no other thread.
pub fn release(in_child: bool) {
    let held = HELD.with_borrow_mut(Option::take);
    if let Some(mut state) = held
        && in_child
        && *state == State::Busy
    {
        *state = State::Idle;
    }
}
