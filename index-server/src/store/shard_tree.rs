//! The root of a shard's tree, and whether the shard is covered.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::page::PageLinkCell;
use crate::sync::{AtomicU64, fence};

/// A shard's tree.
#[derive(Default)]
pub(crate) struct ShardTree {
    pub(crate) root: PageLinkCell,
    /// A [`CoverageStamp`].
    coverage: AtomicU64,
}

/// Counts the changes of a shard's coverage; odd while the shard is covered. Equal odd stamps at the start and the end
/// of a search show that the shard was covered all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoverageStamp(u64);

impl CoverageStamp {
    pub(crate) fn is_covered(self) -> bool {
        self.0 & 1 == 1
    }
}

impl ShardTree {
    pub(crate) fn coverage(&self) -> CoverageStamp {
        CoverageStamp(self.coverage.load(Acquire))
    }

    /// As [`ShardTree::coverage`], after all earlier loads.
    pub(crate) fn coverage_after(&self) -> CoverageStamp {
        // Keeps the loads of the tree before the load of the stamp. Pairs with the fence in `set_covered`.
        fence(Acquire);
        CoverageStamp(self.coverage.load(Relaxed))
    }

    /// Shows searches whether the shard is covered, before any later change of the writer.
    pub(crate) fn set_covered(&self, covered: bool) {
        let stamp = self.coverage.load(Relaxed);
        if CoverageStamp(stamp).is_covered() != covered {
            self.coverage.store(stamp + 1, Release);
            // Keeps the stamp before the stores that drop the shard's drivers.
            fence(Release);
        }
    }
}
