//! Decides when a page that the writer has unlinked is out of every search's reach.
//!
//! That is so once every search that ran at the moment of unlinking has ended (epoch-based reclamation: Fraser,
//! "Practical lock-freedom", 2004, 5.2.3). Pages are recycled and never freed, so this is about right answers, not
//! about memory safety.

use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

use crate::sync::{AtomicU64, AtomicUsize, Rule, fence, size, undone};

/// Maximum number of searches at one instant. A search runs without awaiting, so this bounds threads.
pub(crate) const READERS_MAX: usize = size(256, 4);

/// The current epoch, and the epoch in which each search began. Epochs count from 1; 0 marks a free slot.
pub(crate) struct Epochs {
    now: AtomicU64,
    reader_slots: Box<[ReaderSlot]>,
    /// The slot of the last search. The next search looks for a free slot from there on.
    hint: AtomicUsize,
}

/// A search's own cache line.
#[derive(Default)]
#[repr(align(64))]
struct ReaderSlot(AtomicU64);

impl Epochs {
    pub(crate) fn new() -> Self {
        let reader_slots = (0..READERS_MAX).map(|_| ReaderSlot::default()).collect();
        Self { now: AtomicU64::new(1), reader_slots, hint: AtomicUsize::new(0) }
    }

    /// Keeps everything that is reachable now from being reused until the pin is dropped. Returns `None` when all
    /// slots are taken.
    pub(crate) fn pin(&self) -> Option<Pin<'_>> {
        let first = self.hint.load(Relaxed);
        for i in 0..READERS_MAX {
            let at = (first + i) % READERS_MAX;
            let slot = &self.reader_slots[at].0;
            let mut epoch = self.now.load(SeqCst);
            let order = if undone(Rule::FenceAfterPin) { Relaxed } else { SeqCst };
            // The relaxed load skips taken slots without a write to their cache line.
            if slot.load(Relaxed) != 0 || slot.compare_exchange(0, epoch, order, Relaxed).is_err() {
                continue;
            }
            if undone(Rule::FenceAfterPin) {
                return Some(Pin(slot));
            }
            if i > 0 {
                self.hint.store(at, Relaxed);
            }
            // The writer may have advanced the epoch and read the slots before this one was taken. If the epoch has
            // not changed over the taking, the writer will see this slot before it reuses anything that this search
            // can reach. The epoch advances once a chunk of updates, so the loop is short.
            loop {
                // Pairs with the fence in `advance`: either the writer sees the slot, or this load sees its epoch.
                fence(SeqCst);
                let now = self.now.load(SeqCst);
                if now == epoch {
                    return Some(Pin(slot));
                }
                epoch = now;
                slot.store(epoch, SeqCst);
            }
        }
        None
    }

    /// The epoch in which the writer unlinks pages.
    pub(crate) fn now(&self) -> u64 {
        // Only the writer changes it, and only the writer calls this.
        self.now.load(Relaxed)
    }

    /// Advances the epoch and returns the oldest one in which a search still runs. What was unlinked in an older
    /// epoch is out of every search's reach. Only the writer calls this.
    pub(crate) fn advance(&self) -> u64 {
        let next = self.now.load(Relaxed) + 1;
        self.now.store(next, SeqCst);
        // Pairs with the fence in `pin`.
        fence(SeqCst);
        let readers = self.reader_slots.iter().map(|slot| slot.0.load(SeqCst)).filter(|epoch| *epoch != 0);
        readers.fold(next, u64::min)
    }
}

/// Marks a running search; dropping it ends the search.
pub(crate) struct Pin<'a>(&'a AtomicU64);

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        // A release: all loads of the search come before the slot is free.
        self.0.store(0, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_slots_are_limited_and_reused() {
        let epochs = Epochs::new();
        let pins: Vec<_> = (0..READERS_MAX).map(|_| epochs.pin().unwrap()).collect();
        assert!(epochs.pin().is_none());
        drop(pins);
        assert!(epochs.pin().is_some());
    }
}
