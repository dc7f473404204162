//! A monotone bucket queue: a list for each integer distance, and a bit for each list that is not empty (Dial, *Algorithm 360:
//! shortest-path forest with topological ordering*, 1969).

/// The popped distances never decrease, so the cursor only moves up.
pub(super) struct Buckets {
    /// Index of the newest entry of each distance, or [`EMPTY`].
    heads: Vec<u32>,
    /// A bit for each distance whose list has entries.
    filled: Vec<u64>,
    entries: Vec<Entry>,
    /// The first word of `filled` that may have bits.
    cursor: usize,
    /// The end of the words that may have bits.
    end: usize,
}

struct Entry {
    item: u32,
    /// Index of the next older entry of the same list, or [`EMPTY`].
    next: u32,
}

const EMPTY: u32 = u32::MAX;

impl Buckets {
    /// An empty queue for distances from 0 to `largest`.
    pub(super) fn new(largest: u32) -> Self {
        let words = largest as usize / 64 + 1;
        Self {
            heads: vec![EMPTY; words * 64],
            filled: vec![0; words],
            entries: Vec::new(),
            cursor: 0,
            end: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, distance: u32, item: u32) {
        let head = &mut self.heads[distance as usize];
        let entry = Entry { item, next: std::mem::replace(head, self.entries.len() as u32) };
        self.entries.push(entry);
        let word = distance as usize / 64;
        self.filled[word] |= 1 << (distance % 64);
        self.end = self.end.max(word + 1);
    }

    /// Removes an item with the least distance, and returns both, if that distance is below `limit`.
    #[inline]
    pub(super) fn pop_below(&mut self, limit: u32) -> Option<(u32, u32)> {
        while self.cursor < self.end && self.filled[self.cursor] == 0 {
            self.cursor += 1;
        }
        if self.cursor >= self.end {
            return None;
        }
        let distance = self.cursor as u32 * 64 + self.filled[self.cursor].trailing_zeros();
        if distance >= limit {
            return None;
        }
        let Entry { item, next } = self.entries[self.heads[distance as usize] as usize];
        self.heads[distance as usize] = next;
        if next == EMPTY {
            self.filled[self.cursor] &= self.filled[self.cursor] - 1;
        }
        Some((distance, item))
    }

    /// Empties the queue and moves the cursor back to distance 0.
    pub(super) fn clear(&mut self) {
        for word in self.cursor..self.end {
            while self.filled[word] != 0 {
                self.heads[word * 64 + self.filled[word].trailing_zeros() as usize] = EMPTY;
                self.filled[word] &= self.filled[word] - 1;
            }
        }
        self.entries.clear();
        (self.cursor, self.end) = (0, 0);
    }
}
