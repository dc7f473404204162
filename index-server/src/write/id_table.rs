//! A hash table of record numbers. The ids that they are found by are stored elsewhere.
//!
//! # Why not `hashbrown`
//!
//! Memory per driver decides how many drivers a server holds. This table takes 4 bytes a bucket and keeps 75 to 90 % of
//! the buckets full: 4.4 to 5.3 bytes a driver. A `hashbrown::HashTable<u32>` takes 5 bytes a bucket with its tags, and
//! doubles when 7/8 are full: 5.7 to 11.4 bytes a driver, so 1 to 6 bytes more. At 1 M
//! drivers, 4.9 instead of 8.4 bytes were measured. At 20 M drivers, the difference is up to 120 MB. This table grows by
//! a fifth, in segments of 1 KiB, and needs no large free block of memory for it.
//!
//! # How it works
//!
//! Open addressing with linear probing (Knuth, "The Art of Computer Programming" 3, 6.4, algorithm L, and R to remove).
//! A record number leaves the upper bits of its word free. They hold bits of the hash, so that a lookup hardly ever
//! compares an id that is not the one it looks for.

/// Full buckets of every ten, at which the table grows. A lookup of a missing id then passes 50 buckets, four adjacent
/// cache lines.
const FULL_OF_TEN_MAX: usize = 9;
/// The table grows by a fifth.
const GROWTH: usize = 5;
/// Buckets of a segment, 1 KiB. Segments stay where they are when the table grows: an array that is copied into a larger
/// one would leave a gap that no later array fits into.
const SEGMENT: usize = 256;

/// A set of record numbers, which count from 1.
#[derive(Default)]
pub(crate) struct IdTable {
    /// Words, each a number and bits of its hash. 0 marks a free bucket.
    #[expect(clippy::vec_box, reason = "a segment stays where it is while the list of them grows")]
    segments: Vec<Box<[u32; SEGMENT]>>,
    len: usize,
}

/// The bits of a word that hold the number. The other bits hold a part of its hash.
#[derive(Clone, Copy)]
pub(crate) struct NumberMask(u32);

impl NumberMask {
    /// Makes room for numbers up to `most`.
    pub(crate) fn up_to(most: usize) -> Self {
        // Records are named by 32 bits, so more than `u32::MAX` cannot exist.
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Self(u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0))
    }

    fn number(self, word: u32) -> u32 {
        word & self.0
    }

    fn word(self, hash: u64, number: u32) -> u32 {
        // The upper half of the hash.
        (hash >> 32) as u32 & !self.0 | number
    }

    /// Whether the word may belong to a number with this hash.
    fn may_match(self, word: u32, hash: u64) -> bool {
        word & !self.0 == (hash >> 32) as u32 & !self.0
    }
}

impl IdTable {
    /// Returns the number with this hash for which `is_same` is true.
    pub(crate) fn find(&self, mask: NumberMask, hash: u64, is_same: impl FnMut(u32) -> bool) -> Option<u32> {
        self.bucket_of(mask, hash, is_same).map(|bucket| mask.number(self.word(bucket)))
    }

    /// Adds a number that is not in the table.
    pub(crate) fn insert(&mut self, mask: NumberMask, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.len + 1) * 10 > self.buckets() * FULL_OF_TEN_MAX {
            self.grow(|word| hash_of(mask.number(word)));
        }
        self.put(hash, mask.word(hash, number));
        self.len += 1;
    }

    /// Removes a number. Returns whether the table contained it.
    pub(crate) fn remove(
        &mut self,
        mask: NumberMask,
        hash: u64,
        number: u32,
        hash_of: impl Fn(u32) -> u64,
    ) -> bool {
        let Some(mut hole) = self.bucket_of(mask, hash, |other| other == number) else { return false };
        // A later number moves into the hole if its probe sequence passes the hole.
        let mut bucket = self.next(hole);
        while self.word(bucket) != 0 {
            let home = self.home_bucket(hash_of(mask.number(self.word(bucket))));
            if self.distance(home, bucket) >= self.distance(hole, bucket) {
                *self.word_mut(hole) = self.word(bucket);
                hole = bucket;
            }
            bucket = self.next(bucket);
        }
        *self.word_mut(hole) = 0;
        self.len -= 1;
        true
    }

    /// Memory of the table, in bytes.
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

    fn bucket_of(&self, mask: NumberMask, hash: u64, mut is_same: impl FnMut(u32) -> bool) -> Option<usize> {
        if self.segments.is_empty() {
            return None;
        }
        let mut bucket = self.home_bucket(hash);
        // The loop ends: at least one bucket in ten is free.
        while self.word(bucket) != 0 {
            let word = self.word(bucket);
            if mask.may_match(word, hash) && is_same(mask.number(word)) {
                return Some(bucket);
            }
            bucket = self.next(bucket);
        }
        None
    }

    fn put(&mut self, hash: u64, word: u32) {
        let mut bucket = self.home_bucket(hash);
        while self.word(bucket) != 0 {
            bucket = self.next(bucket);
        }
        *self.word_mut(bucket) = word;
    }

    fn buckets(&self) -> usize {
        self.segments.len() * SEGMENT
    }

    fn word(&self, bucket: usize) -> u32 {
        self.segments[bucket / SEGMENT][bucket % SEGMENT]
    }

    fn word_mut(&mut self, bucket: usize) -> &mut u32 {
        &mut self.segments[bucket / SEGMENT][bucket % SEGMENT]
    }

    /// The first bucket of a hash's probe sequence. It depends on the lower half of the hash, which no word contains.
    fn home_bucket(&self, hash: u64) -> usize {
        (((hash & 0xffff_ffff) * self.buckets() as u64) >> 32) as usize
    }

    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets() { 0 } else { bucket + 1 }
    }

    /// Number of probes from one bucket to another, around the end.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.buckets() - from }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// Hashes with as many collisions as possible: few values, and few home buckets.
    fn bad_hash(number: u32) -> u64 {
        u64::from(number % 7) << 60 | u64::from(number % 8) << 29
    }

    fn good_hash(number: u32) -> u64 {
        let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(32)
    }

    fn behaves_like_a_set(seed: u64, most: u32, hash: impl Fn(u32) -> u64) {
        println!("seed {seed}");
        let (mut rng, mask) = (Pcg64Mcg::seed_from_u64(seed), NumberMask::up_to(most as usize));
        let (mut numbers, mut truth) = (IdTable::default(), BTreeSet::new());
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
            behaves_like_a_set(seed, 300, bad_hash);
            behaves_like_a_set(seed, 300, good_hash);
            behaves_like_a_set(seed, 20_000_000, good_hash);
            behaves_like_a_set(seed, u32::MAX, bad_hash);
        }
    }

    #[test]
    fn three_quarters_of_the_buckets_are_full_and_a_lookup_compares_hardly_any_other_id() {
        let (mut numbers, mask) = (IdTable::default(), NumberMask::up_to(20_000_000));
        for number in 1..=100_000 {
            numbers.insert(mask, good_hash(number), number, good_hash);
            // Three quarters are full right after it has grown. The list of segments takes memory too.
            let most = number as usize * 11 / 2 + 3 * size_of::<[u32; SEGMENT]>();
            assert!(numbers.bytes() <= most, "{number} numbers in {} bytes", numbers.bytes());
        }
        let mut comparisons = 0;
        for number in 1..=100_000 {
            let is_same = |other| {
                comparisons += 1;
                other == number
            };
            assert_eq!(numbers.find(mask, good_hash(number), is_same), Some(number));
        }
        assert!(comparisons < 120_000, "{comparisons} comparisons");
    }
}
