//! What an index reports about itself.

kerb_types::metrics! {
    /// Events since the start of the index.
    pub struct Metrics -> MetricsSnapshot {
        /// Updates that were the newest state of their driver.
        updates_newest: Counter,
        /// Updates that were not newer than the known state.
        updates_late: Counter,
        /// Updates that were too old, that a tombstone rejected, or whose shard was not held.
        updates_rejected: Counter,
        /// Updates that moved a driver between leaves, or into the index.
        updates_moved: Counter,
        /// Drivers removed by their source, by an eviction, or because a snapshot did not contain them.
        drivers_removed: Counter,
        /// Drivers removed because of their age.
        drivers_expired: Counter,
        /// Searches with an answer.
        searches: Counter,
        /// Times that a search started again.
        search_restarts: Counter,
        /// Searches that took the writer's lock.
        searches_locked: Counter,
    }
}

/// Memory of an index, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Records, ids and pages, reserved ones included.
    pub store: usize,
    /// The writer's own state: the id tables, the expiry index and the lists of free pages.
    pub writer: usize,
    /// Number of drivers that have a record.
    pub drivers: usize,
}
