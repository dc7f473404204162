//! Counters and gauges of an ingest node.

kerb_types::metrics! {
    /// Counters and gauges of an ingest node.
    pub struct Metrics -> MetricsSnapshot {
        /// Position updates received from driver apps and gateways.
        received: Counter,
        /// Updates that became the newest state of their driver.
        applied: Counter,
        /// Updates dropped because the table had the same or a newer one.
        dropped_late: Counter,
        /// Updates dropped because the driver exceeded its rate limit.
        dropped_rate: Counter,
        /// Updates rejected because of an invalid value.
        rejected: Counter,
        /// Streams ended because a newer stream of the same driver was opened.
        superseded: Counter,
        /// Streams ended because their client did not read.
        stalled: Counter,
        /// Driver streams that are open.
        streams_open: Gauge,
        /// Drivers removed from the index after the position TTL.
        expired: Counter,
        /// Drivers removed from the table after the retention.
        retired: Counter,
        /// Updates and removals sent to index servers.
        rows_sent: Counter,
        /// Frames sent to index servers.
        frames_sent: Counter,
        /// Replication streams opened to index servers.
        links_opened: Counter,
        /// Replication streams that are open.
        links_up: Gauge,
        /// Index servers of the current membership view: each needs a replication stream.
        links_wanted: Gauge,
        /// Changes that wait to be sent, summed over all links.
        links_pending: Gauge,
        /// Evictions dropped because a link's queue was full.
        evictions_dropped: Counter,
        /// Driver states written to the store.
        stored: Counter,
        /// Drivers whose newest state was not in the store at the start of the last flush.
        store_lag: Gauge,
        /// Failed flushes of the store.
        store_failures: Counter,
        /// Stored records that failed their checksum at the start.
        store_corrupt: Counter,
    }
}
