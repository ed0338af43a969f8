//! Answers that many processes ask for at once: each is computed once, whoever asks meanwhile waits for
//! it, and the newest are kept within a limit of memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Computed values by key.
#[derive(Debug)]
pub struct Cache<K, V> {
    slots: Mutex<Slots<K, V>>,
    /// Most memory that kept values may take, in bytes as estimated when they are put in.
    limit: usize,
}

#[derive(Debug)]
struct Slots<K, V> {
    values: HashMap<K, Arc<OnceLock<V>>>,
    /// Keys with the weights of their values, oldest first.
    order: VecDeque<(K, usize)>,
    weight: usize,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let slots = Slots { values: HashMap::new(), order: VecDeque::new(), weight: 0 };
        Self { slots: Mutex::new(slots), limit }
    }

    /// The value for `key`, computed now if nobody did yet. `weigh` estimates its memory in bytes.
    pub fn get(&self, key: &K, compute: impl FnOnce() -> V, weigh: impl FnOnce(&V) -> usize) -> V {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.values.entry(key.clone()).or_default())
        };
        let mut computed = false;
        let value = slot.get_or_init(|| {
            computed = true;
            compute()
        });
        let value = value.clone();
        if computed {
            self.keep(key, weigh(&value));
        }
        value
    }

    fn keep(&self, key: &K, weight: usize) {
        const SLOT: usize = 256;
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.order.push_back((key.clone(), weight + SLOT));
        slots.weight += weight + SLOT;
        while slots.weight > self.limit {
            let Some((oldest, weight)) = slots.order.pop_front() else { break };
            slots.values.remove(&oldest);
            slots.weight -= weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn computes_once_for_all_who_ask_together() {
        let cache: Cache<u32, u32> = Cache::new(1 << 20);
        let count = AtomicUsize::new(0);
        let compute = || {
            count.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
            7
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(cache.get(&1, compute, |_| 4), 7));
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn forgets_the_oldest_beyond_its_limit() {
        let cache: Cache<u32, u32> = Cache::new(1000);
        let count = AtomicUsize::new(0);
        for key in [1, 2, 3, 3, 1] {
            cache.get(&key, || u32::try_from(count.fetch_add(1, Ordering::SeqCst)).unwrap_or(0), |_| 200);
        }
        assert_eq!(count.load(Ordering::SeqCst), 4, "1 was forgotten and computed again, 3 was kept");
    }
}
