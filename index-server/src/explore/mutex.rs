//! A lock for explorations: a thread that waits for it lets the explorer choose another one.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::atomic::AtomicU32;
use super::scheduler::spin_loop;

/// Has the functions of `parking_lot::Mutex` that the index uses.
#[derive(Debug)]
pub(crate) struct Mutex<T> {
    taken: AtomicU32,
    value: parking_lot::Mutex<T>,
}

/// Unlocks a [`Mutex`] when it is dropped.
pub(crate) struct MutexGuard<'a, T> {
    taken: &'a AtomicU32,
    /// `None` only during the drop.
    value: Option<parking_lot::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { taken: AtomicU32::default(), value: parking_lot::Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        while self.taken.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            spin_loop();
        }
        // It is free: a guard releases it before it clears `taken`.
        MutexGuard { taken: &self.taken, value: Some(self.value.lock()) }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_deref().expect("the inner guard is present until the drop")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_deref_mut().expect("the inner guard is present until the drop")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.taken.store(0, Release);
    }
}
