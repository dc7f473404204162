//! What an index tells of itself.

use std::sync::atomic::AtomicU64;

/// Events since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Updates that were the newest state of their driver.
    pub updates_newest: AtomicU64,
    /// Updates that were not newer than what was known.
    pub updates_late: AtomicU64,
    /// Updates of drivers who are too old or forgotten, or of shards that are not held.
    pub updates_refused: AtomicU64,
    /// Updates that moved a driver from leaf to leaf, or into the index.
    pub updates_moved: AtomicU64,
    /// Drivers removed by their source, by a forget or because a full part did not repeat them.
    pub drivers_removed: AtomicU64,
    /// Drivers who left because of their age.
    pub drivers_expired: AtomicU64,
    /// Searches that were answered.
    pub searches: AtomicU64,
    /// Searches that started again.
    pub search_restarts: AtomicU64,
    /// Searches that took the writer's lock.
    pub searches_locked: AtomicU64,
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Records, ids and pages, with what is reserved.
    pub store: usize,
    /// The writer's books: ids, deadlines, free lists.
    pub books: usize,
    /// Drivers that have a record.
    pub drivers: usize,
}
