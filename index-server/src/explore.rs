//! The explorer: runs the real code of writer and searches under schedules and memory effects that it chooses.
//!
//! Only with the feature `explore`. Threads of an exploration run one at a time; before each access to an atomic the
//! explorer decides by a seeded random generator which thread goes on (`scheduler`), and which of the values that
//! the memory model allows a load returns (`memory`). A seed therefore names one execution, and replays it.
//!
//! Why not a library: `loom` enumerates every execution, which a search over a tree with thousands of accesses does
//! not survive; `shuttle` chooses executions at random, but has sequentially consistent memory, under which the
//! fences of the index are not needed. The rules about fences are half of what is to be shown, so this explorer has
//! both random schedules and weak memory.
//!
//! Outside of an exploration the atomics are those of the standard library, sequentially consistent; a scenario is
//! set up that way.

mod atomic;
mod memory;
mod mutex;
mod random;
mod scheduler;

pub use crate::sync::Rule;
pub use atomic::{AtomicU32, AtomicU64, AtomicUsize, fence};
pub(crate) use mutex::Mutex;
#[cfg(test)]
pub(crate) use mutex::MutexGuard;
pub use random::Random;
pub use scheduler::{Plan, Task, run};
pub(crate) use scheduler::{spin_loop, undone};
