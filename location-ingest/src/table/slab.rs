//! Entries by dense slot, in chunks that never move, with a list of free slots and marks of what has changed.
//!
//! A mark is one bit for each slot. Setting it is one atomic instruction on a small array; setting it twice is the same as
//! once; and the set is read word by word. So the hot path has no queue that could be contended or overflow.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kerb_ports::Slot;
use parking_lot::Mutex;

use super::entry::Entry;
use super::entry_guard::EntryGuard;
use super::flags::{Flag, FlagWords, Flags};
use super::inline_id::LongIds;
use crate::error::IngestError;

/// Slots of a chunk: 256 KiB of entries.
pub(crate) const CHUNK: usize = 4096;
/// Entries that are prefetched together: a few times as many cache lines as a core requests in parallel.
const PREFETCHED: usize = 128;
const WORDS: usize = CHUNK / 64;

/// What has changed in a slot, and for which reader.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The state, for the fan-out.
    State,
    /// The profile, for the fan-out.
    Profile,
    /// The state, for the store.
    StoreState,
    /// The profile, for the store.
    StoreProfile,
}

const MARKS: usize = 4;

struct Chunk {
    /// An array: a slot's low bits need no bounds check.
    entries: Box<[Entry; CHUNK]>,
    marks: [Box<[AtomicU64]>; MARKS],
    flags: FlagWords,
    long_ids: LongIds,
}

impl Default for Chunk {
    fn default() -> Self {
        let entries: Vec<_> = (0..CHUNK).map(|_| Entry::default()).collect();
        let words = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            entries: entries.into_boxed_slice().try_into().expect("as many as a chunk has"),
            marks: std::array::from_fn(|_| words()),
            flags: FlagWords::new(CHUNK),
            long_ids: LongIds::default(),
        }
    }
}

/// All entries of a table.
pub(crate) struct Slab {
    chunks: Box<[OnceLock<Chunk>]>,
    slots_max: usize,
    /// Every slot that was ever allocated is below it.
    end: AtomicU32,
    free: Mutex<Vec<Slot>>,
}

impl Slab {
    /// Creates a slab with room for `slots_max` slots. It allocates memory chunk by chunk.
    pub(crate) fn new(slots_max: usize) -> Self {
        let chunks = (0..slots_max.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect();
        Self { chunks, slots_max, end: AtomicU32::new(0), free: Mutex::default() }
    }

    /// Allocates a free slot. [`IngestError::Overloaded`] when there is none.
    pub(crate) fn allocate(&self) -> Result<Slot, IngestError> {
        let mut free = self.free.lock();
        if let Some(slot) = free.pop() {
            return Ok(slot);
        }
        let slot = self.end.load(Ordering::Relaxed);
        if slot as usize >= self.slots_max {
            return Err(IngestError::Overloaded { what: "drivers of this node", limit: self.slots_max });
        }
        // The chunk comes before the end that lets readers see it. The lock of the free list orders the writers.
        self.chunks[slot as usize / CHUNK].get_or_init(Chunk::default);
        self.end.store(slot + 1, Ordering::Release);
        Ok(Slot::new(slot))
    }

    /// Allocates all slots below `end`, and frees those that `used` does not name. Only legal as the first call.
    pub(crate) fn restore(&self, end: Slot, used: impl Fn(Slot) -> bool) -> Result<(), IngestError> {
        if end.index() > self.slots_max {
            return Err(IngestError::Overloaded { what: "drivers of this node", limit: self.slots_max });
        }
        for chunk in &self.chunks[..end.index().div_ceil(CHUNK)] {
            chunk.get_or_init(Chunk::default);
        }
        *self.free.lock() = (0..end.get()).rev().map(Slot::new).filter(|slot| !used(*slot)).collect();
        self.end.store(end.get(), Ordering::Release);
        Ok(())
    }

    /// Frees a slot that nothing refers to.
    pub(crate) fn release(&self, slot: Slot) {
        self.free.lock().push(slot);
    }

    /// Returns the end of the slots: every allocated slot is below it.
    pub(crate) fn end(&self) -> Slot {
        Slot::new(self.end.load(Ordering::Acquire))
    }

    /// Returns the entry of an allocated slot.
    #[inline]
    pub(crate) fn entry(&self, slot: Slot) -> &Entry {
        &self.chunk(slot.index() / CHUNK).entries[slot.index() % CHUNK]
    }

    /// Locks the entry of an allocated slot.
    #[inline]
    pub(crate) fn lock(&self, slot: Slot) -> EntryGuard<'_> {
        let chunk = self.chunk(slot.index() / CHUNK);
        EntryGuard::new(&chunk.entries[slot.index() % CHUNK], &chunk.long_ids)
    }

