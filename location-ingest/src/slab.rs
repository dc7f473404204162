//! Entries by dense slot, in chunks that never move, with a free list and the marks of what changed.
//!
//! A mark is one bit a slot: setting it is one atomic instruction on a small array, setting it twice is nothing
//! new, and the set is read word by word. So the hot path has no queue to contend for or to overflow.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kerb_ports::{Error, Slot};
use parking_lot::Mutex;

use crate::entry::Entry;
use crate::held::Held;
use crate::name::LongIds;

/// Slots of a chunk: 256 KiB of entries.
pub(crate) const CHUNK: usize = 4096;
/// Entries whose cache lines are asked for at once: a few times as many as a core waits for in parallel.
const TOUCHED_AHEAD: usize = 128;
const WORDS: usize = CHUNK / 64;

/// What happened to a slot since somebody last looked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// Its state: for the links.
    State,
    /// Its profile: for the links.
    Profile,
    /// Its state: for the store.
    StoreState,
    /// Its profile: for the store.
    StoreProfile,
}

const MARKS: usize = 4;

struct Chunk {
    /// An array: a slot's low bits need no bounds check.
    entries: Box<[Entry; CHUNK]>,
    marks: [Box<[AtomicU64]>; MARKS],
    long: LongIds,
}

impl Default for Chunk {
    fn default() -> Self {
        let entries: Vec<_> = (0..CHUNK).map(|_| Entry::default()).collect();
        let words = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            entries: entries.into_boxed_slice().try_into().expect("as many as a chunk has"),
            marks: std::array::from_fn(|_| words()),
            long: LongIds::default(),
        }
    }
}

/// Slots in use and free.
pub(crate) struct Slab {
    chunks: Box<[OnceLock<Chunk>]>,
    slots_max: usize,
    /// Slots below it have been given out at some time.
    end: AtomicU32,
    free: Mutex<Vec<Slot>>,
}

impl Slab {
    /// Room for `slots_max` slots; memory comes chunk by chunk.
    pub(crate) fn new(slots_max: usize) -> Self {
        let chunks = (0..slots_max.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect();
        Self { chunks, slots_max, end: AtomicU32::new(0), free: Mutex::default() }
    }

    /// A free slot. [`Error::Overloaded`] when there is none.
    pub(crate) fn allocate(&self) -> Result<Slot, Error> {
        let mut free = self.free.lock();
        if let Some(slot) = free.pop() {
            return Ok(slot);
        }
        let slot = self.end.load(Ordering::Relaxed);
        if slot as usize >= self.slots_max {
            return Err(Error::Overloaded { what: "drivers of this node", limit: self.slots_max });
        }
        // The chunk comes before the end that lets others see it; the free list's lock orders the writers.
        self.chunks[slot as usize / CHUNK].get_or_init(Chunk::default);
        self.end.store(slot + 1, Ordering::Release);
        Ok(slot)
    }

    /// Gives out all slots below `end` that `used` does not name as free ones. Once, before anything else.
    pub(crate) fn restore(&self, end: Slot, used: impl Fn(Slot) -> bool) -> Result<(), Error> {
        if end as usize > self.slots_max {
            return Err(Error::Overloaded { what: "drivers of this node", limit: self.slots_max });
        }
        for chunk in &self.chunks[..(end as usize).div_ceil(CHUNK)] {
            chunk.get_or_init(Chunk::default);
        }
        *self.free.lock() = (0..end).rev().filter(|slot| !used(*slot)).collect();
        self.end.store(end, Ordering::Release);
        Ok(())
    }

    /// Takes a slot back that nobody names any more.
    pub(crate) fn release(&self, slot: Slot) {
        self.free.lock().push(slot);
    }

    /// Slots are below this number.
    pub(crate) fn end(&self) -> Slot {
        self.end.load(Ordering::Acquire)
    }

    /// The entry of a slot that was given out.
    #[inline]
    pub(crate) fn entry(&self, slot: Slot) -> &Entry {
        &self.chunk(slot as usize / CHUNK).entries[slot as usize % CHUNK]
    }

    /// The same, under its lock.
    #[inline]
    pub(crate) fn hold(&self, slot: Slot) -> Held<'_> {
        let chunk = self.chunk(slot as usize / CHUNK);
        Held::new(&chunk.entries[slot as usize % CHUNK], &chunk.long)
    }

