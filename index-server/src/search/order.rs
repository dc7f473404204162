//! Puts many in order by their distances.

/// Fewer are sorted by comparison.
const EVENLY_MIN: usize = 256;

/// The bits of a distance, which is not negative, so that they order it, and a number in a list.
pub(crate) type Pair = (u64, u32);

/// Buffers, which are used again.
#[derive(Default)]
pub(crate) struct Order {
    pairs: Vec<Pair>,
    placed: Vec<Pair>,
    /// By bucket, where its next pair goes; after all, where it ends.
    ends: Vec<u32>,
}

impl Order {
    /// The distances (half-chords squared) in order, each with its place in the list that was given.
    ///
    /// Those of drivers who are spread over a circle are spread over their range, because both grow with the square of
    /// the distance: so a place by its share of the range is near its right one.
    pub(crate) fn sort(&mut self, havs: impl Iterator<Item = f64>) -> &mut [Pair] {
        self.pairs.clear();
        self.pairs.extend((0..).zip(havs).map(|(i, hav)| (hav.to_bits(), i)));
        let (min, max) =
            self.pairs.iter().fold((u64::MAX, 0), |(min, max), (bits, _)| (min.min(*bits), max.max(*bits)));
        if self.pairs.len() < EVENLY_MIN || min == max {
            self.pairs.sort_unstable();
        } else {
            self.sort_evenly(f64::from_bits(min), f64::from_bits(max));
        }
        &mut self.pairs
    }

    /// Keeps room for so many at most.
    pub(crate) fn shrink_to(&mut self, room: usize) {
        self.pairs.clear();
        self.pairs.shrink_to(room);
        self.placed.clear();
        self.placed.shrink_to(room);
        self.ends.clear();
        self.ends.shrink_to(room);
    }

    fn sort_evenly(&mut self, min: f64, max: f64) {
        let Self { pairs, placed, ends } = self;
        let last = pairs.len() - 1;
        let scale = last as f64 / (max - min);
        let bucket = |pair: &Pair| (((f64::from_bits(pair.0) - min) * scale) as usize).min(last);
        ends.clear();
        ends.resize(pairs.len() + 1, 0);
        for pair in &*pairs {
            ends[bucket(pair) + 1] += 1;
        }
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        placed.resize(pairs.len(), Pair::default());
        for pair in &*pairs {
            let at = &mut ends[bucket(pair)];
            placed[*at as usize] = *pair;
            *at += 1;
        }
        std::mem::swap(pairs, placed);
        // What shares a bucket is in no order yet; all before it is less.
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
        fn it_is_the_order_of_the_distances(
            lists in prop::collection::vec(
                (
                    prop::collection::vec(0.0..1e-6_f64, 0..600),
                    prop::collection::vec(0.0..1e-12_f64, 0..600),
                    prop::option::of(0.5..1.0_f64),
                ),
                1..4,
            ),
        ) {
            let mut order = Order::default();
            for (spread, crowd, far) in lists {
                let havs: Vec<f64> = spread.into_iter().chain(crowd).chain(far).collect();
                let mut right: Vec<Pair> = (0..).zip(&havs).map(|(i, hav)| (hav.to_bits(), i)).collect();
                right.sort_unstable();
                prop_assert_eq!(&*order.sort(havs.into_iter()), &*right);
            }
        }
    }
}
