//! Sorts drivers by distance.

/// Minimum length of a list that is sorted by buckets; a shorter one is sorted by comparison.
const BUCKETS_MIN: usize = 256;

/// The bits of a distance, and its position in the list that was sorted. A distance is not negative, so its bits have
/// its order.
pub(crate) type SortedDistance = (u64, u32);

/// The buffers of a sort, which later sorts reuse.
#[derive(Default)]
pub(crate) struct DistanceSorter {
    pairs: Vec<SortedDistance>,
    sorted: Vec<SortedDistance>,
    /// By bucket: the place of its next distance; after the sort, the bucket's end.
    ends: Vec<u32>,
}

impl DistanceSorter {
    /// Sorts distances (half-chords squared).
    ///
    /// A half-chord squared grows with the square of the distance, and so does the number of drivers within a circle.
    /// Drivers that are spread over a circle are therefore spread evenly over the range of the values, and one bucket
    /// per driver puts most of them next to their final place.
    pub(crate) fn sort(&mut self, havs: impl Iterator<Item = f64>) -> &mut [SortedDistance] {
        self.pairs.clear();
        self.pairs.extend((0..).zip(havs).map(|(i, hav)| (hav.to_bits(), i)));
        let (min, max) =
            self.pairs.iter().fold((u64::MAX, 0), |(min, max), (bits, _)| (min.min(*bits), max.max(*bits)));
        if self.pairs.len() < BUCKETS_MIN || min == max {
            self.pairs.sort_unstable();
        } else {
            self.sort_by_buckets(f64::from_bits(min), f64::from_bits(max));
        }
        &mut self.pairs
    }

    /// Keeps room for at most `room` distances.
    pub(crate) fn shrink_to(&mut self, room: usize) {
        self.pairs.clear();
        self.pairs.shrink_to(room);
        self.sorted.clear();
        self.sorted.shrink_to(room);
        self.ends.clear();
        self.ends.shrink_to(room);
    }

    fn sort_by_buckets(&mut self, min: f64, max: f64) {
        let Self { pairs, sorted, ends } = self;
        let last = pairs.len() - 1;
        let scale = last as f64 / (max - min);
        let bucket = |pair: &SortedDistance| (((f64::from_bits(pair.0) - min) * scale) as usize).min(last);
        ends.clear();
        ends.resize(pairs.len() + 1, 0);
        for pair in &*pairs {
            ends[bucket(pair) + 1] += 1;
        }
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        sorted.resize(pairs.len(), SortedDistance::default());
        for pair in &*pairs {
            let at = &mut ends[bucket(pair)];
            sorted[*at as usize] = *pair;
            *at += 1;
        }
        std::mem::swap(pairs, sorted);
        // The distances of one bucket are in no order yet. All of earlier buckets are less.
        let mut start = 0;
        for end in ends {
            let end = *end as usize;
            if end > start + 1 {
                pairs[start..end].sort_unstable();
            }
            start = start.max(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_as_a_comparison_does(
            lists in prop::collection::vec(
                (
                    prop::collection::vec(0.0..1e-6_f64, 0..600),
                    prop::collection::vec(0.0..1e-12_f64, 0..600),
                    prop::option::of(0.5..1.0_f64),
                ),
                1..4,
            ),
        ) {
            let mut order = DistanceSorter::default();
            for (spread, crowd, far) in lists {
                let havs: Vec<f64> = spread.into_iter().chain(crowd).chain(far).collect();
                let mut right: Vec<SortedDistance> = (0..).zip(&havs).map(|(i, hav)| (hav.to_bits(), i)).collect();
                right.sort_unstable();
                prop_assert_eq!(&*order.sort(havs.into_iter()), &*right);
            }
        }
    }
}
