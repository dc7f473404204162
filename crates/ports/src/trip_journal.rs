//! The port from the matcher to the engine that keeps trips.

use kerb_trips::{MarketId, Record, Version};

use crate::Answer;

/// Matcher → engine: the trips of each market, as one sequence of records that only grows.
///
/// A market's matcher is whoever appended last: a matcher that was paused, cut off or replaced does not know the newest
/// version, so it cannot append, and promises nobody anything. Nothing else is needed for that, no lease and no clock.
pub trait TripJournal: Send + Sync {
    /// Appends the record when `expected` is the market's newest version, and answers the new one, which is
    /// `expected + 1`, once the record is durable and can be read.
    ///
    /// Nothing was written: [`Error::Conflict`] names the newest version; [`Error::Overloaded`]: too many wait;
    /// [`Error::Invalid`]: the record is too large, or has a number that is not finite. On any other error, and when
    /// the future was dropped, it may have been: read, to find out, before the next append.
    fn append(&self, market: MarketId, expected: Version, record: Record) -> Answer<'_, Version>;

    /// The records after version `after`, in order and without a gap: `max` of them, or as many as there are.
    ///
    /// [`Error::Internal`]: a record is missing or damaged. It is never passed over, and no wrong one is answered.
    fn read(&self, market: MarketId, after: Version, max: usize) -> Answer<'_, Vec<(Version, Record)>>;

    /// The newest version; 0 for a market without records.
    fn version(&self, market: MarketId) -> Answer<'_, Version>;

    /// The markets that have records, in order.
    fn markets(&self) -> Answer<'_, Vec<MarketId>>;

    /// Keeps what a matcher makes of all records up to `version`, in its own bytes. Only a shortcut: the records are
    /// kept too. Replaces the snapshot of an older or the same version; a newer one stays.
    ///
    /// [`Error::Invalid`]: there is no such version yet, or the snapshot is too large.
    fn save_snapshot(&self, market: MarketId, version: Version, snapshot: Vec<u8>) -> Answer<'_, ()>;

    /// The newest snapshot, and which records it holds; `None` also for one that cannot be read.
    fn snapshot(&self, market: MarketId) -> Answer<'_, Option<(Version, Vec<u8>)>>;
}
