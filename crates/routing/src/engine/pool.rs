//! Memory of searches, kept between them: as large as the network, and cleaned by who used it.

use parking_lot::Mutex;

/// At most this many are kept; more are made when more searches run at once, and dropped afterwards.
const KEPT_MAX: usize = 64;

/// What is not in use.
#[derive(Debug)]
pub(super) struct Pool<T> {
    free: Mutex<Vec<T>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool { free: Mutex::default() }
    }
}

impl<T> Pool<T> {
    /// Runs a search with memory of its own. When it panics its memory does not come back.
    pub(super) fn with<R>(&self, make: impl FnOnce() -> T, search: impl FnOnce(&mut T) -> R) -> R {
        let kept = self.free.lock().pop();
        let mut memory = kept.unwrap_or_else(make);
        let result = search(&mut memory);
        let mut free = self.free.lock();
        if free.len() < KEPT_MAX {
            free.push(memory);
        }
        result
    }
}
