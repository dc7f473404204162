//! An array that grows in place.
//!
//! Chunks are added and never moved or freed. A reader therefore needs no lock, and an index stays valid while the
//! array grows.

use std::sync::OnceLock;

use crate::sync::size;

/// Bits of an index within a chunk. A chunk of 8,192 elements is small compared with a city's fleet and large
/// compared with its entry in the directory.
const CHUNK_BITS: u32 = size(13, 6) as u32;
/// Elements of a chunk.
const CHUNK: usize = 1 << CHUNK_BITS;

/// What an [`Arena`] holds, with the type of its index.
pub(crate) trait Element: Default {
    type Index: Copy + Into<u32>;
}

/// Elements by index. They change through `&self`, so they consist of atomics.
pub(crate) struct Arena<T> {
    chunks: Box<[OnceLock<Box<[T; CHUNK]>>]>,
}

impl<T: Element> Arena<T> {
    /// Makes room for `limit` elements, rounded up to whole chunks. Only the directory is allocated.
    pub(crate) fn new(limit: usize) -> Self {
        Self { chunks: (0..limit.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect() }
    }

    /// Maximum number of elements.
    pub(crate) fn limit(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Returns the element. Its chunk must be allocated.
    #[inline]
    pub(crate) fn get(&self, index: T::Index) -> &T {
        let index: u32 = index.into();
        let chunk = self.chunks[(index >> CHUNK_BITS) as usize].get();
        &chunk.expect("an index is handed out after its chunk is allocated")[index as usize & (CHUNK - 1)]
    }

    /// Allocates the chunk of `index` if it is missing.
    pub(crate) fn allocate(&self, index: T::Index) {
        self.chunks[(index.into() >> CHUNK_BITS) as usize].get_or_init(|| {
            let elements: Box<[T]> = (0..CHUNK).map(|_| T::default()).collect();
            elements.try_into().unwrap_or_else(|_| unreachable!("as many elements as a chunk has"))
        });
    }

    /// Memory of the chunks and the directory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let allocated = self.chunks.iter().filter(|chunk| chunk.get().is_some()).count();
        allocated * CHUNK * size_of::<T>() + size_of_val(&*self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    impl Element for AtomicU32 {
        type Index = u32;
    }

    #[test]
    fn elements_stay_where_they_are_while_it_grows() {
        let arena: Arena<AtomicU32> = Arena::new(3 * CHUNK);
        arena.allocate(5);
        let five = arena.get(5);
        five.store(55, Ordering::Relaxed);
        arena.allocate(2 * CHUNK as u32 + 1);
        assert!(std::ptr::eq(five, arena.get(5)));
        assert_eq!(arena.get(5).load(Ordering::Relaxed), 55);
        assert_eq!(arena.limit(), 3 * CHUNK);
        assert!(arena.bytes() >= 2 * CHUNK * 4);
    }
}
