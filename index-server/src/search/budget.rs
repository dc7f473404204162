//! Limits how much a search may read.

/// Why a search ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchAbort {
    /// It would read more leaves than its budget allows.
    BudgetExceeded,
    /// Its caller does not wait for the answer any more.
    Cancelled,
    /// It started too often; it must run while the writer is locked out.
    Contended,
    /// Too many searches run at this instant.
    TooManySearches,
}

/// How long a search may run.
pub struct SearchBudget<'a> {
    /// Maximum number of leaves that it reads.
    pub leaves_max: usize,
    /// Called once in a while; true ends the search.
    pub is_cancelled: &'a dyn Fn() -> bool,
    leaves: usize,
}

impl<'a> SearchBudget<'a> {
    /// Allows `leaves_max` leaves, until `is_cancelled` returns true.
    pub fn new(leaves_max: usize, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { leaves_max, is_cancelled, leaves: 0 }
    }

    /// Counts one more leaf.
    #[inline]
    pub(super) fn spend_leaf(&mut self) -> Result<(), SearchAbort> {
        self.leaves += 1;
        if self.leaves > self.leaves_max {
            return Err(SearchAbort::BudgetExceeded);
        }
        if self.leaves.is_multiple_of(1_024) && (self.is_cancelled)() {
            return Err(SearchAbort::Cancelled);
        }
        Ok(())
    }
}
