//! The atomics and the lock of the store, in one place, so that the explorer can replace them.
//!
//! The normal build re-exports those of the standard library and of `parking_lot`, and adds nothing to a load or a store.
//! With the feature `explore`, the explorer in `crate::explore` controls each access, while it runs the functions that
//! serve searches. [`undone`] then makes a function leave out one of its ordering rules. In the normal build it is the
//! constant `false`.

pub(crate) mod rule;

pub(crate) use rule::Rule;

#[cfg(all(test, feature = "explore"))]
pub(crate) use crate::explore::MutexGuard;
#[cfg(feature = "explore")]
pub(crate) use crate::explore::{AtomicU32, AtomicU64, AtomicUsize, Mutex, fence, spin_loop, undone};
#[cfg(not(feature = "explore"))]
pub(crate) use parking_lot::Mutex;
#[cfg(all(test, not(feature = "explore")))]
pub(crate) use parking_lot::MutexGuard;
#[cfg(not(feature = "explore"))]
pub(crate) use std::hint::spin_loop;
#[cfg(not(feature = "explore"))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, fence};

/// Whether the current exploration undoes this rule on purpose.
#[cfg(not(feature = "explore"))]
#[inline]
pub(crate) const fn undone(_: Rule) -> bool {
    false
}

/// Chooses the size of an array: the first in the normal build, the second in an exploration. There, small arrays make
/// rare events (a full leaf, an overrun of the log) happen within a few steps.
pub(crate) const fn size(normal: usize, explored: usize) -> usize {
    if cfg!(feature = "explore") { explored } else { normal }
}