    /// The entries of some slots. Several times as fast as one by one where the slots are in order: many lines of
    /// memory are asked for before the first is read.
    #[inline]
    pub(crate) fn entries(&self, slots: &[Slot], mut each: impl FnMut(Slot, &Entry)) {
        for run in slots.chunk_by(|a, b| *a as usize / CHUNK == *b as usize / CHUNK) {
            let entries = &*self.chunk(run[0] as usize / CHUNK).entries;
            for slots in run.chunks(TOUCHED_AHEAD) {
                let touched = slots.iter().fold(0, |sum, slot| sum ^ entries[*slot as usize % CHUNK].touch());
                std::hint::black_box(touched);
                for slot in slots {
                    each(*slot, &entries[*slot as usize % CHUNK]);
                }
            }
        }
    }

    /// Sets a mark. Call it after the change: who takes the mark sees the change.
    #[inline]
    pub(crate) fn mark(&self, mark: Mark, slot: Slot) {
        self.mark_word(mark, slot as usize / 64, 1 << (slot % 64));
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

    /// Takes all marks of a kind: answers each word with marks, by its number, and its bits.
    pub(crate) fn take_marks(&self, mark: Mark, mut taken: impl FnMut(usize, u64)) {
        for (number, chunk) in self.given_out() {
            for (word, bits) in chunk.marks[mark as usize].iter().enumerate() {
                if bits.load(Ordering::Relaxed) != 0 {
                    taken(number * WORDS + word, bits.swap(0, Ordering::AcqRel));
                }
            }
        }
    }

    /// How many marks of a kind are set.
    pub(crate) fn count_marks(&self, mark: Mark) -> u64 {
        let words = self.given_out().flat_map(|(_, chunk)| chunk.marks[mark as usize].iter());
        words.map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }

    fn given_out(&self) -> impl Iterator<Item = (usize, &Chunk)> {
        let end = (self.end() as usize).div_ceil(CHUNK);
        self.chunks[..end].iter().enumerate().filter_map(|(number, chunk)| chunk.get().map(|c| (number, c)))
    }

    #[inline]
    fn chunk(&self, number: usize) -> &Chunk {
        self.chunks[number].get().expect("a slot is given out after its chunk was made")
    }
}

/// The slots of a word of marks.
pub(crate) fn slots_of(word: usize, mut bits: u64) -> impl Iterator<Item = Slot> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            word as Slot * 64 + bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_dense_bounded_and_given_again() {
        let slab = Slab::new(3);
        assert_eq!((0..3).map(|_| slab.allocate().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(slab.allocate(), Err(Error::Overloaded { what: "drivers of this node", limit: 3 }));
        slab.release(1);
        assert_eq!(slab.allocate(), Ok(1));
    }

    #[test]
    fn restored_holes_are_free() {
        let slab = Slab::new(10);
        slab.restore(4, |slot| slot % 2 == 1).unwrap();
        assert_eq!([slab.allocate(), slab.allocate(), slab.allocate()], [Ok(0), Ok(2), Ok(4)]);
        assert!(slab.restore(11, |_| true).is_err());
    }

    #[test]
    fn marks_are_taken_once() {
        let slab = Slab::new(10_000);
        slab.restore(9_000, |_| true).unwrap();
        for slot in [0, 63, 64, 5_000, 8_999, 5_000] {
            slab.mark(Mark::State, slot);
        }
        assert_eq!(slab.count_marks(Mark::State), 5);
        let mut slots = Vec::new();
        slab.take_marks(Mark::State, |word, bits| slots.extend(slots_of(word, bits)));
        assert_eq!(slots, [0, 63, 64, 5_000, 8_999]);
        assert_eq!(slab.count_marks(Mark::State), 0);
        assert_eq!(slab.count_marks(Mark::Profile), 0);
    }
}
