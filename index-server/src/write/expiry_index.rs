//! Finds the drivers whose positions may be too old.
//!
//! The index holds one time for each group of 64 records: the earliest deadline in the group. That is a sixteenth of a
//! byte per driver; a timing wheel of all drivers takes four bytes and more for each. The time is lazy: it stays when a
//! driver's deadline moves on. When it comes, all records of the group are read, and the group gets a new time. So an
//! update costs nothing, and a group whose drivers keep reporting is read about once per lifetime of a position.

use kerb_types::Timestamp;

use crate::store::indices::RecordIndex;

/// Unit of the index's time, in milliseconds. A driver expires at most this much too late.
const TICK_MS: i64 = 250;
/// Records of a group. They are adjacent in memory, so reading all of them costs little more than reading one.
const GROUP: u32 = 64;

/// Ticks from the start of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tick(u32);

impl Tick {
    /// The time of a group without tracked drivers.
    const NEVER: Self = Self(u32::MAX);

    /// The first tick after the deadline, so that no driver expires too early.
    fn after(start_ms: Timestamp, deadline_ms: Timestamp) -> Self {
        let tick = (deadline_ms - start_ms).get().div_euclid(TICK_MS) + 1;
        // Within `u32` after the clamp.
        Self(tick.clamp(0, i64::from(Self::NEVER.0 - 1)) as u32)
    }

    fn has_come(self, start_ms: Timestamp, now: Timestamp) -> bool {
        self != Self::NEVER && i64::from(self.0) <= (now - start_ms).get().div_euclid(TICK_MS)
    }
}

/// The earliest deadlines of all groups.
pub(crate) struct ExpiryIndex {
    start_ms: Timestamp,
    /// By group of records.
    earliest: Vec<Tick>,
}

impl ExpiryIndex {
    /// Makes an index that tracks no driver. `start_ms` is tick 0.
    pub(crate) fn new(start_ms: Timestamp) -> Self {
        Self { start_ms, earliest: Vec::new() }
    }

    /// Tracks a record. Its deadline only increases from now on.
    pub(crate) fn insert(&mut self, record: RecordIndex, deadline_ms: Timestamp) {
        let group = (record.get() / GROUP) as usize;
        if group >= self.earliest.len() {
            self.earliest.resize(group + 1, Tick::NEVER);
        }
        let tick = Tick::after(self.start_ms, deadline_ms);
        let earliest = &mut self.earliest[group];
        *earliest = tick.min(*earliest);
    }

    /// Calls `check` with all records of each group in which a deadline may have come. `check` returns the deadline of a
    /// record that stays tracked.
    pub(crate) fn advance(
        &mut self,
        now: Timestamp,
        mut check: impl FnMut(RecordIndex) -> Option<Timestamp>,
    ) {
        let start_ms = self.start_ms;
        for (first, earliest) in (0..).step_by(GROUP as usize).zip(&mut self.earliest) {
            if earliest.has_come(start_ms, now) {
                let next = (first..first + GROUP).map(RecordIndex::new).filter_map(&mut check).min();
                *earliest = next.map_or(Tick::NEVER, |deadline_ms| Tick::after(start_ms, deadline_ms));
            }
        }
    }

    /// Memory of the times, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.earliest.capacity() * size_of::<Tick>()
    }
}

#[cfg(test)]
mod tests {
    use kerb_types::Millis;

    use super::*;

    const START_MS: Timestamp = Timestamp::from_millis(1_000_000);

    /// The records that `advance` checks, of those with these deadlines. A due record is not tracked any more.
    fn checked(index: &mut ExpiryIndex, after_ms: i64, deadlines: &[(u32, i64)]) -> Vec<u32> {
        let (mut checked, now) = (Vec::new(), START_MS + Millis::new(after_ms));
        index.advance(now, |record| {
            let record = record.get();
            let deadline_ms = START_MS + Millis::new(deadlines.iter().find(|(other, _)| *other == record)?.1);
            checked.push(record);
            (deadline_ms > now).then_some(deadline_ms)
        });
        checked
    }

    #[test]
    fn a_group_is_checked_when_its_first_deadline_comes_and_again_at_the_next() {
        let mut index = ExpiryIndex::new(START_MS);
        let mut deadlines = vec![(1, 1_900), (63, 400), (64, 510), (300, -70_000), (640, i64::MAX / 2)];
        for (record, deadline_ms) in &deadlines {
            index.insert(RecordIndex::new(*record), START_MS + Millis::new(*deadline_ms));
        }
        assert_eq!(checked(&mut index, 0, &deadlines), [300]);
        assert_eq!(checked(&mut index, 499, &deadlines), [0; 0]);
        assert_eq!(checked(&mut index, 500, &deadlines), [1, 63]);
        // The driver reports meanwhile.
        deadlines[2].1 = 2_000;
        assert_eq!(checked(&mut index, 1_999, &deadlines), [64]);
        assert_eq!(checked(&mut index, 2_000, &deadlines), [1, 63]);
        assert_eq!(checked(&mut index, 2_249, &deadlines), [0; 0]);
        assert_eq!(checked(&mut index, 2_250, &deadlines), [64]);
        assert_eq!(checked(&mut index, 1_000_000_000, &deadlines), [0; 0]);
    }

    #[test]
    fn a_million_drivers_take_at_most_an_eighth_of_a_byte_each() {
        let mut index = ExpiryIndex::new(START_MS);
        (1..=1_000_000)
            .for_each(|record| index.insert(RecordIndex::new(record), START_MS + Millis::new(60_000)));
        assert!(index.bytes() <= 131_072, "{}", index.bytes());
    }
}
