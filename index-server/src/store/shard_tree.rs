//! The root of a shard's tree, and whether the shard is covered.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::page::PageLinkCell;
use crate::sync::{AtomicU64, fence};

/// A shard's tree.
#[derive(Default)]
pub(crate) struct ShardTree {
    pub(crate) root: PageLinkCell,
    /// A [`CoverageVersion`].
    coverage: AtomicU64,
}

/// Counts the changes of a shard's coverage; odd while the shard is covered. Equal odd versions at the start and the end
/// of a search show that the shard was covered all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoverageVersion(u64);

impl CoverageVersion {
    pub(crate) fn is_covered(self) -> bool {
        self.0 & 1 == 1
    }
}

impl ShardTree {
    pub(crate) fn coverage(&self) -> CoverageVersion {
        CoverageVersion(self.coverage.load(Acquire))
    }

    /// As [`ShardTree::coverage`], after all earlier loads.
    pub(crate) fn coverage_after(&self) -> CoverageVersion {
        // Keeps the loads of the tree before the load of the version. Pairs with the fence in `set_covered`.
        fence(Acquire);
        CoverageVersion(self.coverage.load(Relaxed))
    }

    /// Shows searches whether the shard is covered, before any later change of the writer.
    pub(crate) fn set_covered(&self, covered: bool) {
        let version = self.coverage.load(Relaxed);
        if CoverageVersion(version).is_covered() != covered {
            self.coverage.store(version + 1, Release);
            // Keeps the version before the stores that drop the shard's drivers.
            fence(Release);
        }
    }
}
