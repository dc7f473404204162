//! The port from the matcher to the engine that keeps trips.

use kerb_trips::Record;
pub use kerb_trips::{MarketId, Version};

use crate::{Detail, ErrorCode, Failure, PortFuture};

crate::port_error! {
    /// Why a call to a [`TripJournal`] failed.
    pub enum TripJournalError {
        /// The record or the snapshot is refused. Nothing was written.
        Invalid,
        /// Another writer appended first. Nothing was written; the same append fails again.
        Conflict,
        /// Too many appends wait. Nothing was written.
        Overloaded,
        /// The journal did not answer in time. The record may have been written.
        DeadlineExceeded,
        /// The journal's node does not answer. The record may have been written.
        Unavailable,
        /// A record is missing or damaged, or the journal has stopped. The record may have been written.
        Internal,
    }
}

impl From<TripJournalError> for crate::Error {
    /// The services report a conflict as a fault of their own: each of them handles it before.
    fn from(error: TripJournalError) -> Self {
        crate::convert(error)
    }
}

/// Another writer appended to the journal of `market` first.
pub fn conflict(market: &MarketId, expected: Version, current: Version) -> Failure {
    let message = format!("the journal of market {market} is at version {current}, not {expected}");
    let values = [
        ("market", market.to_string()),
        ("expected", expected.to_string()),
        ("current", current.to_string()),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Failure { code: ErrorCode::Conflict, message, detail: Detail::Values(values) }
}

/// Reads the market, the expected version and the newest one back from the values of a [`conflict`].
pub fn versions_of(values: &[(String, String)]) -> Option<(MarketId, Version, Version)> {
    let value = |wanted: &str| values.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let market = MarketId::new(value("market")?).ok()?;
    Some((market, value("expected")?.parse().ok()?, value("current")?.parse().ok()?))
}

/// Matcher → engine: the trips of each market, as one sequence of records that only grows.
///
/// A market's matcher is whoever appended last: a matcher that was paused, cut off or replaced does not know the newest
/// version, so it cannot append, and promises nobody anything. Nothing else is needed for that, no lease and no clock.
pub trait TripJournal: Send + Sync {
    /// Appends the record when `expected` is the market's newest version, and answers the new one, which is
    /// `expected + 1`, once the record is durable and can be read.
    ///
    /// Nothing was written: [`TripJournalError::Conflict`] names the newest version; [`TripJournalError::Overloaded`]: too many wait;
    /// [`TripJournalError::Invalid`]: the record is too large, or has a number that is not finite. On any other error, and when
    /// the future was dropped, it may have been: read, to find out, before the next append.
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError>;

    /// The records after version `after`, in order and without a gap: `max` of them, or as many as there are.
    ///
    /// [`TripJournalError::Internal`]: a record is missing or damaged. It is never passed over, and no wrong one is answered.
    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError>;

    /// The newest version; 0 for a market without records.
    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError>;

    /// The markets that have records, in order.
    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError>;

    /// Keeps what a matcher makes of all records up to `version`, in its own bytes. Only a shortcut: the records are
    /// kept too. Replaces the snapshot of an older or the same version; a newer one stays.
    ///
    /// [`TripJournalError::Invalid`]: there is no such version yet, or the snapshot is too large.
    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError>;

    /// The newest snapshot, and which records it holds; `None` also for one that cannot be read.
    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError>;
}
