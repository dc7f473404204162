//! What the matcher counts, for exporters and tests.

kerb_types::metrics! {
    /// Counts of a matcher since its start, over all markets.
    pub struct Metrics -> MetricsSnapshot {
        /// Commands and queries that a market executed.
        commands: Counter,
        /// Records that became durable.
        records: Counter,
        /// Appends that failed, each followed by a resync of its market.
        resyncs: Counter,
        /// Windows that were matched.
        windows: Counter,
        /// Windows that failed, for example because the candidate search failed.
        windows_failed: Counter,
        /// Offers and takeover offers that windows made.
        offers: Counter,
        /// Notifications that a driver's stream took.
        notifications_delivered: Counter,
        /// Notifications that reached no stream of their driver.
        notifications_undeliverable: Counter,
    }
}
