//! The atomics and the mutex that [`WakeSet`](super::wake_set::WakeSet) uses. `tests/wake_set_explored.rs` compiles the same
//! functions with the explorer's types in place of this module.

pub(super) use std::sync::atomic::{AtomicU32, Ordering};

pub(super) use parking_lot::Mutex;
