//! The explorer: runs the real code of the writer and of searches under thread schedules and memory effects that it
//! chooses.
//!
//! The feature `explore` enables it. Threads of an exploration run one at a time. Before each access to an atomic, a
//! seeded random generator chooses the thread that runs on (`scheduler`), and which of the values that the memory model
//! allows a load returns (`memory`). A seed therefore names one execution, and replays it.
//!
//! Why not a library: `loom` enumerates all executions, and a search over a tree with thousands of accesses has too many.
//! `shuttle` chooses executions at random, but its memory is sequentially consistent, which makes the fences of the index
//! superfluous. Half of the rules are about fences, so this explorer has both random schedules and weak memory.
//!
//! Outside of an exploration the atomics are those of the standard library with sequential consistency. A scenario is set
//! up that way.

mod atomic;
mod memory;
mod mutex;
mod random;
mod scheduler;

pub use crate::sync::rule::Rule;
pub use atomic::{AtomicU32, AtomicU64, AtomicUsize, fence};
pub(crate) use mutex::Mutex;
#[cfg(test)]
pub(crate) use mutex::MutexGuard;
pub use random::Random;
pub use scheduler::{Plan, Task, run};
pub(crate) use scheduler::{spin_loop, undone};
