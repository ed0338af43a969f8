//! Questions to a process that wait for their answers, by number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// Questions of one sort.
#[derive(Debug)]
pub struct Questions<T>(Mutex<HashMap<u64, oneshot::Sender<T>>>);

impl<T> Default for Questions<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Questions<T> {
    /// A new question's number, and where its answer will come; those that nobody waits for any more are
    /// forgotten.
    pub fn ask(&self) -> (u64, oneshot::Receiver<T>) {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, waiting| !waiting.is_closed());
        open.insert(number, sender);
        (number, receiver)
    }

    /// Passes an answer on; one that nobody asked for is dropped.
    pub fn answer(&self, number: u64, answer: T) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }
}
