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

/// Cost units between two checks for a cancellation: some 80 µs.
const CHECK_UNITS: usize = 256;
/// Edges of a polygon whose comparison with a cell or a driver costs as much as a leaf.
const EDGES_PER_UNIT: usize = 32;

/// How long a search may run. The unit of cost is the reading of one leaf, some 300 ns.
pub struct SearchBudget<'a> {
    /// Maximum cost, in leaves.
    pub leaves_max: usize,
    /// Called once in a while; true ends the search.
    pub is_cancelled: &'a dyn Fn() -> bool,
    spent: usize,
    next_check: usize,
}

impl<'a> SearchBudget<'a> {
    /// Allows the cost of `leaves_max` leaves, until `is_cancelled` returns true.
    pub fn new(leaves_max: usize, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { leaves_max, is_cancelled, spent: 0, next_check: CHECK_UNITS }
    }

    /// Counts one more leaf.
    #[inline]
    pub(super) fn spend_leaf(&mut self) -> Result<(), SearchAbort> {
        self.spend(1)
    }

    /// Counts comparisons with a polygon of this many edges.
    #[inline]
    pub(super) fn spend_edges(&mut self, comparisons: usize, edges: usize) -> Result<(), SearchAbort> {
        // A comparison reads a part of the edges; of a zigzag it may read all of them.
        self.spend((comparisons * edges).div_ceil(EDGES_PER_UNIT))
    }

    #[inline]
    fn spend(&mut self, units: usize) -> Result<(), SearchAbort> {
        self.spent += units;
        if self.spent > self.leaves_max {
            return Err(SearchAbort::BudgetExceeded);
        }
        if self.spent >= self.next_check {
            self.next_check = self.spent + CHECK_UNITS;
            if (self.is_cancelled)() {
                return Err(SearchAbort::Cancelled);
            }
        }
        Ok(())
    }
}
