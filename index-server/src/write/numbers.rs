//! A hash table of record numbers alone: what they are found by stands elsewhere. Four bytes a place, of which three
//! quarters and more are taken; a table that doubles, with its own bytes for tags, had eight for a number.
//!
//! Open addressing with steps of one place (Knuth, "The Art of Computer Programming" 3, 6.4, algorithm L, and R to
//! remove). A number leaves the upper bits of its word free, which have some of its hash: so nearly none but the number
//! that is looked for is looked at.

/// Of ten places so many are taken before it grows. A search for what is not there then passes 50 places, four cache
/// lines side by side.
const TAKEN_MAX: usize = 9;
/// It grows by one part in so many.
const GROWTH: usize = 5;
/// Places of a segment, 1 KiB. Segments stay where they are when the table grows: arrays that are copied into larger ones
/// leave gaps behind that nothing of the new size fits into.
const SEGMENT: usize = 256;

/// See the module. No number is 0.
#[derive(Default)]
pub(crate) struct Numbers {
    /// Of words, each a number and bits of its hash; 0 is free.
    #[expect(clippy::vec_box, reason = "a segment stays where it is while the list of them grows")]
    segments: Vec<Box<[u32; SEGMENT]>>,
    len: usize,
}

/// The bits of a word that are its number; the others are of the number's hash.
#[derive(Clone, Copy)]
pub(crate) struct Mask(u32);

impl Mask {
    /// For numbers up to `most`.
    pub(crate) fn new(most: usize) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Self(u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0))
    }

    fn number(self, word: u32) -> u32 {
        word & self.0
    }

    fn word(self, hash: u64, number: u32) -> u32 {
        (hash >> 32) as u32 & !self.0 | number
    }

    /// Whether the word may be of a number with this hash.
    fn may_be_of(self, word: u32, hash: u64) -> bool {
        word & !self.0 == (hash >> 32) as u32 & !self.0
    }
}

impl Numbers {
    /// The number with this hash that is the `same`.
    pub(crate) fn find(&self, mask: Mask, hash: u64, same: impl FnMut(u32) -> bool) -> Option<u32> {
        self.place_of(mask, hash, same).map(|place| mask.number(self.word(place)))
    }

