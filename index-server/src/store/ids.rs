//! The drivers' ids by record number, in atomics as everything that searches read. An id is written before its record
//! can be found and stays until no search can find it any more, so it needs no version.
//!
//! Up to 15 bytes stand in place, four ids in a cache line. A longer one has a slot of the longest id's size beside.

use std::sync::atomic::Ordering::Relaxed;

use kerb_types::DriverId;
use kerb_types::limits::DRIVER_ID_BYTES_MAX as BYTES_MAX;

use super::arena::Arena;
use crate::sync::AtomicU64;

/// Bytes of an id in place. The last byte of the words has its length; 0: it is a long one.
const SHORT: usize = 15;

/// An id of up to [`SHORT`] bytes, or the slot and the length of a longer one.
#[derive(Default)]
#[repr(align(16))]
pub(crate) struct IdWords([AtomicU64; 2]);

/// Bytes that are looked at as words.
#[derive(Default)]
#[repr(align(16))]
struct Aligned([u8; SHORT + 1]);

/// A longer id.
#[derive(Default)]
#[repr(align(64))]
struct LongId([AtomicU64; BYTES_MAX / 8]);

/// See the module.
pub(crate) struct Ids {
    words: Arena<IdWords>,
    long: Arena<LongId>,
}

/// The writer's book of the slots of long ids.
#[derive(Default)]
pub(crate) struct LongSlots {
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

impl Ids {
    /// Ids of records below `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self { words: Arena::new(limit), long: Arena::new(limit) }
    }

    /// Sets the id of a record that no search can find.
    pub(crate) fn set(&self, record: u32, id: &DriverId, slots: &mut LongSlots) {
        self.words.make(record);
        let bytes = id.as_str().as_bytes();
        let mut words = [0; 2 * 8];
        if bytes.len() <= SHORT {
            words[..bytes.len()].copy_from_slice(bytes);
            words[SHORT] = bytes.len() as u8;
        } else {
            let slot = self.take_slot(slots);
            let mut all = [0; BYTES_MAX];
            all[..bytes.len()].copy_from_slice(bytes);
            for (word, bytes) in self.long.get(slot).0.iter().zip(all.as_chunks().0) {
                word.store(u64::from_le_bytes(*bytes), Relaxed);
            }
            words[..4].copy_from_slice(&slot.to_le_bytes());
            words[4] = bytes.len() as u8;
        }
        for (word, bytes) in self.words.get(record).0.iter().zip(words.as_chunks().0) {
            word.store(u64::from_le_bytes(*bytes), Relaxed);
        }
    }

    /// The id of a record that has one.
    #[inline]
    pub(crate) fn get(&self, record: u32) -> IdText {
        let [low, high] = self.words.get(record).0.each_ref().map(|word| word.load(Relaxed));
        let mut bytes = [0; BYTES_MAX];
        bytes[..8].copy_from_slice(&low.to_le_bytes());
        bytes[8..16].copy_from_slice(&high.to_le_bytes());
        let len = usize::from(bytes[SHORT]);
        if len == 0 { self.get_long(low) } else { IdText { bytes, len } }
    }

    /// The id of a record that has one, as its own type.
    #[inline]
    pub(crate) fn id(&self, record: u32) -> DriverId {
        let mut short = Aligned::default();
        for (bytes, word) in short.0.as_chunks_mut().0.iter_mut().zip(&self.words.get(record).0) {
            *bytes = word.load(Relaxed).to_le_bytes();
        }
        let len = usize::from(std::mem::take(&mut short.0[SHORT]));
        if len == 0 {
            return self.get(record).to_id();
        }
        // All of the bytes, of which those behind the id are zero: whole words are checked at once.
        let text = std::str::from_utf8(&short.0).expect("the bytes of an id are text");
        DriverId::new(&text[..len]).expect("the text of an id is one")
    }

    /// Loads a word of the id; nothing waits for it.
    #[inline]
    pub(crate) fn fetch(&self, record: u32) -> u64 {
        self.words.get(record).0[0].load(Relaxed)
    }

    /// Gives the slot of a long id back. No search can find the record any more.
    pub(crate) fn clear(&self, record: u32, slots: &mut LongSlots) {
        let [low, high] = self.words.get(record).0.each_ref().map(|word| word.load(Relaxed));
        // No long id fills the byte that has a short one's length.
        if high >> 56 == 0 {
            slots.free.push(low as u32);
        }
    }

    /// Memory of the ids.
    pub(crate) fn bytes(&self) -> usize {
        self.words.bytes() + self.long.bytes()
    }

    #[cold]
    fn get_long(&self, low: u64) -> IdText {
        let mut bytes = [0; BYTES_MAX];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(&self.long.get(low as u32).0) {
            *bytes = word.load(Relaxed).to_le_bytes();
        }
        IdText { bytes, len: usize::from((low >> 32) as u8) }
    }

    fn take_slot(&self, slots: &mut LongSlots) -> u32 {
        slots.free.pop().unwrap_or_else(|| {
            slots.next += 1;
            self.long.make(slots.next - 1);
            slots.next - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_all_lengths_are_kept_and_their_slots_used_again() {
        let (ids, mut slots) = (Ids::new(10_000), LongSlots::default());
        let id = |len: usize, seed: usize| {
            let text: String = (0..len).map(|i| char::from(b'!' + ((seed + 7 * i) % 90) as u8)).collect();
            DriverId::new(&text).unwrap()
        };
        for round in 0..3 {
            for len in 1..=BYTES_MAX {
                ids.set(len as u32, &id(len, round), &mut slots);
            }
            for len in 1..=BYTES_MAX {
                assert_eq!(ids.get(len as u32).to_id(), id(len, round));
                assert_eq!(ids.id(len as u32), id(len, round));
            }
            (1..=BYTES_MAX as u32).for_each(|record| ids.clear(record, &mut slots));
        }
        assert_eq!(slots.next as usize, BYTES_MAX - SHORT);
        assert_eq!(size_of::<IdWords>(), 16);
    }

    #[test]
    fn text_of_several_bytes_a_letter_is_kept() {
        let (ids, mut slots) = (Ids::new(10), LongSlots::default());
        for text in ["Zürich-Taxi 7", "北京出租车一二三四五六七八九十", "ß"] {
            ids.set(1, &DriverId::new(text).unwrap(), &mut slots);
            assert_eq!(ids.get(1).to_id().as_str(), text);
            assert_eq!(ids.id(1).as_str(), text);
        }
    }
}
