//! A growing set of slots, one bit each, that knows its size.

use kerb_ports::Slot;

use crate::slab::slots_of;

/// A set of slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    /// Slots in the set.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether the slot is in the set.
    #[inline]
    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.words.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Adds a slot; answers whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, slot: Slot) -> bool {
        let before = self.count;
        self.insert_word(slot as usize / 64, 1 << (slot % 64));
        self.count > before
    }

    /// Adds up to 64 slots.
    #[inline]
    pub(crate) fn insert_word(&mut self, word: usize, bits: u64) {
        if bits == 0 {
            return;
        }
        if word >= self.words.len() {
            self.words.resize((word + 1).next_multiple_of(64), 0);
        }
        self.count += (bits & !self.words[word]).count_ones() as usize;
        self.words[word] |= bits;
    }

    /// Removes a slot; answers whether it was there.
    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) -> bool {
        let Some(word) = self.words.get_mut(slot as usize / 64) else { return false };
        let bit = 1 << (slot % 64);
        let was_there = *word & bit != 0;
        *word &= !bit;
        self.count -= usize::from(was_there);
        was_there
    }

    /// Up to 64 slots.
    #[inline]
    pub(crate) fn word(&self, word: usize) -> u64 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Empties the set.
    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }

    /// Takes whole words from `*cursor` on, and around, until at least `wanted` slots came or the set is empty.
    /// At most `wanted` + 63 slots come. Every slot comes before a slot that was added behind it comes again.
    pub(crate) fn take(&mut self, cursor: &mut usize, wanted: usize, slots: &mut Vec<Slot>) {
        while self.count > 0 && slots.len() < wanted {
            if *cursor >= self.words.len() {
                *cursor = 0;
            }
            let bits = std::mem::take(&mut self.words[*cursor]);
            self.count -= bits.count_ones() as usize;
            slots.extend(slots_of(*cursor, bits));
            *cursor += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_slots() {
        let mut bits = Bits::default();
        assert!(bits.insert(70) && bits.insert(3) && !bits.insert(70) && bits.insert(10_000));
        assert!(bits.contains(70) && !bits.contains(71) && !bits.contains(1_000_000));
        assert!(bits.remove(3) && !bits.remove(3) && !bits.remove(999_999));
        assert_eq!(bits.len(), 2);
        let (mut cursor, mut slots) = (2, Vec::new());
        bits.take(&mut cursor, 1, &mut slots);
        assert_eq!(slots, [10_000]);
        bits.take(&mut cursor, 9, &mut slots);
        assert_eq!((slots, bits.len()), (vec![10_000, 70], 0));
    }
}
