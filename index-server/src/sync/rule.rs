//! The ordering rules of the index by name. An exploration undoes one of them and must then find a wrong answer.

/// A part of one of the rules in the text of [`crate::index`], which has the same numbers and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "explore"), expect(unreachable_pub, reason = "public for explorations alone"))]
pub enum Rule {
    /// Rule 1: a page or a record is not reused while a search runs that can reach it.
    /// Undone: it is reused at once.
    ReclaimAfterSearches,
    /// Rule 1: a search announces its epoch, and a sequentially consistent fence orders that before its first load of a
    /// tree. Undone: the announcement is relaxed and no fence follows.
    FenceAfterPin,
    /// Rule 1: the entries of a page are stored before the link that leads to the page, and the link is a release.
    /// Undone: the link is stored relaxed.
    EntriesBeforeLink,
    /// Rule 2: the old entry is cleared after the record leads to the new one.
    /// Undone: the old entry is cleared first.
    RecordBeforeOldEntry,
    /// Rule 3: a move is logged before its first store.
    /// Undone: it is logged after its last store.
    LogBeforeMove,
    /// Rule 3: a move is settled after the old entry is cleared.
    /// Undone: it is settled as soon as it is logged.
    SettleAfterMove,
    /// Rule 3: the fences of the log order its head before all stores of a move, and all loads of a search before its
    /// load of the head. Undone: there are no fences.
    LogFences,
    /// Rule 3: a driver that fills a gap in a chain of leaves is logged, although its position stays.
    /// Undone: it is not logged.
    LogChainMove,
    /// Rule 4: a move within a leaf only stores the position.
    /// Undone: the entry is cleared, and filled again.
    OneStoreWithinLeaf,
    /// Rule 5: a record's version is odd while it changes.
    /// Undone: the version does not change.
    OddVersion,
    /// Rule 5: the fences of the version keep the stores of a write after the odd version, and the loads of a search
    /// before its last load of the version. Undone: there are no fences.
    VersionFences,
    /// Rule 6: the filter summaries of all pages above an entry contain its driver before the entry does.
    /// Undone: they contain it afterwards.
    SummaryBeforeEntry,
    /// Rule 7: a shard's coverage is withdrawn before its drivers are dropped, and a search reads it again at its end.
    /// Undone: the search only reads it at its beginning.
    CoverAfterSearch,
}
