//! The counters of a node's live speeds.

kerb_types::metrics! {
    /// Counters of the rows in streams of speeds.
    pub(crate) struct Metrics -> MetricsSnapshot {
        /// Rows that became streamed speeds.
        rows_accepted: Counter,
        /// Rows with an invalid field.
        rows_rejected: Counter,
    }
}
