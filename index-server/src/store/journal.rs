//! Who entered a leaf lately: a search that overlapped a move between leaves may have missed the driver, or met it
//! twice, so it looks at everybody whose move was not over when it began.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sync::{AtomicU32, AtomicU64, Rule, fence, size, undone};

/// Moves that are remembered: at 400,000 a second (2 M updates/s, every fifth to another leaf) two thirds of a
/// second, many times the longest search.
const MOVES: u64 = size(1 << 18, 64) as u64;

/// A ring of record numbers, written by the writer alone.
pub(crate) struct Journal {
    /// Moves that have begun.
    head: AtomicU64,
    /// Moves that are over: the old entries are gone.
    done: AtomicU64,
    ring: Box<[AtomicU32]>,
}

/// More moves than the ring remembers.
#[derive(Debug)]
pub(crate) struct Lapped;

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicU64::new(0),
            done: AtomicU64::new(0),
            ring: (0..MOVES).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Says that this record is about to move. Whoever sees any store after this call and then asks
    /// [`Journal::since`] finds it there: the fences pair.
    #[inline]
    pub(crate) fn push(&self, record: u32) {
        let head = self.head.load(Relaxed);
        // A reader that sees this number where an older one stood also sees that the head has passed, because the
        // head before it was published by a release fence.
        self.ring[(head % MOVES) as usize].store(record, Relaxed);
        self.head.store(head + 1, Release);
        if !undone(Rule::LogFences) {
            fence(Release);
        }
    }

    /// Says that the moves that were pushed are over.
    #[inline]
    pub(crate) fn settle(&self) {
        self.done.store(self.head.load(Relaxed), Release);
    }

    /// Where a search starts that has read nothing yet: moves under way are not behind it.
    #[inline]
    pub(crate) fn start(&self) -> u64 {
        self.done.load(Acquire)
    }

    /// Adds to `moved` the records that moved since `start`.
    #[inline]
    pub(crate) fn since(&self, start: u64, moved: &mut Vec<u32>) -> Result<(), Lapped> {
        if !undone(Rule::LogFences) {
            fence(Acquire);
        }
        let head = self.head.load(Acquire);
        if head == start {
            return Ok(());
        }
        if head - start >= MOVES {
            return Err(Lapped);
        }
        moved.extend((start..head).map(|i| self.ring[(i % MOVES) as usize].load(Relaxed)));
        fence(Acquire);
        // One place is written before the head passes it: that one is not to be trusted either.
        if self.head.load(Relaxed) - start >= MOVES { Err(Lapped) } else { Ok(()) }
    }

    /// Memory of the ring.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_answered_since_a_start_and_not_when_lapped() {
        let journal = Journal::new();
        journal.push(0);
        journal.settle();
        journal.push(1);
        let start = journal.start();
        let mut moved = Vec::new();
        journal.since(start, &mut moved).unwrap();
        assert_eq!(moved, [1]);
        moved.clear();
        journal.push(2);
        journal.push(3);
        journal.since(start, &mut moved).unwrap();
        assert_eq!(moved, [1, 2, 3]);
        for record in 0..MOVES as u32 {
            journal.push(record);
        }
        assert!(journal.since(start, &mut moved).is_err());
    }
}
