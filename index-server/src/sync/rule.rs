//! The ordering rules of the index, by name: an exploration undoes one of them and must then find a wrong answer.

/// A rule that [`crate::index`] states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "explore"), expect(unreachable_pub, reason = "public for explorations alone"))]
pub enum Rule {
    /// Rule 1: a page or a record is not handed out again while a search runs that could reach it.
    /// Undone: it is handed out at once.
    ReclaimAfterSearches,
    /// Rule 1: a search announces its epoch, and a sequentially consistent fence orders that before its first look
    /// at the tree. Undone: the announcement is relaxed and no fence follows.
    FenceAfterPin,
    /// Rule 1: the entries of a page are stored before the link that leads to the page, and the link is a release.
    /// Undone: the link is stored relaxed.
    EntriesBeforeLink,
    /// Rule 2: the old entry is cleared after the record leads to the new one.
    /// Undone: the old entry is cleared first.
    RecordBeforeOldEntry,
    /// Rule 3: a move is logged before its first store.
    /// Undone: it is logged after its last one.
    LogBeforeMove,
    /// Rule 3: a move is settled after the old entry is cleared.
    /// Undone: it is settled as soon as it is logged.
    SettleAfterMove,
    /// Rule 3: the fences of the log, which order its head before all stores of a move, and all loads of a search
    /// before its look at the head. Undone: there are none.
    LogFences,
    /// Rule 3: a driver who fills a gap in a chain of leaves is logged, although its position stays.
    /// Undone: it is not logged.
    LogChainMove,
    /// Rule 4: a move within a leaf stores the position and leaves the entry taken.
    /// Undone: the entry is cleared and filled again.
    OneStoreWithinLeaf,
    /// Rule 5: a record's version is odd while it changes.
    /// Undone: the version does not change.
    OddVersion,
    /// Rule 5: the fences of the version, which keep the stores after its odd value and the loads before its last
    /// look. Undone: there are none.
    VersionFences,
    /// Rule 6: the filter summaries of all pages above an entry have its driver before the entry does.
    /// Undone: they get it afterwards.
    SummaryBeforeEntry,
    /// Rule 7: a shard's coverage is withdrawn before its drivers are dropped, and a search looks at it again.
    /// Undone: the search trusts its first look.
    CoverAfterSearch,
}