    /// Adds a number that is not in it.
    pub(crate) fn insert(&mut self, mask: Mask, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.len + 1) * 10 > self.places() * TAKEN_MAX {
            self.grow(|word| hash_of(mask.number(word)));
        }
        self.put(hash, mask.word(hash, number));
        self.len += 1;
    }

    /// Removes a number; whether it was in it.
    pub(crate) fn remove(
        &mut self,
        mask: Mask,
        hash: u64,
        number: u32,
        hash_of: impl Fn(u32) -> u64,
    ) -> bool {
        let Some(mut hole) = self.place_of(mask, hash, |other| other == number) else { return false };
        // Whoever could not stand here before it moves up.
        let mut place = self.next(hole);
        while self.word(place) != 0 {
            let home = self.home(hash_of(mask.number(self.word(place))));
            if self.steps(home, place) >= self.steps(hole, place) {
                *self.word_mut(hole) = self.word(place);
                hole = place;
            }
            place = self.next(place);
        }
        *self.word_mut(hole) = 0;
        self.len -= 1;
        true
    }

    /// Memory of the table.
    pub(crate) fn bytes(&self) -> usize {
        self.segments.len() * size_of::<[u32; SEGMENT]>() + self.segments.capacity() * size_of::<usize>()
    }

    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let words: Vec<u32> =
            self.segments.iter().flat_map(|segment| **segment).filter(|word| *word != 0).collect();
        self.segments.iter_mut().for_each(|segment| segment.fill(0));
        let more = (self.segments.len() / GROWTH).max(1);
        self.segments.extend((0..more).map(|_| Box::new([0; SEGMENT])));
        for word in words {
            self.put(hash_of(word), word);
        }
    }

    fn place_of(&self, mask: Mask, hash: u64, mut same: impl FnMut(u32) -> bool) -> Option<usize> {
        if self.segments.is_empty() {
            return None;
        }
        let mut place = self.home(hash);
        // One place in ten is free at least.
        while self.word(place) != 0 {
            let word = self.word(place);
            if mask.may_be_of(word, hash) && same(mask.number(word)) {
                return Some(place);
            }
            place = self.next(place);
        }
        None
    }

    fn put(&mut self, hash: u64, word: u32) {
        let mut place = self.home(hash);
        while self.word(place) != 0 {
            place = self.next(place);
        }
        *self.word_mut(place) = word;
    }

    fn places(&self) -> usize {
        self.segments.len() * SEGMENT
    }

    fn word(&self, place: usize) -> u32 {
        self.segments[place / SEGMENT][place % SEGMENT]
    }

    fn word_mut(&mut self, place: usize) -> &mut u32 {
        &mut self.segments[place / SEGMENT][place % SEGMENT]
    }

    /// Where a number of this hash stands if it can: by the lower half, which no word has.
    fn home(&self, hash: u64) -> usize {
        (((hash & 0xffff_ffff) * self.places() as u64) >> 32) as usize
    }

    fn next(&self, place: usize) -> usize {
        if place + 1 == self.places() { 0 } else { place + 1 }
    }

    /// From one place to another, round the end.
    fn steps(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.places() - from }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// Hashes as bad as may be: few, and of few places.
    fn bad_hash(number: u32) -> u64 {
        u64::from(number % 7) << 60 | u64::from(number % 8) << 29
    }

    fn good_hash(number: u32) -> u64 {
        let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(32)
    }

    fn is_a_set(seed: u64, most: u32, hash: impl Fn(u32) -> u64) {
        println!("seed {seed}");
        let (mut rng, mask) = (Pcg64Mcg::seed_from_u64(seed), Mask::new(most as usize));
        let (mut numbers, mut truth) = (Numbers::default(), BTreeSet::new());
        for step in 0..4_000 {
            let number = rng.random_range(1..=most.min(300));
            if rng.random_range(0..4_000) > step {
                if truth.insert(number) {
                    numbers.insert(mask, hash(number), number, &hash);
                }
            } else {
                assert_eq!(numbers.remove(mask, hash(number), number, &hash), truth.remove(&number));
            }
            let other = rng.random_range(1..=most.min(300));
            let found = numbers.find(mask, hash(other), |number| number == other);
            assert_eq!(found, truth.contains(&other).then_some(other));
        }
        assert_eq!(numbers.len, truth.len());
        for number in 1..=most.min(300) {
            assert_eq!(numbers.find(mask, hash(number), |n| n == number).is_some(), truth.contains(&number));
        }
    }

    #[test]
    fn numbers_are_found_and_removed_as_in_a_set() {
        for seed in 0..20 {
            is_a_set(seed, 300, bad_hash);
            is_a_set(seed, 300, good_hash);
            is_a_set(seed, 20_000_000, good_hash);
            is_a_set(seed, u32::MAX, bad_hash);
        }
    }

    #[test]
    fn three_quarters_of_it_are_taken_and_nearly_nobody_else_is_looked_at() {
        let (mut numbers, mask) = (Numbers::default(), Mask::new(20_000_000));
        for number in 1..=100_000 {
            numbers.insert(mask, good_hash(number), number, good_hash);
            // Three quarters right after it has grown, and what finds the segments.
            let most = number as usize * 11 / 2 + 3 * size_of::<[u32; SEGMENT]>();
            assert!(numbers.bytes() <= most, "{number} numbers in {} bytes", numbers.bytes());
        }
        let mut looks = 0;
        for number in 1..=100_000 {
            let look = |other| {
                looks += 1;
                other == number
            };
            assert_eq!(numbers.find(mask, good_hash(number), look), Some(number));
        }
        assert!(looks < 120_000, "{looks} looks");
    }
}
