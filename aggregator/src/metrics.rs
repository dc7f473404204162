//! What the aggregator counts, for exporters and tests.

kerb_types::metrics! {
    /// Counts of an aggregator since its start.
    pub struct Metrics -> MetricsSnapshot {
        /// Searches answered, complete or partial, including those that joined another search.
        searches: Counter,
        /// Searches that joined an identical one in flight.
        joined: Counter,
        /// Searches whose coverage misses at least one shard.
        partial: Counter,
        /// Searches rejected because too many were running.
        overloaded: Counter,
        /// Queries sent to index servers: first attempts, failovers, hedges and refetches.
        queries: Counter,
        /// Queries sent to a replica because another server was slow.
        hedges: Counter,
        /// Hedges that answered first.
        hedges_won: Counter,
        /// Hedges not sent because the hedge budget was spent.
        hedges_refused: Counter,
        /// Queries sent to a replica because another server failed or did not cover a shard.
        failovers: Counter,
        /// Queries for more neighbors because copies of one driver had filled a list.
        refetches: Counter,
        /// Queries that ended with an error.
        errors: Counter,
        /// Queries abandoned: no answer came before the search ended.
        abandoned: Counter,
    }
}
