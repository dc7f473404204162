//! Records which drivers moved between leaves lately.
//!
//! A search that overlaps a move may miss the driver or meet it twice. It therefore reads, at its end, the records of
//! all drivers whose moves were not settled when it began.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::indices::RecordIndex;
use crate::sync::{AtomicU32, AtomicU64, Rule, fence, size, undone};

/// Moves that the log holds. At 400,000 moves a second (2 M updates/s, every fifth to another leaf) these are two
/// thirds of a second, many times the longest search.
const MOVES: u64 = size(1 << 18, 64) as u64;

/// A ring of record indices. Only the writer writes it.
pub(crate) struct MoveLog {
    /// Moves that have begun.
    head: AtomicU64,
    /// Moves that are over: their old entries are vacant.
    settled: AtomicU64,
    ring: Box<[AtomicU32]>,
}

/// More drivers moved than the ring holds.
#[derive(Debug)]
pub(crate) struct LogOverrun;

impl MoveLog {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            ring: (0..MOVES).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Announces that this record is about to move. A search that sees any store after this call, and then calls
    /// [`MoveLog::since`], finds the record there.
    #[inline]
    pub(crate) fn log(&self, record: RecordIndex) {
        let head = self.head.load(Relaxed);
        // A search that sees this index where an older one stood also sees that the head has passed, because a
        // release fence published the previous head.
        self.ring[(head % MOVES) as usize].store(record.get(), Relaxed);
        self.head.store(head + 1, Release);
        // Orders the head before all later stores of the move, relaxed ones too. Pairs with the fence in `since`.
        if !undone(Rule::LogFences) {
            fence(Release);
        }
    }

    /// Announces that all logged moves are over.
    #[inline]
    pub(crate) fn settle(&self) {
        // A release: the old entry is vacant before the move leaves the part of the log that searches read.
        self.settled.store(self.head.load(Relaxed), Release);
    }

    /// Returns where a search starts that has read nothing yet. Moves that are under way lie behind this point.
    #[inline]
    pub(crate) fn start(&self) -> u64 {
        self.settled.load(Acquire)
    }

    /// Adds to `moved` the records that moved since `start`.
    #[inline]
    pub(crate) fn since(&self, start: u64, moved: &mut Vec<RecordIndex>) -> Result<(), LogOverrun> {
        // Orders all loads of the search before the load of the head. Pairs with the fence in `log`.
        if !undone(Rule::LogFences) {
            fence(Acquire);
        }
        let head = self.head.load(Acquire);
        if head == start {
            return Ok(());
        }
        if head - start >= MOVES {
            return Err(LogOverrun);
        }
        let records = (start..head).map(|i| self.ring[(i % MOVES) as usize].load(Relaxed));
        moved.extend(records.map(RecordIndex::new));
        // Orders the loads of the ring before the second load of the head.
        fence(Acquire);
        // The writer fills one place before the head passes it, so that place is not valid either: hence `>=`.
        if self.head.load(Relaxed) - start >= MOVES { Err(LogOverrun) } else { Ok(()) }
    }

    /// Memory of the ring, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_returns_the_moves_since_a_start_until_the_ring_is_overrun() {
        let log = MoveLog::new();
        let push = |record| log.log(RecordIndex::new(record));
        push(0);
        log.settle();
        push(1);
        let start = log.start();
        let mut moved = Vec::new();
        log.since(start, &mut moved).unwrap();
        assert_eq!(moved, [1].map(RecordIndex::new));
        moved.clear();
        push(2);
        push(3);
        log.since(start, &mut moved).unwrap();
        assert_eq!(moved, [1, 2, 3].map(RecordIndex::new));
        for record in 0..MOVES as u32 {
            push(record);
        }
        assert!(log.since(start, &mut moved).is_err());
    }
}
