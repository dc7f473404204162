//! The port from the matcher to the journal of trips.

use kerb_trips::Record;
pub use kerb_trips::{MarketId, Version};

use crate::{Detail, ErrorCode, Failure, PortFuture};

crate::port_error! {
    /// Why a call to a [`TripJournal`] failed.
    pub enum TripJournalError {
        /// The record or the snapshot is invalid. Nothing was written.
        Invalid,
        /// Another writer appended first. Nothing was written; the same append fails again.
        Conflict,
        /// Too many appends wait. Nothing was written.
        Overloaded,
        /// The journal did not respond in time. The record may have been written.
        DeadlineExceeded,
        /// The journal's node does not respond. The record may have been written.
        Unavailable,
        /// A record is missing or damaged, or the journal has stopped. The record may have been written.
        Internal,
    }
}

/// Returns the failure of an append to `market` after another writer appended first.
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
    let version = |name| Some(Version::new(value(name)?.parse().ok()?));
    Some((market, version("expected")?, version("current")?))
}

/// Matcher → journal: one append-only sequence of records per market.
///
/// The matcher that appended last leads the market. A matcher that was paused, cut off or replaced does not have the newest
/// version, so its next append fails before any client sees the decision. This fencing needs no lease and no clock.
pub trait TripJournal: Send + Sync {
    /// Appends the record if `expected` is the market's newest version. Returns the new version, `expected + 1`, once the
    /// record is durable and readable.
    ///
    /// The journal has not written the record after [`TripJournalError::Conflict`], which names the newest version, after
    /// [`TripJournalError::Overloaded`], and after [`TripJournalError::Invalid`] for a record that is too large or contains
    /// a number that is not finite. After any other error, or a dropped future, the outcome is unknown: the caller must
    /// read the journal before the next append.
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError>;

    /// Returns up to `max` records after version `after`, in order and without a gap.
    ///
    /// A missing or damaged record is a [`TripJournalError::Internal`]. The journal never skips it.
    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError>;

    /// Returns records as [`TripJournal::read`] does, but stops after the record with which they reach `bytes_max` encoded
    /// bytes. A page holds at least one record if there is one. Without an own implementation, the bytes have no limit.
    fn read_page(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
        bytes_max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        let _ = bytes_max;
        self.read(market, after, max)
    }

    /// Returns the newest version; 0 for a market without records.
    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError>;

    /// Returns the markets that have records, in order.
    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError>;

    /// Stores a matcher's snapshot of all records up to `version`, in the matcher's own encoding. The records stay too. The
    /// snapshot replaces one of an older or the same version; a newer one stays.
    ///
    /// A version that does not exist yet, or a snapshot that is too large, is a [`TripJournalError::Invalid`].
    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError>;

    /// Returns the newest snapshot with its version; `None` if there is none or it is damaged.
    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError>;
}
