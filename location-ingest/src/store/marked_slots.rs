//! The changed slots of a flush, divided into commits.

use std::collections::VecDeque;

use crate::table::DriverTable;
use crate::table::slab::Mark;

/// Maximum words of 64 slots in one commit: bounds the memory of a flush after a burst.
const COMMIT_WORDS: usize = 1_024;

/// Marks that were taken from the table and are not yet written: words of 64 slots, in order.
#[derive(Clone)]
pub(super) struct MarkedSlots {
    states: VecDeque<(usize, u64)>,
    profiles: VecDeque<(usize, u64)>,
}

/// The marks of one commit. A slot's profile and its state are in the same commit.
pub(super) struct CommitSlots {
    pub(super) states: Vec<(usize, u64)>,
    pub(super) profiles: Vec<(usize, u64)>,
}

impl MarkedSlots {
    /// Takes the table's marks.
    pub(super) fn take(table: &DriverTable) -> Self {
        let (mut states, mut profiles) = (VecDeque::new(), VecDeque::new());
        // States first: the table sets a profile's mark before its state's mark, so every profile that belongs to a taken
        // state is taken too.
        table.slab().take_marks(Mark::StoreState, |word, bits| states.push_back((word, bits)));
        table.slab().take_marks(Mark::StoreProfile, |word, bits| profiles.push_back((word, bits)));
        Self { states, profiles }
    }

    /// Returns the slots of the next commit; `None` when all are written.
    pub(super) fn next_commit(&self) -> Option<CommitSlots> {
        let first = [self.states.front(), self.profiles.front()]
            .into_iter()
            .flatten()
            .map(|(word, _)| *word)
            .min()?;
        let end = first + COMMIT_WORDS;
        let below_end = |marks: &VecDeque<(usize, u64)>| {
            marks.iter().copied().take_while(|(word, _)| *word < end).collect()
        };
        Some(CommitSlots { states: below_end(&self.states), profiles: below_end(&self.profiles) })
    }

    /// Removes the slots of the last [`MarkedSlots::next_commit`], which are written.
    pub(super) fn remove(&mut self, written: &CommitSlots) {
        self.states.drain(..written.states.len());
        self.profiles.drain(..written.profiles.len());
    }

    /// Sets the marks in the table again, after a failure.
    pub(super) fn restore(&self, table: &DriverTable) {
        table.slab().mark_words(Mark::StoreState, &self.states);
        table.slab().mark_words(Mark::StoreProfile, &self.profiles);
    }
}

/// Returns the number of drivers whose newest state is not in the store.
pub(crate) fn lag(table: &DriverTable) -> u64 {
    table.slab().count_marks(Mark::StoreState)
}
