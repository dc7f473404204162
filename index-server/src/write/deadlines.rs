//! When drivers may be too old: by group of 64 records the earliest time, a sixteenth of a byte for a driver. A wheel of
//! all drivers has four bytes and more for each.
//!
//! Lazy: a deadline that moves on is not told. A group is looked at, all of it, when the earliest of its old deadlines
//! comes, and gets its new one by what is found. So a driver who is heard of costs nothing, and a group whose drivers go
//! on reporting is looked at about once a lifetime.

/// Time is counted in these from the start; a driver leaves so much later than it could.
const TICK_MS: i64 = 250;
/// Records of a group. They lie side by side, so looking at all of them costs little more than at one.
const GROUP: u32 = 64;
/// Nobody of a group is watched.
const NEVER: u32 = u32::MAX;

/// See the module.
pub(crate) struct Deadlines {
    start_ms: i64,
    /// By group, ticks from the start.
    earliest: Vec<u32>,
}

impl Deadlines {
    /// Of nobody.
    pub(crate) fn new(start_ms: i64) -> Self {
        Self { start_ms, earliest: Vec::new() }
    }

    /// Watches a record whose deadline only moves on from now.
    pub(crate) fn insert(&mut self, record: u32, deadline_ms: i64) {
        let group = (record / GROUP) as usize;
        if group >= self.earliest.len() {
            self.earliest.resize(group + 1, NEVER);
        }
        let tick = tick_of(self.start_ms, deadline_ms);
        let earliest = &mut self.earliest[group];
        *earliest = tick.min(*earliest);
    }

    /// Looks at all records of each group in which a deadline may have come. `look` answers the new deadline of who is to
    /// be watched on.
    pub(crate) fn advance(&mut self, now_ms: i64, mut look: impl FnMut(u32) -> Option<i64>) {
        let (start_ms, now) = (self.start_ms, (now_ms - self.start_ms).div_euclid(TICK_MS));
        for (first, earliest) in (0..).step_by(GROUP as usize).zip(&mut self.earliest) {
            if *earliest != NEVER && i64::from(*earliest) <= now {
                let next = (first..first + GROUP).filter_map(&mut look).min();
                *earliest = next.map_or(NEVER, |deadline_ms| tick_of(start_ms, deadline_ms));
            }
        }
    }

    /// Memory of the times.
    pub(crate) fn bytes(&self) -> usize {
        self.earliest.capacity() * size_of::<u32>()
    }
}

/// The tick that ends after the deadline, so that nobody is early.
fn tick_of(start_ms: i64, deadline_ms: i64) -> u32 {
    let tick = (deadline_ms - start_ms).div_euclid(TICK_MS) + 1;
    tick.clamp(0, i64::from(NEVER - 1)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: i64 = 1_000_000;

    /// Who is looked at, of those whose deadlines these are; who is due is not watched on.
    fn looked_at(deadlines: &mut Deadlines, after_ms: i64, of: &[(u32, i64)]) -> Vec<u32> {
        let (mut looks, now_ms) = (Vec::new(), START_MS + after_ms);
        deadlines.advance(now_ms, |record| {
            let deadline_ms = START_MS + of.iter().find(|(other, _)| *other == record)?.1;
            looks.push(record);
            (deadline_ms > now_ms).then_some(deadline_ms)
        });
        looks
    }

    #[test]
    fn a_group_is_looked_at_when_the_first_of_it_is_due_and_again_when_the_next_is() {
        let mut deadlines = Deadlines::new(START_MS);
        let mut of = vec![(1, 1_900), (63, 400), (64, 510), (300, -70_000), (640, i64::MAX / 2)];
        for (record, deadline_ms) in &of {
            deadlines.insert(*record, START_MS + deadline_ms);
        }
        assert_eq!(looked_at(&mut deadlines, 0, &of), [300]);
        assert_eq!(looked_at(&mut deadlines, 499, &of), []);
        assert_eq!(looked_at(&mut deadlines, 500, &of), [1, 63]);
        // Heard of meanwhile.
        of[2].1 = 2_000;
        assert_eq!(looked_at(&mut deadlines, 1_999, &of), [64]);
        assert_eq!(looked_at(&mut deadlines, 2_000, &of), [1, 63]);
        assert_eq!(looked_at(&mut deadlines, 2_249, &of), []);
        assert_eq!(looked_at(&mut deadlines, 2_250, &of), [64]);
        assert_eq!(looked_at(&mut deadlines, 1_000_000_000, &of), []);
    }

    #[test]
    fn the_times_of_a_million_take_an_eighth_of_a_byte_each_at_most() {
        let mut deadlines = Deadlines::new(START_MS);
        (1..=1_000_000).for_each(|record| deadlines.insert(record, START_MS + 60_000));
        assert!(deadlines.bytes() <= 131_072, "{}", deadlines.bytes());
    }
}
