//! A growing set of slots with one bit for each slot.

use kerb_ports::Slot;

/// A set of slots that counts its members.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitSet {
    words: Vec<u64>,
    count: usize,
}

impl BitSet {
    /// Returns the number of slots in the set.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether the slot is in the set.
    #[inline]
    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.words.get(slot.index() / 64).is_some_and(|word| word >> (slot.get() % 64) & 1 == 1)
    }

    /// Adds a slot. Returns whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, slot: Slot) -> bool {
        let before = self.count;
        self.insert_word(slot.index() / 64, 1 << (slot.get() % 64));
        self.count > before
    }

    /// Adds the slots `word * 64` to `word * 64 + 63` whose bits are set.
    #[inline]
    pub(crate) fn insert_word(&mut self, word: usize, bits: u64) {
        if bits == 0 {
            return;
        }
        if word >= self.words.len() {
            // In large steps, because slots come in rising order while the table fills.
            self.words.resize((word + 1).next_multiple_of(64), 0);
        }
        self.count += (bits & !self.words[word]).count_ones() as usize;
        self.words[word] |= bits;
    }

    /// Removes a slot. Returns whether it was in the set.
    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) -> bool {
        let Some(word) = self.words.get_mut(slot.index() / 64) else { return false };
        let bit = 1 << (slot.get() % 64);
        let was_present = *word & bit != 0;
        *word &= !bit;
        self.count -= usize::from(was_present);
        was_present
    }

    /// Returns the bits of the slots `word * 64` to `word * 64 + 63`.
    #[inline]
    pub(crate) fn word(&self, word: usize) -> u64 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Removes all slots.
    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }

    /// Moves whole words from `*cursor` on, and around, into `slots`, until `slots` has at least `target` of them or the
    /// set is empty. At most `target` + 63 slots come. The cursor is fair: no slot comes twice before all others have come
    /// once.
    pub(crate) fn take(&mut self, cursor: &mut usize, target: usize, slots: &mut Vec<Slot>) {
        while self.count > 0 && slots.len() < target {
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

/// Returns the slots whose bits are set in the word of this number.
pub(crate) fn slots_of(word: usize, mut bits: u64) -> impl Iterator<Item = Slot> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let bit = bits.trailing_zeros();
            // Clears the lowest bit.
            bits &= bits - 1;
            Slot::new(word as u32 * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_slots() {
        let mut set = BitSet::default();
        assert!(
            set.insert(Slot::new(70))
                && set.insert(Slot::new(3))
                && !set.insert(Slot::new(70))
                && set.insert(Slot::new(10_000))
        );
        assert!(
            set.contains(Slot::new(70))
                && !set.contains(Slot::new(71))
                && !set.contains(Slot::new(1_000_000))
        );
        assert!(set.remove(Slot::new(3)) && !set.remove(Slot::new(3)) && !set.remove(Slot::new(999_999)));
        assert_eq!(set.len(), 2);
        let (mut cursor, mut slots) = (2, Vec::new());
        set.take(&mut cursor, 1, &mut slots);
        assert_eq!(slots, [Slot::new(10_000)]);
        set.take(&mut cursor, 9, &mut slots);
        assert_eq!((slots, set.len()), (vec![Slot::new(10_000), Slot::new(70)], 0));
    }
}
