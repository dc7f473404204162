//! A pool of search memory. One scratch value is as large as the network, so searches reuse it.

use parking_lot::Mutex;

/// The most scratch values that the pool keeps. When more searches run at once, further values are made and dropped.
const POOLED_MAX: usize = 64;

/// Scratch values that no search uses at the moment.
#[derive(Debug)]
pub(super) struct ScratchPool<T> {
    free: Mutex<Vec<T>>,
}

impl<T> Default for ScratchPool<T> {
    fn default() -> Self {
        ScratchPool { free: Mutex::default() }
    }
}

impl<T> ScratchPool<T> {
    /// Runs a search with scratch memory that no other search uses. The search must leave it clean, or clean it before
    /// its next use.
    pub(super) fn with<R>(&self, make: impl FnOnce() -> T, search: impl FnOnce(&mut T) -> R) -> R {
        // The guard ends with this statement: the search itself runs without the lock.
        let pooled = self.free.lock().pop();
        let mut scratch = pooled.unwrap_or_else(make);
        // A search that panics drops its scratch, which may be half written; it never returns to the pool.
        let result = search(&mut scratch);
        let mut free = self.free.lock();
        if free.len() < POOLED_MAX {
            free.push(scratch);
        }
        result
    }
}
