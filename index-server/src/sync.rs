//! The atomics and the lock of the lock-free store, in one place, so that they can be exchanged.
//!
//! The normal build re-exports those of the standard library and of `parking_lot`: nothing is added to a load or a
//! store. With the feature `explore` each access becomes a decision of the explorer in `crate::explore`, which runs
//! the very functions that serve searches. [`undone`] then tells a function to leave out one of its ordering rules;
//! in the normal build it is the constant `false`.

mod rule;

#[cfg_attr(not(feature = "explore"), expect(unreachable_pub, reason = "public for explorations alone"))]
pub use rule::Rule;

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

/// Whether the current exploration breaks this rule on purpose.
#[cfg(not(feature = "explore"))]
#[inline]
pub(crate) const fn undone(_: Rule) -> bool {
    false
}

/// The size of an array: the first in the normal build, the second in an exploration, where small arrays bring rare
/// events (a full leaf, a lapped log) within a few steps.
pub(crate) const fn size(normal: usize, explored: usize) -> usize {
    if cfg!(feature = "explore") { explored } else { normal }
}
