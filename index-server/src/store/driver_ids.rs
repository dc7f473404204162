//! The drivers' ids by record, in atomics like everything that searches read.
//!
//! An id is written before a search can find its record, and stays until no search can find the record any more. It
//! therefore needs no version. Ids of up to 15 bytes are stored in place, four in a cache line. A longer id is stored in
//! a second array, whose elements have the size of the longest id.

use std::sync::atomic::Ordering::Relaxed;

use kerb_types::DriverId;
use kerb_types::limits::DRIVER_ID_BYTES_MAX as BYTES_MAX;

use super::arena::{Arena, Element};
use super::indices::RecordIndex;
use crate::sync::AtomicU64;

/// Maximum length of an id that is stored in place. The last byte of its words is the length, or 0 for a long id.
const SHORT: usize = 15;

/// An id of up to [`SHORT`] bytes, or the index and the length of a longer id.
#[derive(Default)]
#[repr(align(16))]
pub(crate) struct IdWords([AtomicU64; 2]);

impl Element for IdWords {
    type Index = RecordIndex;
}

/// The bytes of an id that is stored in place, aligned for loads of whole words.
#[derive(Default)]
#[repr(align(16))]
struct ShortIdBytes([u8; SHORT + 1]);

/// The bytes of a longer id.
#[derive(Default)]
#[repr(align(64))]
struct LongId([AtomicU64; BYTES_MAX / 8]);

impl Element for LongId {
    type Index = u32;
}

/// The ids of all records.
pub(crate) struct DriverIds {
    words: Arena<IdWords>,
    long: Arena<LongId>,
}

/// The indices of long ids, which the writer hands out.
#[derive(Default)]
pub(crate) struct LongIdPool {
    next: u32,
    free: Vec<u32>,
}

/// A copy of an id's bytes.
pub(crate) struct IdText {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl IdText {
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn to_id(&self) -> DriverId {
        let text = std::str::from_utf8(self.as_bytes()).expect("the bytes of an id are text");
        DriverId::new(text).expect("the text of an id is one")
    }
}

impl DriverIds {
    /// Makes room for the ids of the records below `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self { words: Arena::new(limit), long: Arena::new(limit) }
    }

    /// Sets the id of a record that no search can find.
    pub(crate) fn set(&self, record: RecordIndex, id: &DriverId, long_ids: &mut LongIdPool) {
        self.words.allocate(record);
        let bytes = id.as_str().as_bytes();
        let mut words = [0; 2 * 8];
        if bytes.len() <= SHORT {
            words[..bytes.len()].copy_from_slice(bytes);
            // At most 15.
            words[SHORT] = bytes.len() as u8;
        } else {
            let long = self.take_long_id(long_ids);
            let mut all = [0; BYTES_MAX];
            all[..bytes.len()].copy_from_slice(bytes);
            for (word, bytes) in self.long.get(long).0.iter().zip(all.as_chunks().0) {
                word.store(u64::from_le_bytes(*bytes), Relaxed);
            }
            words[..4].copy_from_slice(&long.to_le_bytes());
            // At most `BYTES_MAX`, which is below 256.
            words[4] = bytes.len() as u8;
        }
        for (word, bytes) in self.words.get(record).0.iter().zip(words.as_chunks().0) {
            word.store(u64::from_le_bytes(*bytes), Relaxed);
        }
    }

    /// Copies the id of a record that has one.
    #[inline]
    pub(crate) fn get(&self, record: RecordIndex) -> IdText {
        let [low, high] = self.words.get(record).0.each_ref().map(|word| word.load(Relaxed));
        let mut bytes = [0; BYTES_MAX];
        bytes[..8].copy_from_slice(&low.to_le_bytes());
        bytes[8..16].copy_from_slice(&high.to_le_bytes());
        let len = usize::from(bytes[SHORT]);
        if len == 0 { self.get_long(low) } else { IdText { bytes, len } }
    }

    /// As [`DriverIds::get`], as a [`DriverId`].
    #[inline]
    pub(crate) fn id(&self, record: RecordIndex) -> DriverId {
        let mut short = ShortIdBytes::default();
        for (bytes, word) in short.0.as_chunks_mut().0.iter_mut().zip(&self.words.get(record).0) {
            *bytes = word.load(Relaxed).to_le_bytes();
        }
        let len = usize::from(std::mem::take(&mut short.0[SHORT]));
        if len == 0 {
            return self.get(record).to_id();
        }
        // The bytes after the id are zero, which is valid text: so whole words are checked at once.
        let text = std::str::from_utf8(&short.0).expect("the bytes of an id are text");
        DriverId::new(&text[..len]).expect("the text of an id is one")
    }

    /// Loads a word of the id into the cache. No other load depends on it.
    #[inline]
    pub(crate) fn prefetch(&self, record: RecordIndex) -> u64 {
        self.words.get(record).0[0].load(Relaxed)
    }

    /// Takes back the index of a long id. No search can find the record any more.
    pub(crate) fn clear(&self, record: RecordIndex, long_ids: &mut LongIdPool) {
        let [low, high] = self.words.get(record).0.each_ref().map(|word| word.load(Relaxed));
        // The byte that holds a short id's length is 0 for a long id, whose index is the lower half of the first word.
        if high >> 56 == 0 {
            long_ids.free.push(low as u32);
        }
    }

    /// Memory of the ids, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.words.bytes() + self.long.bytes()
    }

    #[cold]
    fn get_long(&self, low: u64) -> IdText {
        // The index is the lower half of the word, the length the byte after it.
        let mut bytes = [0; BYTES_MAX];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(&self.long.get(low as u32).0) {
            *bytes = word.load(Relaxed).to_le_bytes();
        }
        IdText { bytes, len: usize::from((low >> 32) as u8) }
    }

    fn take_long_id(&self, long_ids: &mut LongIdPool) -> u32 {
        long_ids.free.pop().unwrap_or_else(|| {
            long_ids.next += 1;
            self.long.allocate(long_ids.next - 1);
            long_ids.next - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_all_lengths_are_kept_and_long_ones_reuse_their_room() {
        let (ids, mut long_ids) = (DriverIds::new(10_000), LongIdPool::default());
        let id = |len: usize, seed: usize| {
            let text: String = (0..len).map(|i| char::from(b'!' + ((seed + 7 * i) % 90) as u8)).collect();
            DriverId::new(&text).unwrap()
        };
        for round in 0..3 {
            for len in 1..=BYTES_MAX {
                ids.set(RecordIndex::new(len as u32), &id(len, round), &mut long_ids);
            }
            for len in 1..=BYTES_MAX {
                assert_eq!(ids.get(RecordIndex::new(len as u32)).to_id(), id(len, round));
                assert_eq!(ids.id(RecordIndex::new(len as u32)), id(len, round));
            }
            (1..=BYTES_MAX as u32).for_each(|record| ids.clear(RecordIndex::new(record), &mut long_ids));
        }
        assert_eq!(long_ids.next as usize, BYTES_MAX - SHORT);
        assert_eq!(size_of::<IdWords>(), 16);
    }

    #[test]
    fn letters_of_several_bytes_are_kept() {
        let (record, ids, mut long_ids) = (RecordIndex::new(1), DriverIds::new(10), LongIdPool::default());
        for text in ["Zürich-Taxi 7", "北京出租车一二三四五六七八九十", "ß"] {
            ids.set(record, &DriverId::new(text).unwrap(), &mut long_ids);
            assert_eq!(ids.get(record).to_id().as_str(), text);
            assert_eq!(ids.id(record).as_str(), text);
        }
    }
}
