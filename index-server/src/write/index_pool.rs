//! Hands out the indices of one kind of page or record, and takes them back.

use std::collections::VecDeque;

/// Indices that are free, and indices that wait until no search can reach what they name.
pub(crate) struct IndexPool<I> {
    next: u32,
    free: Vec<I>,
    /// Indices with the epoch in which they were unlinked, oldest first.
    retired: VecDeque<(u64, I)>,
}

impl<I: Copy + From<u32>> IndexPool<I> {
    /// Hands out numbers from 1 on.
    pub(crate) fn new() -> Self {
        Self { next: 1, free: Vec::new(), retired: VecDeque::new() }
    }

    /// Returns an index, and whether it is handed out for the first time.
    pub(crate) fn take(&mut self) -> (I, bool) {
        if let Some(index) = self.free.pop() {
            return (index, false);
        }
        self.next += 1;
        (I::from(self.next - 1), true)
    }

    /// Returns how many indices can still be handed out, of `limit` in all.
    pub(crate) fn available(&self, limit: usize) -> usize {
        limit.saturating_sub(self.next as usize) + self.free.len()
    }

    /// Takes back an index that was unlinked in this epoch.
    pub(crate) fn retire(&mut self, epoch: u64, index: I) {
        self.retired.push_back((epoch, index));
    }

    /// Frees all indices that were unlinked before `oldest`, see [`crate::store::epoch::Epochs::advance`].
    pub(crate) fn reclaim(&mut self, oldest: u64) {
        while let Some(index) = self.take_reclaimable(oldest) {
            self.free.push(index);
        }
    }

    /// Removes one index that was unlinked before `oldest`. The caller frees it by [`IndexPool::free`].
    pub(crate) fn take_reclaimable(&mut self, oldest: u64) -> Option<I> {
        let (epoch, index) = *self.retired.front()?;
        if epoch >= oldest {
            return None;
        }
        self.retired.pop_front();
        Some(index)
    }

    /// Makes an index available again.
    pub(crate) fn free(&mut self, index: I) {
        self.free.push(index);
    }

    /// Memory of the lists, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.free.capacity() * size_of::<I>() + self.retired.capacity() * size_of::<(u64, I)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::epoch::Epochs;

    #[test]
    fn an_index_returns_when_the_searches_that_could_reach_it_have_ended() {
        let epochs = Epochs::new();
        let mut pool: IndexPool<u32> = IndexPool::new();
        assert_eq!(pool.take(), (1, true));
        let pin = epochs.pin().unwrap();
        pool.retire(epochs.now(), 1);
        pool.reclaim(epochs.advance());
        assert_eq!(pool.take(), (2, true));
        let later = epochs.pin().unwrap();
        drop(pin);
        pool.reclaim(epochs.advance());
        assert_eq!(pool.take(), (1, false));
        drop(later);
    }
}
