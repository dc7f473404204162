//! An array that grows in place: chunks are added and never moved or freed, so a reader needs no lock and an index
//! stays good while the array grows.

use std::sync::OnceLock;

use crate::sync::size;

/// Bits of an index within a chunk: 8,192 elements, small beside a city and large beside the directory.
const CHUNK_BITS: u32 = size(13, 6) as u32;
/// Elements of a chunk.
const CHUNK: usize = 1 << CHUNK_BITS;

/// Elements by `u32`. They change through `&self`, so they are made of atomics.
pub(crate) struct Arena<T> {
    chunks: Box<[OnceLock<Box<[T; CHUNK]>>]>,
}

impl<T: Default> Arena<T> {
    /// Room for `limit` elements, rounded up to whole chunks; nothing is allocated but the directory.
    pub(crate) fn new(limit: usize) -> Self {
        Self { chunks: (0..limit.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect() }
    }

    /// Elements that it can ever hold.
    pub(crate) fn limit(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// The element; its chunk must have been made.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        let chunk = self.chunks[(index >> CHUNK_BITS) as usize].get();
        &chunk.expect("an index is handed out after its chunk is made")[index as usize & (CHUNK - 1)]
    }

    /// Makes the chunk of `index` if it is not there.
    pub(crate) fn make(&self, index: u32) {
        self.chunks[(index >> CHUNK_BITS) as usize].get_or_init(|| {
            let elements: Box<[T]> = (0..CHUNK).map(|_| T::default()).collect();
            elements.try_into().unwrap_or_else(|_| unreachable!("as many elements as a chunk has"))
        });
    }

    /// Memory of the chunks and the directory.
    pub(crate) fn bytes(&self) -> usize {
        let made = self.chunks.iter().filter(|chunk| chunk.get().is_some()).count();
        made * CHUNK * size_of::<T>() + size_of_val(&*self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn elements_stay_where_they_are_while_it_grows() {
        let arena: Arena<AtomicU32> = Arena::new(3 * CHUNK);
        arena.make(5);
        let five = arena.get(5);
        five.store(55, Ordering::Relaxed);
        arena.make(2 * CHUNK as u32 + 1);
        assert!(std::ptr::eq(five, arena.get(5)));
        assert_eq!(arena.get(5).load(Ordering::Relaxed), 55);
        assert_eq!(arena.limit(), 3 * CHUNK);
        assert!(arena.bytes() >= 2 * CHUNK * 4);
    }
}