    /// Hands the entries of some slots to `visit`. For slots in order it is several times as fast as single look-ups, because
    /// it prefetches many entries before it reads the first.
    #[inline]
    pub(crate) fn entries(&self, slots: &[Slot], mut visit: impl FnMut(Slot, &Entry)) {
        for run in slots.chunk_by(|a, b| a.index() / CHUNK == b.index() / CHUNK) {
            let entries = &*self.chunk(run[0].index() / CHUNK).entries;
            for slots in run.chunks(PREFETCHED) {
                let sum = slots.iter().fold(0, |sum, slot| sum ^ entries[slot.index() % CHUNK].prefetch());
                // Without a use of the sum, the compiler would remove the loads.
                std::hint::black_box(sum);
                for slot in slots {
                    visit(*slot, &entries[slot.index() % CHUNK]);
                }
            }
        }
    }

    /// Returns the flags of an allocated slot.
    #[inline]
    pub(crate) fn flags(&self, slot: Slot) -> Flags {
        self.chunk(slot.index() / CHUNK).flags.get(slot.index() % CHUNK)
    }

    /// Sets or clears a flag of an allocated slot. Returns whether it changed.
    pub(crate) fn set_flag(&self, slot: Slot, flag: Flag, on: bool) -> bool {
        self.chunk(slot.index() / CHUNK).flags.set(slot.index() % CHUNK, flag, on)
    }

    /// Sets a mark. Call it after the change: a reader that takes the mark then sees the change.
    #[inline]
    pub(crate) fn mark(&self, mark: Mark, slot: Slot) {
        self.mark_word(mark, slot.index() / 64, 1 << (slot.get() % 64));
    }

    /// Sets up to 64 marks.
    fn mark_word(&self, mark: Mark, word: usize, bits: u64) {
        self.chunk(word / WORDS).marks[mark as usize][word % WORDS].fetch_or(bits, Ordering::AcqRel);
    }

    /// Sets the marks of several words.
    pub(crate) fn mark_words<'a>(&self, mark: Mark, words: impl IntoIterator<Item = &'a (usize, u64)>) {
        for (word, bits) in words {
            self.mark_word(mark, *word, *bits);
        }
    }

    /// Takes all marks of a kind. Hands each word that has some to `visit`, as its number and its bits.
    pub(crate) fn take_marks(&self, mark: Mark, mut visit: impl FnMut(usize, u64)) {
        for (number, chunk) in self.allocated_chunks() {
            for (word, bits) in chunk.marks[mark as usize].iter().enumerate() {
                // The cheap load first: most words are 0.
                if bits.load(Ordering::Relaxed) != 0 {
                    visit(number * WORDS + word, bits.swap(0, Ordering::AcqRel));
                }
            }
        }
    }

    /// Returns the number of marks of a kind that are set.
    pub(crate) fn count_marks(&self, mark: Mark) -> u64 {
        let words = self.allocated_chunks().flat_map(|(_, chunk)| chunk.marks[mark as usize].iter());
        words.map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }

    fn allocated_chunks(&self) -> impl Iterator<Item = (usize, &Chunk)> {
        let end = self.end().index().div_ceil(CHUNK);
        self.chunks[..end].iter().enumerate().filter_map(|(number, chunk)| chunk.get().map(|c| (number, c)))
    }

    #[inline]
    fn chunk(&self, number: usize) -> &Chunk {
        self.chunks[number].get().expect("a slot is allocated after its chunk")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::bitset::slots_of;

    #[test]
    fn slots_are_dense_bounded_and_used_again() {
        let slab = Slab::new(3);
        assert_eq!((0..3).map(|_| slab.allocate().unwrap()).collect::<Vec<_>>(), [0, 1, 2].map(Slot::new));
        assert_eq!(slab.allocate(), Err(IngestError::Overloaded { what: "drivers of this node", limit: 3 }));
        slab.release(Slot::new(1));
        assert_eq!(slab.allocate(), Ok(Slot::new(1)));
    }

    #[test]
    fn restored_holes_are_free() {
        let slab = Slab::new(10);
        slab.restore(Slot::new(4), |slot| slot.get() % 2 == 1).unwrap();
        assert_eq!(
            [slab.allocate(), slab.allocate(), slab.allocate()],
            [0, 2, 4].map(|slot| Ok(Slot::new(slot)))
        );
        assert!(slab.restore(Slot::new(11), |_| true).is_err());
    }

    #[test]
    fn marks_are_taken_once() {
        let slab = Slab::new(10_000);
        slab.restore(Slot::new(9_000), |_| true).unwrap();
        for slot in [0, 63, 64, 5_000, 8_999, 5_000] {
            slab.mark(Mark::State, Slot::new(slot));
        }
        assert_eq!(slab.count_marks(Mark::State), 5);
        let mut slots = Vec::new();
        slab.take_marks(Mark::State, |word, bits| slots.extend(slots_of(word, bits)));
        assert_eq!(slots, [0, 63, 64, 5_000, 8_999].map(Slot::new));
        assert_eq!(slab.count_marks(Mark::State), 0);
        assert_eq!(slab.count_marks(Mark::Profile), 0);
    }
}
